"""The adhesions of a synthetic cell: placed by rules with sliders, or drawn by hand in a layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from napari.components import ViewerModel
from napari.layers import Layer, Shapes
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QPushButton, QVBoxLayout, QWidget

from napari_cellforce.errors import CellForceError
from napari_cellforce.synthetic import AdhesionRule, Adhesions, SyntheticCell
from napari_cellforce.synthetic.outline import Array
from napari_cellforce.widgets.base.form import Form, align
from napari_cellforce.widgets.base.slider import NumberSlider
from napari_cellforce.widgets.synthetic.hand_drawn import ADHESIONS, adhesion_layer, adhesions_of
from napari_cellforce.widgets.synthetic.hand_layers import HandLayers
from napari_cellforce.widgets.view.sources import role

RULES, BY_HAND = "rules", "by hand"


class AdhesionSection(QWidget):
    """Choice of the cell's adhesions.

    Signals
    -------
    changed
        Another rule, size or stroke.
    """

    changed = Signal()

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(self._build_ways())
        layout.addWidget(self._build_by_hand(viewer))
        layout.addLayout(self._build_sizes())
        self._on_way()

    def disconnect_viewer(self) -> None:
        """Hear nothing more of the viewer."""
        self._layers.disconnect_viewer()

    @property
    def by_hand(self) -> bool:
        """True if the adhesions are drawn in a layer."""
        return bool(self._ways.currentData() == BY_HAND)

    @property
    def rule(self) -> AdhesionRule:
        """The rule that places adhesions."""
        return AdhesionRule(
            length=self._length.value,
            width=self._width.value,
            density=self._density.value,
            depth=self._depth.value,
            intensity=self._intensity.value,
        )

    def drawn(self, centre: Array, pixel_size: float) -> Adhesions | None:
        """Return the adhesions drawn by hand; None if rules place them.

        Parameters
        ----------
        centre : (2,) array
            Of the cell, (y, x) in µm.
        pixel_size : float
            In µm.

        Raises
        ------
        CellForceError
            If there is no layer, or it holds what is no adhesion.
        """
        if not self.by_hand:
            return None
        layer = self._layers.layer
        if layer is None:
            raise CellForceError(
                "No layer holds adhesions",
                "a Shapes layer with lines or ellipses is needed",
                "Press Draw, and draw lines from the edge inward; or let rules place them.",
                topic="adhesions",
            )
        return adhesions_of(
            layer, centre, pixel_size, width=self._width.value, intensity=self._intensity.value
        )

    def set_source(self, cell: Callable[[], SyntheticCell]) -> None:
        """Say where the cell is to be had whose adhesions are made editable."""
        self._cell = cell

    def reset(self) -> None:
        """Go back to the first rule."""
        self._ways.setCurrentIndex(0)
        for slider in self._sliders:
            slider.reset()

    def remember(self) -> dict[str, Any]:
        """Return what is kept between sessions."""
        return {"adhesions": [slider.value for slider in self._sliders]}

    def recall(self, values: dict[str, Any]) -> None:
        """Set what `remember` returned."""
        for slider, value in zip(self._sliders, values.get("adhesions", ()), strict=False):
            slider.set_value(float(value))

    @property
    def _sliders(self) -> tuple[NumberSlider, ...]:
        return self._density, self._length, self._width, self._intensity, self._depth

    def _build_ways(self) -> Form:
        self._ways = QComboBox()
        self._ways.addItem("placed by rules", RULES)
        self._ways.addItem("drawn by hand", BY_HAND)
        self._ways.currentIndexChanged.connect(self._on_way)
        self._edit = QPushButton("Edit")
        self._edit.setToolTip("Turn the adhesions into lines that you can move, delete and add to")
        self._edit.setAccessibleName("Edit the adhesions")
        self._edit.clicked.connect(self._on_edit)
        form = Form()
        form.add(
            "Adhesions",
            self._ways,
            "Where they come from",
            page="tutorials/drawing-cells/#adhesions",
            beside=self._edit,
        )
        align(form)
        return form

    def _build_by_hand(self, viewer: ViewerModel) -> QWidget:
        self._layers = HandLayers(viewer, _may_be_adhesions, self)
        self._layers.changed.connect(self._on_layer)
        self._layers.edited.connect(self._on_stroke)
        draw = QPushButton("Draw")
        draw.setToolTip("Draw lines, one an adhesion; ellipses do as well")
        draw.clicked.connect(self._on_draw)
        self._hand = QWidget()
        form = Form(self._hand)
        form.add("Layer", self._layers.combo, "Shapes layer with a line or an ellipse each", beside=draw)
        align(form)
        return self._hand

    def _build_sizes(self) -> Form:
        rule = AdhesionRule()
        self._density = NumberSlider(0, 1, rule.density, "", 2)
        self._length = NumberSlider(0.5, 20, rule.length, "µm", 1)
        self._width = NumberSlider(0.3, 4, rule.width, "µm", 1)
        self._intensity = NumberSlider(0, 4, rule.intensity, "", 2)
        self._depth = NumberSlider(0, 20, rule.depth, "µm", 1)
        for slider in self._sliders:
            slider.changed.connect(self.changed)
        self._form = Form()
        self._form.add("Density", self._density, "Part of the edge that adhesions cover: 1 covers all of it")
        self._form.add("Length", self._length, "Median length of an adhesion")
        self._form.add("Width", self._width, "Of adhesions; also of those drawn as lines")
        self._form.add("Intensity", self._intensity, "Brightness of the adhesions; 1 is typical")
        self._form.add("From edge", self._depth, "Mean distance between an adhesion's tip and the edge")
        align(self._form)
        return self._form

    def _on_way(self, index: int = 0) -> None:
        del index
        self._layers.show_used(self.by_hand)
        self._hand.setVisible(self.by_hand)
        self._edit.setVisible(not self.by_hand)
        for row, slider in enumerate(self._sliders):
            by_both = slider in (self._width, self._intensity)
            self._form.setRowVisible(row, by_both or not self.by_hand)
        self.changed.emit()

    def _on_layer(self) -> None:
        self._layers.show_used(self.by_hand)
        self._on_stroke()

    def _on_stroke(self) -> None:
        if self.by_hand:
            self.changed.emit()

    def _on_edit(self) -> None:
        cell = self._cell()
        layer = adhesion_layer(cell.adhesions[0], cell.config.pixel_size, self._width.value)
        self._take_up(layer, "select")

    def _on_draw(self) -> None:
        pixel_size = self._cell().config.pixel_size
        self._take_up(adhesion_layer(None, pixel_size, self._width.value), "add_line")

    def _take_up(self, layer: Layer, mode: str) -> None:
        # The layer's features hold the intensities: the slider must not count them a second time.
        self._ways.setCurrentIndex(self._ways.findData(BY_HAND))
        self._intensity.set_value(1.0)
        self._layers.take_up(layer, mode)


def _may_be_adhesions(layer: Layer) -> bool:
    return isinstance(layer, Shapes) and role(layer) in ("", ADHESIONS)
