"""A number set by a slider or typed."""

from __future__ import annotations

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import QHBoxLayout, QSlider, QWidget

from napari_cellforce.widgets.base.number_box import NumberBox

_STEPS = 200


class NumberSlider(QWidget):
    """A slider and, beside it, a box with the same number and its unit.

    Parameters
    ----------
    low, high : float
        Ends of the slider and of the box.
    value : float
        At first, and after `reset`.
    unit : str
    decimals : int

    Signals
    -------
    changed
    """

    changed = Signal()

    def __init__(self, low: float, high: float, value: float, unit: str = "", decimals: int = 1) -> None:
        super().__init__()
        self._default = value
        self.slider = QSlider(Qt.Horizontal)
        self.slider.setRange(0, _STEPS)
        self.slider.setFocusPolicy(Qt.ClickFocus)
        self.slider.setMinimumWidth(60)
        step = max((high - low) / _STEPS * 4, 10.0**-decimals)
        self._box = NumberBox(low, high, value=value, unit=unit, step=step)
        self._box.setButtonSymbols(NumberBox.NoButtons)
        self._box.setFixedWidth(76)
        self.slider.valueChanged.connect(self._on_slider)
        self._box.valueChanged.connect(self._on_box)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.slider, 1)
        row.addWidget(self._box)
        self.setFocusProxy(self._box)
        self.set_value(value)

    @property
    def value(self) -> float:
        """The number."""
        return float(self._box.value())

    def set_value(self, value: float) -> None:
        """Set the number, within the ends."""
        self._box.setValue(value)
        self._sync_slider()

    def reset(self) -> None:
        """Go back to the first value."""
        self.set_value(self._default)

    def setAccessibleName(self, name: str) -> None:
        """Name the box, which is what takes the keyboard."""
        super().setAccessibleName(name)
        self._box.setAccessibleName(name)

    def _on_slider(self, step: int) -> None:
        low, high = self._box.minimum(), self._box.maximum()
        self._box.setValue(low + (high - low) * step / _STEPS)

    def _on_box(self, value: float) -> None:
        del value
        self._sync_slider()
        self.changed.emit()

    def _sync_slider(self) -> None:
        low, high = self._box.minimum(), self._box.maximum()
        with QSignalBlocker(self.slider):
            self.slider.setValue(round((self.value - low) / (high - low) * _STEPS))
