"""The adhesions of a synthetic cell: placed by rules with sliders, or drawn by hand in a layer."""

from __future__ import annotations

from typing import Any

from napari.components import ViewerModel
from napari.layers import Layer, Shapes
from qtpy.QtWidgets import QPushButton

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.synthetic import AdhesionRule, Adhesions, SyntheticCell
from napari_cellforce.synthetic.outline import Array
from napari_cellforce.viewer.images import layer_role
from napari_cellforce.widgets.base.form import Form, align_labels
from napari_cellforce.widgets.base.slider import NumberSlider
from napari_cellforce.widgets.synthetic.part_section import PartSection
from napari_cellforce.widgets.synthetic.shape_conversion import ADHESIONS, adhesion_layer, adhesions_of


class AdhesionSection(PartSection):
    """Choice of the cell's adhesions; see `PartSection`."""

    _anchor = "adhesions"

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__(viewer, _may_be_adhesions)
        self._build_modes(
            "Adhesions",
            [("placed by rules", "rules")],
            "Where they come from",
            "Turn the adhesions into lines that you can move, delete and add to",
        )
        self._build_by_hand()
        self._build_sizes()
        self._on_mode()

    @property
    def rule(self) -> AdhesionRule:
        """The rule that places adhesions."""
        return AdhesionRule(
            length=self.length.value,
            width=self._width.value,
            density=self.density.value,
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
                topic=Topic.ADHESIONS,
            )
        return adhesions_of(
            layer, centre, pixel_size, width=self._width.value, intensity=self._intensity.value
        )

    def reset(self) -> None:
        """Go back to the first rule."""
        self.ways.setCurrentIndex(0)
        for slider in self._sliders:
            slider.reset()

    def remember(self) -> dict[str, Any]:
        """Return the settings that are stored between sessions."""
        return {"adhesions": [slider.value for slider in self._sliders]}

    def recall(self, values: dict[str, Any]) -> None:
        """Restore the settings that `remember` returned."""
        for slider, value in zip(self._sliders, values.get("adhesions", ()), strict=False):
            slider.set_value(float(value))

    @property
    def _sliders(self) -> tuple[NumberSlider, ...]:
        return self.density, self.length, self._width, self._intensity, self._depth

    def _build_by_hand(self) -> None:
        draw = QPushButton("Draw")
        draw.setToolTip("Draw lines, one an adhesion; ellipses do as well")
        draw.clicked.connect(self._on_draw)
        form = Form(self._hand_rows)
        form.add("Layer", self._layers.combo, "Shapes layer with a line or an ellipse each", beside=draw)
        align_labels(form)
        self._column.addWidget(self._hand_rows)

    def _build_sizes(self) -> None:
        rule = AdhesionRule()
        self.density = NumberSlider(0, 1, rule.density, "", 2)
        self.length = NumberSlider(0.5, 20, rule.length, "µm", 1)
        self._width = NumberSlider(0.3, 4, rule.width, "µm", 1)
        self._intensity = NumberSlider(0, 4, rule.intensity, "", 2)
        self._depth = NumberSlider(0, 20, rule.depth, "µm", 1)
        for slider in self._sliders:
            slider.changed.connect(self.changed)
        self._form = Form()
        self._form.add("Density", self.density, "Part of the edge that adhesions cover: 1 covers all of it")
        self._form.add("Length", self.length, "Median length of an adhesion")
        self._form.add("Width", self._width, "Of adhesions; also of those drawn as lines")
        self._form.add("Intensity", self._intensity, "Brightness of the adhesions; 1 is typical")
        self._form.add("From edge", self._depth, "Mean distance between an adhesion's tip and the edge")
        align_labels(self._form)
        self._column.addLayout(self._form)

    def _show_sliders(self) -> None:
        for row, slider in enumerate(self._sliders):
            by_both = slider in (self._width, self._intensity)
            self._form.setRowVisible(row, by_both or not self.by_hand)

    def _edit_part(self, cell: SyntheticCell) -> None:
        layer = adhesion_layer(cell.adhesions[0], cell.config.pixel_size, self._width.value)
        self.draw_by_hand(layer, "select")

    def _on_draw(self) -> None:
        pixel_size = self._config().pixel_size
        self.draw_by_hand(adhesion_layer(None, pixel_size, self._width.value), "add_line")

    def draw_by_hand(self, layer: Layer, mode: str) -> None:
        """Add a layer that holds (or will hold) adhesions, and use it."""
        # The layer's features hold the intensities: the slider must not count them a second time.
        self._intensity.set_value(1.0)
        super().draw_by_hand(layer, mode)


def _may_be_adhesions(layer: Layer) -> bool:
    return isinstance(layer, Shapes) and layer_role(layer) in ("", ADHESIONS)
