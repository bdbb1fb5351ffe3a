"""How the synthetic cell is imaged: pixels, brightness, noise; and which cell chance gives."""

from __future__ import annotations

import dataclasses
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget

from napari_cellforce.synthetic import Camera, CellConfig
from napari_cellforce.widgets.base.form import Form, align, folded
from napari_cellforce.widgets.base.number_box import NumberBox
from napari_cellforce.widgets.base.slider import NumberSlider


class MicroscopeSection(QWidget):
    """Settings that belong to the picture, not to the cell.

    Signals
    -------
    changed
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(self._build_chance())
        layout.addWidget(self._build_microscope())

    @property
    def seed(self) -> int:
        """Of the cell."""
        return int(self._seed.value())

    @property
    def pixel_size(self) -> float:
        """In µm."""
        return float(self._pixel.value())

    @property
    def side(self) -> int:
        """Of the image in pixels."""
        return int(self._side.value())

    def applied(self, config: CellConfig) -> CellConfig:
        """Return settings with this section's in them."""
        return dataclasses.replace(
            config,
            pixel_size=self.pixel_size,
            side=self.side,
            expression=self._expression.value,
            camera=Camera(exposure=self._exposure.value),
        )

    def reset(self) -> None:
        """Go back to the first settings."""
        default = CellConfig()
        self._seed.setValue(0)
        self._pixel.setValue(default.pixel_size)
        self._side.setValue(default.side)
        self._expression.reset()
        self._exposure.reset()

    def remember(self) -> dict[str, Any]:
        """Return what is kept between sessions."""
        return {
            "seed": self.seed,
            "pixel": self.pixel_size,
            "side": self.side,
            "expression": self._expression.value,
            "exposure": self._exposure.value,
        }

    def recall(self, values: dict[str, Any]) -> None:
        """Set what `remember` returned."""
        for box, name in ((self._seed, "seed"), (self._pixel, "pixel"), (self._side, "side")):
            box.setValue(values.get(name, box.value()))
        for slider, name in ((self._expression, "expression"), (self._exposure, "exposure")):
            slider.set_value(float(values.get(name, slider.value)))

    def _build_chance(self) -> Form:
        self._seed = NumberBox(0, 99999, whole=True)
        self._seed.valueChanged.connect(lambda _: self.changed.emit())
        another = QPushButton("Another")
        another.setToolTip("Draw another cell of the same kind")
        another.clicked.connect(lambda: self._seed.setValue(self.seed + 1))
        form = Form()
        form.add(
            "Cell no.", self._seed, "What the rules leave to chance; the same number, the same cell",
            beside=another,
        )  # fmt: skip
        align(form)
        return form

    def _build_microscope(self) -> QWidget:
        default = CellConfig()
        self._pixel = NumberBox(0.05, 5.0, value=default.pixel_size, unit="µm", step=0.01)
        self._side = NumberBox(32, 2048, value=default.side, unit="pixels", whole=True, step=64)
        for box in (self._pixel, self._side):
            box.valueChanged.connect(lambda _: self.changed.emit())
        self._expression = NumberSlider(0.1, 5, default.expression, "", 2)
        self._exposure = NumberSlider(5, 1000, default.camera.exposure, "e⁻", 0)
        for slider in (self._expression, self._exposure):
            slider.changed.connect(self.changed)
        content = QWidget()
        form = Form(content)
        form.add("Pixel", self._pixel, "Side of a pixel on the sample")
        form.add("Image", self._side, "Height and width of the image")
        form.add("Protein", self._expression, "Amount of fluorescent protein in the cell; 1 is typical")
        form.add("Light", self._exposure, "Electrons a pixel in the cytosol; less light, more noise")
        align(form)
        section = folded("Microscope")
        section.addWidget(content)
        # Nothing to go to with Tab while it is folded.
        content.setEnabled(False)
        section.toggled.connect(content.setEnabled)
        return section
