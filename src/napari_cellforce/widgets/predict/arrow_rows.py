"""How densely arrows are drawn, and which are too short to be."""

from __future__ import annotations

import dataclasses

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import QLabel, QSlider, QWidget

from napari_cellforce.layers import USUAL_THRESHOLD, ArrowLook, finest_spacing, usual_spacing
from napari_cellforce.widgets.base.form import Form, align
from napari_cellforce.widgets.base.numbers import number
from napari_cellforce.widgets.view.result import Result

_STEPS = 100
"""Of the threshold slider, up to the longest arrow."""

_WORDS = 120
"""Pixels for a number with its unit, so that both sliders are as long as each other."""


class ArrowRows(QWidget):
    """Two sliders; what they say is drawn at once.

    Parameters
    ----------
    look : ArrowLook
        At first.
    parent : QWidget, optional

    Signals
    -------
    changed
    """

    changed = Signal()

    def __init__(self, look: ArrowLook, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.look = look
        self._shape: tuple[int, int] | None = None
        self._spacing, self._threshold = QSlider(Qt.Horizontal), QSlider(Qt.Horizontal)
        self._threshold.setRange(0, _STEPS)
        self._spacing_text, self._threshold_text = QLabel(), QLabel()
        for text in (self._spacing_text, self._threshold_text):
            text.setMinimumWidth(_WORDS)
        for slider in (self._spacing, self._threshold):
            slider.valueChanged.connect(lambda _: self.changed.emit())
        form = Form(self)
        form.add("Arrows every", self._spacing, "Distance between arrows", beside=self._spacing_text)
        form.add("longer than", self._threshold, "Shorter arrows are left out", beside=self._threshold_text)
        align(form)

    def fit(self, result: Result) -> None:
        """Fit the sliders to another prediction: images of the same size keep the spacing."""
        shape = result.field.mask.shape[1:]
        with QSignalBlocker(self._spacing), QSignalBlocker(self._threshold):
            self._spacing.setRange(finest_spacing(shape), max(2, min(shape) // 8))
            if shape != self._shape:
                self._spacing.setValue(usual_spacing(shape))
            self._threshold.setValue(round(USUAL_THRESHOLD * _STEPS))
        self._shape = shape

    def restyle(self, result: Result) -> None:
        """Draw the arrows of a prediction as the sliders say."""
        spacing, threshold = self._spacing.value(), self._threshold.value() / _STEPS * result.reference
        self.look = dataclasses.replace(self.look, spacing=spacing, threshold=threshold)
        self._spacing_text.setText(f"{spacing * result.field.pixel_size.micron:.1f} µm")
        self._threshold_text.setText(f"{number(threshold)} {result.field.unit}")
        result.restyle(self.look)
