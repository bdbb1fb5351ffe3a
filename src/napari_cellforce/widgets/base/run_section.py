"""The main button of a panel, with a status line above and a progress bar below."""

from __future__ import annotations

import time

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from napari_cellforce.widgets.base.form import TextLine, Tone

_BUTTON_STYLE = (
    "QPushButton:enabled { background: #1f6fd0; color: white; font-weight: bold; }"
    "QPushButton:enabled:focus { border: 2px solid white; }"
)


class RunSection(QWidget):
    """Main button of a panel, a status line above it, and progress with Stop below it.

    Signals
    -------
    started
        The button was pressed.
    stopped
        Stop was pressed.
    """

    started = Signal()
    stopped = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._timed_since = 0.0
        self._timed_from = 0
        self._stopping = False
        self._text = TextLine()
        self._button = QPushButton()
        self._button.setDefault(True)
        self._button.setMinimumHeight(34)
        self._button.setStyleSheet(_BUTTON_STYLE)
        self._button.clicked.connect(self.started)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._text)
        layout.addWidget(self._button)
        layout.addWidget(self._build_progress())

    @property
    def status(self) -> str:
        """Text of the status line."""
        return str(self._text.text())

    @property
    def ready(self) -> bool:
        """True if the button is enabled."""
        return bool(self._button.isEnabled())

    @property
    def button_label(self) -> str:
        """Text of the button."""
        return str(self._button.text())

    def set_status(self, text: str, tone: Tone = Tone.PLAIN) -> None:
        """Set the status line; ignored between Stop and the end of the job."""
        if not self._stopping:
            self._text.set_text(text, tone)

    def set_button(self, text: str, *, ready: bool) -> None:
        """Set the text of the button, and enable or disable it."""
        self._button.setText(text)
        self._button.setAccessibleName(text)
        self._button.setEnabled(ready)

    def set_running(self, running: bool) -> None:
        """Show or hide progress and Stop."""
        if running and self._progress.isHidden():
            self._stop.setEnabled(True)
            self.show_progress(0, 0)
        self._stopping &= running
        self._progress.setVisible(running)

    def show_progress(self, done: int, total: int, *, timed: bool = False) -> None:
        """Set the progress bar; a total of 0 means that the duration is not known.

        With `timed`, the remaining time is shown, from the speed since the first timed call.
        """
        self._bar.setRange(0, total)
        self._bar.setValue(done)
        text = f"{done} / {total}" if total else ""
        if not timed:
            self._timed_since = 0.0
        elif not self._timed_since:
            self._timed_since, self._timed_from = time.monotonic(), done
        elif done < total:
            left = (time.monotonic() - self._timed_since) / (done - self._timed_from) * (total - done)
            text += f" · {duration(left)} left"
        self._bar.setFormat(text)

    def _build_progress(self) -> QWidget:
        self._bar = QProgressBar()
        self._bar.setAccessibleName("Progress")
        self._stop = QPushButton("Stop")
        self._stop.setToolTip("Stop after the current step; finished results are kept")
        self._stop.clicked.connect(self.stop)
        self._progress = QWidget()
        row = QHBoxLayout(self._progress)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._bar, 1)
        row.addWidget(self._stop)
        self._progress.hide()
        return self._progress

    def stop(self) -> None:
        """Ask the job to stop, as the Stop button does."""
        self._stop.setEnabled(False)
        self.set_status("Stopping …")
        self._stopping = True
        self.stopped.emit()


def duration(seconds: float) -> str:
    """Return a rounded duration: ``"40 s"``, ``"3 min"``, ``"2.5 h"``."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
