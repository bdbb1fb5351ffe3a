"""How far a batch is, over all and in one image, and the two ways to end it."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QGridLayout, QProgressBar, QPushButton, QWidget

from napari_cellforce.batch import InputEvent
from napari_cellforce.widgets.base.run_section import duration


class BatchProgress(QWidget):
    """Two bars, Stop and Cancel.

    Signals
    -------
    stopped
        Stop was pressed: what is being predicted shall be finished.
    cancelled
        Cancel was pressed: the end shall come at once.
    """

    stopped = Signal()
    cancelled = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._done: set[str] = set()
        self._all, self._one = QProgressBar(), QProgressBar()
        self._all.setAccessibleName("Progress over all images")
        self._one.setAccessibleName("Progress in this image")
        self._stop, self._cancel = QPushButton("Stop"), QPushButton("Cancel now")
        self._stop.setToolTip("Finishes the images that are being predicted, and begins no other")
        self._cancel.setToolTip(
            "Ends at once. What is complete is kept, and the next start goes on from there"
        )
        self._stop.clicked.connect(self._on_stop)
        self._cancel.clicked.connect(self._on_cancel)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setColumnStretch(0, 1)
        for i, (bar, button) in enumerate(((self._all, self._stop), (self._one, self._cancel))):
            grid.addWidget(bar, i, 0)
            grid.addWidget(button, i, 1)
        self.hide()

    def begin(self, total: int) -> None:
        """Show up, with `total` images to do."""
        self._done = set()
        self._all.setRange(0, total)
        self._all.setValue(0)
        self._all.setFormat(f"0 / {total}")
        self._one.setRange(0, 0)
        self._one.setFormat("")
        self._stop.setEnabled(True)
        self._cancel.setEnabled(True)
        self.show()

    def take(self, event: InputEvent) -> None:
        """Move the bars."""
        if event.state == "running":
            self._one.setRange(0, event.total)
            self._one.setValue(event.done)
            counted = f"  {event.done} / {event.total}" if event.total else ""
            self._one.setFormat(f"{event.row.path.name}{counted}")
        elif event.row.to_do:
            self._done.add(event.row.title)
        total = self._all.maximum()
        left = event.seconds_left
        words = f" · {duration(left)} left" if left is not None and len(self._done) < total else ""
        self._all.setValue(len(self._done))
        self._all.setFormat(f"{len(self._done)} / {total}{words}")

    def _on_stop(self) -> None:
        self._stop.setEnabled(False)
        self.stopped.emit()

    def _on_cancel(self) -> None:
        self._stop.setEnabled(False)
        self._cancel.setEnabled(False)
        self.cancelled.emit()
