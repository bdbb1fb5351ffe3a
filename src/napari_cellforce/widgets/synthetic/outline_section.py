"""The outline of a synthetic cell: a shape with sliders, or drawn by hand in a layer."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, get_args

from napari.components import ViewerModel
from napari.layers import Labels, Layer, Shapes
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import BoolArray
from napari_cellforce.synthetic import Outline, Shape, SyntheticCell
from napari_cellforce.synthetic.shape import Kind
from napari_cellforce.widgets.base.form import Form, align
from napari_cellforce.widgets.base.slider import NumberSlider
from napari_cellforce.widgets.synthetic.hand_drawn import (
    outline_layer,
    outline_of,
    paint_layer,
    painted_outline,
)
from napari_cellforce.widgets.synthetic.hand_layers import HandLayers, nothing_in
from napari_cellforce.widgets.view.sources import role

BY_HAND = "by hand"
_WORDS = {
    "spread": "spread fibroblast",
    "blob": "rounded, irregular",
    "circle": "circle",
    "ellipse": "ellipse",
    "square": "square",
    "polygon": "regular polygon",
    "star": "star with concave edges",
}
_WITH_CORNERS = ("polygon", "star", "spread")


class OutlineSection(QWidget):
    """Choice of the cell's outline.

    Signals
    -------
    changed
        Another shape, size or stroke.
    """

    changed = Signal()

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(self._build_kinds())
        layout.addWidget(self._build_rules())
        layout.addWidget(self._build_by_hand(viewer))
        self._on_shape()

    def disconnect_viewer(self) -> None:
        """Hear nothing more of the viewer."""
        self._layers.disconnect_viewer()

    @property
    def by_hand(self) -> bool:
        """True if the outline is drawn in a layer."""
        return bool(self._kinds.currentData() == BY_HAND)

    @property
    def shape(self) -> Shape:
        """The shape by rule."""
        kind: Kind = "blob" if self.by_hand else self._kinds.currentData()
        return Shape(
            kind=kind,
            area=self._area.value,
            aspect=self._aspect.value,
            angle=math.radians(self._angle.value),
            corners=round(self._corners.value),
        )

    @property
    def painted(self) -> BoolArray | None:
        """What is painted, if the cell is painted by hand."""
        return self._layers.painted if self.by_hand else None

    def drawn(self, pixel_size: float) -> Outline | None:
        """Return the outline drawn by hand; None if it is that of a rule.

        Raises
        ------
        CellForceError
            If there is no layer, or it does not hold one closed outline.
        """
        if not self.by_hand:
            return None
        layer = self._layers.layer
        if layer is None or nothing_in(layer):
            raise _nothing_yet(painted=isinstance(layer, Labels))
        if self.painted is not None:
            return painted_outline(self.painted, layer, pixel_size)
        return outline_of(layer, pixel_size, smooth=self._smooth.isChecked())

    def draw_by_hand(self, layer: Layer, mode: str) -> None:
        """Add a layer that holds (or will hold) the outline, and use it."""
        self._kinds.setCurrentIndex(self._kinds.findData(BY_HAND))
        self._layers.take_up(layer, mode)

    def set_source(self, cell: Callable[[], SyntheticCell]) -> None:
        """Say where the cell is to be had whose outline is made editable."""
        self._cell = cell

    def reset(self) -> None:
        """Go back to the first shape."""
        self._kinds.setCurrentIndex(0)
        self._smooth.setChecked(False)
        for slider in self._sliders:
            slider.reset()

    def remember(self) -> dict[str, Any]:
        """Return what is kept between sessions."""
        return {
            "shape": self.shape.kind,
            "outline": [slider.value for slider in self._sliders],
            "smooth": self._smooth.isChecked(),
        }

    def recall(self, values: dict[str, Any]) -> None:
        """Set what `remember` returned."""
        self._kinds.setCurrentIndex(max(self._kinds.findData(values.get("shape")), 0))
        self._smooth.setChecked(bool(values.get("smooth", False)))
        for slider, value in zip(self._sliders, values.get("outline", ()), strict=False):
            slider.set_value(float(value))

    @property
    def _sliders(self) -> tuple[NumberSlider, ...]:
        return self._area, self._aspect, self._angle, self._corners

    def _build_kinds(self) -> Form:
        self._kinds = QComboBox()
        for kind in sorted(get_args(Kind), key=list(_WORDS).index):
            self._kinds.addItem(_WORDS[kind], kind)
        self._kinds.addItem("drawn by hand", BY_HAND)
        self._kinds.currentIndexChanged.connect(self._on_kind)
        self._edit = QPushButton("Edit")
        self._edit.setToolTip("Turn the outline into a polygon whose corners you can move")
        self._edit.setAccessibleName("Edit the outline")
        self._edit.clicked.connect(self._on_edit)
        form = Form()
        form.add(
            "Shape", self._kinds, "Of the cell", page="tutorials/drawing-cells/#outline", beside=self._edit
        )
        align(form)
        return form

    def _build_rules(self) -> QWidget:
        self._area = NumberSlider(300, 9000, 4500, "µm²", 0)
        self._aspect = NumberSlider(1, 5, 1, "", 2)
        self._angle = NumberSlider(0, 180, 0, "°", 0)
        self._corners = NumberSlider(3, 14, 7, "", 0)
        for slider in (self._area, self._angle, self._corners):
            slider.changed.connect(self.changed)
        self._aspect.changed.connect(self._on_shape)
        self._rules = QWidget()
        self._form = Form(self._rules)
        self._form.add("Area", self._area, "Of the cell; a spread fibroblast has 1500 to 7000 µm²")
        self._form.add("Stretch", self._aspect, "Length over width, compared with the unstretched shape")
        self._form.add("Turned by", self._angle, "Direction of the stretch, clockwise from the right")
        self._form.add("Corners", self._corners, "Number of corners")
        align(self._form)
        return self._rules

    def _build_by_hand(self, viewer: ViewerModel) -> QWidget:
        self._layers = HandLayers(viewer, _may_be_outline, self)
        self._layers.changed.connect(self._on_layer)
        self._layers.edited.connect(self._on_stroke)
        self._smooth = QCheckBox("rounded")
        self._smooth.setToolTip("Round off the corners of polygons and paths")
        self._smooth.toggled.connect(lambda _: self.changed.emit())
        draw, paint = QPushButton("Draw"), QPushButton("Paint")
        draw.setToolTip("Click round the cell, corner by corner; Esc ends it")
        paint.setToolTip("Paint the cell with a brush")
        draw.clicked.connect(self._on_draw)
        paint.clicked.connect(self._on_paint)
        self._hand = QWidget()
        form = Form(self._hand)
        form.add("Layer", self._layers.combo, "Shapes or Labels layer that holds the outline")
        row = QHBoxLayout()
        for widget in (draw, paint, self._smooth):
            row.addWidget(widget)
        form.addRow("New", row)
        align(form)
        return self._hand

    def _on_kind(self, index: int = 0) -> None:
        del index
        self._layers.show_used(self.by_hand)
        self._on_shape()

    def _on_shape(self) -> None:
        """Show the sliders that the shape has."""
        kind = self._kinds.currentData()
        self._rules.setVisible(not self.by_hand)
        self._hand.setVisible(self.by_hand)
        self._edit.setVisible(not self.by_hand)
        for slider, shown in (
            (self._aspect, kind != "circle"),
            (self._angle, kind != "circle" and self._aspect.value > 1),
            (self._corners, kind in _WITH_CORNERS),
        ):
            self._form.setRowVisible(self._sliders.index(slider), shown)
        self.changed.emit()

    def _on_layer(self) -> None:
        self._layers.show_used(self.by_hand)
        self._on_stroke()

    def _on_stroke(self) -> None:
        if self.by_hand:
            self.changed.emit()

    def _on_edit(self) -> None:
        cell = self._cell()
        self.draw_by_hand(outline_layer(cell.outline, cell.config.pixel_size), "direct")

    def _on_draw(self) -> None:
        self.draw_by_hand(outline_layer(None, self._cell().config.pixel_size), "add_polygon")

    def _on_paint(self) -> None:
        config = self._cell().config
        self.draw_by_hand(paint_layer((config.side, config.side), None, config.pixel_size), "paint")


def _nothing_yet(*, painted: bool) -> CellForceError:
    if painted:
        what = ("No cell has been painted yet", "fill it with the brush", "Hold the mouse button, and paint.")
    else:
        what = (
            "No outline has been drawn yet",
            "go round the cell in the image",
            "Click corner by corner, and press Esc at the last; or choose a layer that marks a cell.",
        )
    return CellForceError(*what, topic="outline")


def _may_be_outline(layer: Layer) -> bool:
    return isinstance(layer, Shapes | Labels) and role(layer) in ("", "mask")
