"""From normalised tractions to Pa, by the mean of cells that were measured."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QPushButton, QWidget

from napari_cellforce.widgets.base.form import Form, TextLine
from napari_cellforce.widgets.base.number_box import NumberBox


class CalibrationRows(QWidget):
    """Asks for a mean traction.

    Signals
    -------
    wanted : float
        Convert: that many Pa are the mean of comparable cells.
    """

    wanted = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._free = True
        self._mean = NumberBox(0, 1e5, unit="Pa", empty="not known")
        self._mean.setKeyboardTracking(True)  # the button beside it can be pressed while one types
        self._mean.valueChanged.connect(lambda _: self._refresh())
        self._convert = QPushButton("Convert to Pa")
        self._convert.clicked.connect(lambda: self.wanted.emit(self._mean.value()))
        note = TextLine()
        note.say("The result is relative. The mean traction of comparable, measured cells makes it Pa:")
        form = Form(self)
        form.addRow(note)
        form.add(
            "Mean |F|",
            self._mean,
            "Of measured cells on the same substrate (published: 196 to 444 Pa)",
            page="numbers/#from-normalised-to-pa",
            beside=self._convert,
        )
        self._refresh()

    def set_free(self, free: bool) -> None:
        """Let the button be pressed, if there is a number; or not, while something else is done."""
        self._free = free
        self._refresh()

    def _refresh(self) -> None:
        self._convert.setEnabled(self._free and self._mean.value() > 0)
