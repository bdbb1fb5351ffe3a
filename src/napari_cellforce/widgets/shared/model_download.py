"""Download or import of a model off the GUI thread, with progress and Cancel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Event

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QProgressBar, QPushButton, QWidget

from napari_cellforce import zoo
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.widgets.base.worker import Job

ProgressCallback = Callable[[int, int], None]


class ModelDownload(QWidget):
    """Progress bar and Cancel button; hidden while no download or import is running.

    Parameters
    ----------
    folder : str or None
        Model folder of the user's preferences.

    Signals
    -------
    arrived : str
        The model of that name is available.
    failed : Exception
    ended
        Last signal, after success, failure or cancellation.
    """

    completed = Signal(str)
    failed = Signal(object)
    ended = Signal()
    _progressed = Signal(int, int)

    def __init__(self, folder: str | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._folder = folder
        self._stopped = Event()
        self._job = Job(self)
        self._job.yielded.connect(self.completed.emit)
        self._job.failed.connect(self.failed)
        self._job.ended.connect(lambda _: self._end())
        self._progressed.connect(self._on_bytes)
        self._bar = QProgressBar()
        self._bar.setAccessibleName("Progress of the download")
        cancel = QPushButton("Cancel")
        cancel.setToolTip("Cancel the download; no partial file remains")
        cancel.clicked.connect(self.stop)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._bar, 1)
        row.addWidget(cancel)
        self.hide()

    @property
    def running(self) -> bool:
        """True from `download` or `import_file` until `ended`."""
        return self._job.running

    def download(self, name: str) -> None:
        """Download a model."""
        folder = self._folder

        def fetch(report: ProgressCallback) -> str:
            zoo.download(name, folder=folder, progress=report)
            return name

        self._start(fetch)

    def ask_for_file(self) -> None:
        """Ask for a file with weights and import it."""
        path, _ = QFileDialog.getOpenFileName(self, "Import a checkpoint (model weights)")
        if path:
            self.import_file(path)

    def import_file(self, path: str) -> None:
        """Import a file with weights."""
        folder = self._folder
        self._start(lambda _: zoo.import_checkpoint(path, folder=folder).name)

    def stop(self) -> None:
        """Cancel at once; partial data are deleted when the connection next responds."""
        self.dispose()
        self._end()

    def dispose(self) -> None:
        """Cancel background jobs."""
        self._stopped.set()
        self._job.cancel()

    def _start(self, get: Callable[[ProgressCallback], str]) -> None:
        self._stopped.set()
        stopped = self._stopped = Event()

        def report(done: int, total: int) -> None:
            if stopped.is_set():
                raise _Cancelled
            self._progressed.emit(done, total)

        def work() -> Iterator[str]:
            try:
                yield get(report)
            except _Cancelled:
                return

        self._bar.setRange(0, 0)
        self.show()
        self._job.start(work)

    def _on_bytes(self, done: int, total: int) -> None:
        self._bar.setRange(0, total)
        self._bar.setValue(done)
        self._bar.setFormat(f"{done / 1e6:.1f} of {format_size(total)}")

    def _end(self) -> None:
        self.hide()
        self.ended.emit()


class _Cancelled(Exception):
    """The download was cancelled."""


def format_size(size: int) -> str:
    """Return the size of a file in words."""
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.0f} kB"


def availability_problem(entry: zoo.ZooEntry, state: zoo.ModelState) -> CellForceError | None:
    """Return the reason why a model cannot be used, or None."""
    if state.ready:
        return None
    if entry.url:
        remedy = "Press Download, or choose another model."
    elif entry.imported:
        remedy = "Import its file again, or choose another model."
    else:
        remedy = f"{entry.install_hint.removesuffix('.')}, or choose another model."
    if state == zoo.ModelState.TO_DOWNLOAD:
        value, rule = f"{entry.name} has not been downloaded yet", f"its size is {format_size(entry.size)}"
    elif state == zoo.ModelState.DAMAGED:
        value, rule = f"The file of {entry.name} is damaged", "its content has changed"
    else:
        value, rule = f"The file of {entry.name} is missing", "it was moved or deleted"
    return CellForceError(value, rule, remedy, topic=Topic.MODEL)
