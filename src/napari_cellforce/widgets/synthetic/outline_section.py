"""The outline of a synthetic cell: a shape with sliders, or drawn by hand in a layer."""

from __future__ import annotations

import math
from typing import Any

from napari.components import ViewerModel
from napari.layers import Labels, Layer, Shapes
from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QPushButton, QWidget

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import BoolArray
from napari_cellforce.synthetic import Outline, Shape, SyntheticCell
from napari_cellforce.synthetic.shape import Kind
from napari_cellforce.viewer.images import layer_role
from napari_cellforce.widgets.base.form import Form, align_labels
from napari_cellforce.widgets.base.slider import NumberSlider
from napari_cellforce.widgets.synthetic.part_section import PartSection, is_empty
from napari_cellforce.widgets.synthetic.shape_conversion import (
    outline_layer,
    outline_of,
    paint_layer,
    painted_outline,
)

_SHAPE_LABELS: dict[Kind, str] = {
    "spread": "spread fibroblast",
    "blob": "rounded, irregular",
    "circle": "circle",
    "ellipse": "ellipse",
    "square": "square",
    "polygon": "regular polygon",
    "star": "star with concave edges",
}
_WITH_CORNERS = ("polygon", "star", "spread")


class OutlineSection(PartSection):
    """Choice of the cell's outline; see `PartSection`."""

    _anchor = "outline"

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__(viewer, _may_be_outline)
        self._build_modes(
            "Shape",
            [(text, kind) for kind, text in _SHAPE_LABELS.items()],
            "Of the cell",
            "Turn the outline into a polygon whose corners you can move",
        )
        self._build_rules()
        self._build_by_hand()
        self._on_mode()

    @property
    def shape(self) -> Shape:
        """The shape by rule."""
        kind: Kind = "blob" if self.by_hand else self.ways.currentData()
        return Shape(
            kind=kind,
            area=self.area.value,
            aspect=self._aspect.value,
            angle=math.radians(self._angle.value),
            corners=round(self.corners.value),
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
        if layer is None or is_empty(layer):
            raise _nothing_drawn_error(painted=isinstance(layer, Labels))
        if self.painted is not None:
            return painted_outline(self.painted, layer, pixel_size)
        return outline_of(layer, pixel_size, smooth=self._smooth.isChecked())

    def reset(self) -> None:
        """Go back to the first shape."""
        self.ways.setCurrentIndex(0)
        self._smooth.setChecked(False)
        for slider in self._sliders:
            slider.reset()

    def remember(self) -> dict[str, Any]:
        """Return the settings that are stored between sessions."""
        return {
            "shape": self.shape.kind,
            "outline": [slider.value for slider in self._sliders],
            "smooth": self._smooth.isChecked(),
        }

    def recall(self, values: dict[str, Any]) -> None:
        """Restore the settings that `remember` returned."""
        self.ways.setCurrentIndex(max(self.ways.findData(values.get("shape")), 0))
        self._smooth.setChecked(bool(values.get("smooth", False)))
        for slider, value in zip(self._sliders, values.get("outline", ()), strict=False):
            slider.set_value(float(value))

    @property
    def _sliders(self) -> tuple[NumberSlider, ...]:
        return self.area, self._aspect, self._angle, self.corners

    def _build_rules(self) -> None:
        self.area = NumberSlider(300, 9000, 4500, "µm²", 0)
        self._aspect = NumberSlider(1, 5, 1, "", 2)
        self._angle = NumberSlider(0, 180, 0, "°", 0)
        self.corners = NumberSlider(3, 14, 7, "", 0)
        for slider in (self.area, self._angle, self.corners):
            slider.changed.connect(self.changed)
        self._aspect.changed.connect(self._on_aspect)
        self._rules = QWidget()
        self._form = Form(self._rules)
        self._form.add("Area", self.area, "Of the cell; a spread fibroblast has 1500 to 7000 µm²")
        self._form.add("Stretch", self._aspect, "Length over width, compared with the unstretched shape")
        self._form.add("Turned by", self._angle, "Direction of the stretch, clockwise from the right")
        self._form.add("Corners", self.corners, "Number of corners")
        align_labels(self._form)
        self._column.addWidget(self._rules)

    def _build_by_hand(self) -> None:
        self._smooth = QCheckBox("rounded")
        self._smooth.setToolTip("Round off the corners of polygons and paths")
        self._smooth.toggled.connect(lambda _: self.changed.emit())
        draw, paint = QPushButton("Draw"), QPushButton("Paint")
        draw.setToolTip("Click round the cell, corner by corner; Esc ends it")
        paint.setToolTip("Paint the cell with a brush")
        draw.clicked.connect(self.start_drawing)
        paint.clicked.connect(self.start_painting)
        form = Form(self._hand_rows)
        form.add("Layer", self._layers.combo, "Shapes or Labels layer that holds the outline")
        row = QHBoxLayout()
        for widget in (draw, paint, self._smooth):
            row.addWidget(widget)
        form.addRow("New", row)
        align_labels(form)
        self._column.addWidget(self._hand_rows)

    def _on_aspect(self) -> None:
        self._show_sliders()
        self.changed.emit()

    def _show_sliders(self) -> None:
        kind = self.ways.currentData()
        self._rules.setVisible(not self.by_hand)
        for slider, shown in (
            (self._aspect, kind != "circle"),
            (self._angle, kind != "circle" and self._aspect.value > 1),
            (self.corners, kind in _WITH_CORNERS),
        ):
            self._form.setRowVisible(self._sliders.index(slider), shown)

    def _edit_part(self, cell: SyntheticCell) -> None:
        self.draw_by_hand(outline_layer(cell.outline, cell.config.pixel_size), "direct")

    def start_drawing(self) -> None:
        """Start an outline drawn as a polygon."""
        self.draw_by_hand(outline_layer(None, self._config().pixel_size), "add_polygon")

    def start_painting(self) -> None:
        """Start an outline painted as labels."""
        config = self._config()
        self.draw_by_hand(paint_layer((config.side, config.side), None, config.pixel_size), "paint")


def _nothing_drawn_error(*, painted: bool) -> CellForceError:
    if painted:
        what = ("No cell has been painted yet", "fill it with the brush", "Hold the mouse button, and paint.")
    else:
        what = (
            "No outline has been drawn yet",
            "go round the cell in the image",
            "Click corner by corner, and press Esc at the last; or choose a layer that marks a cell.",
        )
    return CellForceError(*what, topic=Topic.OUTLINE)


def _may_be_outline(layer: Layer) -> bool:
    return isinstance(layer, Shapes | Labels) and layer_role(layer) in ("", "mask")
