"""How far a training run is, and the two ways to hold it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QWidget

from napari_cellforce.widgets.base.run_section import duration

if TYPE_CHECKING:
    from napari_cellforce.train import Step


class TrainProgress(QWidget):
    """A bar with the time left, Pause and Stop.

    Signals
    -------
    paused : bool
        True for a rest, False to go on.
    stopped
    """

    paused = Signal(bool)
    stopped = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._since, self._first = 0.0, 0
        self._bar = QProgressBar()
        self._bar.setAccessibleName("Progress of the training")
        self._pause, self._stop = QPushButton("Pause"), QPushButton("Stop")
        self._pause.setCheckable(True)
        self._pause.setToolTip("Rests after the current step, and leaves the computer to you")
        self._stop.setToolTip("Ends after the current step; the best state is kept, and the run can go on")
        self._pause.toggled.connect(self._on_pause)
        self._stop.clicked.connect(self._on_stop)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._bar, 1)
        row.addWidget(self._pause)
        row.addWidget(self._stop)
        self.hide()

    def begin(self, *, can_pause: bool) -> None:
        """Show up."""
        self._since = 0.0
        self._pause.setChecked(False)
        self._pause.setVisible(can_pause)
        self._stop.setVisible(can_pause)
        self._pause.setEnabled(False)
        self._stop.setEnabled(True)
        self.prepare(0, 0)
        self.show()

    def prepare(self, done: int, total: int) -> None:
        """Show how far the preparations are."""
        self._bar.setRange(0, total)
        self._bar.setValue(done)
        self._bar.setFormat("")

    def take(self, step: Step) -> None:
        """Move the bar; the time left follows from the pace since the run began or went on."""
        self._pause.setEnabled(self._stop.isEnabled())
        self._bar.setRange(0, step.steps)
        self._bar.setValue(step.step)
        words = f"{step.step} / {step.steps}"
        if not self._since:
            self._since, self._first = time.monotonic(), step.step
        elif self._first < step.step < step.steps:
            pace = (time.monotonic() - self._since) / (step.step - self._first)
            words += f" · {duration(pace * (step.steps - step.step))} left"
        self._bar.setFormat(words)

    def _on_pause(self, rest: bool) -> None:
        self._pause.setText("Go on" if rest else "Pause")
        self._since = 0.0
        self.paused.emit(rest)

    def _on_stop(self) -> None:
        for button in (self._pause, self._stop):
            button.setEnabled(False)
        self.stopped.emit()
