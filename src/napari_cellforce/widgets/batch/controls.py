"""Buttons of a batch: results, export as command or script, settings; and its progress bars."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from napari.utils.notifications import show_info
from qtpy.QtCore import QUrl, Signal
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QApplication, QFileDialog, QGridLayout, QProgressBar, QPushButton, QWidget

from napari_cellforce import files
from napari_cellforce.batch import BatchConfig, InputEvent
from napari_cellforce.errors import CellForceError
from napari_cellforce.widgets.base.run_section import duration
from napari_cellforce.widgets.base.worker import show_error

_KIND = "Settings (*.json)"


class BatchActions(QWidget):
    """Buttons for opening results, exporting the batch and storing its settings.

    Parameters
    ----------
    config : callable
        Returns the chosen settings, or raises `CellForceError`.

    Signals
    -------
    opened
        The button for showing the selected result was pressed.
    loaded : BatchConfig
        Settings were read from a file.
    """

    opened = Signal()
    loaded = Signal(object)

    def __init__(self, config: Callable[[], BatchConfig], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._config = config
        self._page: Path | None = None
        self._open, self._report = QPushButton("Open result"), QPushButton("Open report")
        actions = {
            self._open: (self.opened.emit, "Show the selected image and its tractions in the viewer"),
            self._report: (self._on_report, "Open the report on all results in the browser"),
            QPushButton("Copy as command"): (
                self._on_command,
                "Copy the equivalent command, for a terminal or a cluster",
            ),
            QPushButton("Copy as Python"): (self._on_script, "Copy an equivalent Python script"),
            QPushButton("Save settings …"): (self._on_save, "Write all settings to a file"),
            QPushButton("Load settings …"): (
                self._on_load,
                "Read settings from a file, or the config.json of a batch",
            ),
        }
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        for i, (button, (do, tip)) in enumerate(actions.items()):
            button.clicked.connect(lambda _=False, do=do: do())
            button.setToolTip(tip)
            grid.addWidget(button, i // 2, i % 2)

    def show_results(self, page: Path | None, selected: bool) -> None:
        """Enable the buttons for the report, if it exists, and for the selected result."""
        self._page = page
        self._report.setEnabled(page is not None and page.is_file())
        self._open.setEnabled(selected)

    def _on_report(self) -> None:
        if self._page is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._page)))

    def _on_command(self) -> None:
        self._copy(BatchConfig.command, "The command")

    def _on_script(self) -> None:
        self._copy(BatchConfig.script, "The script")

    def _copy(self, text_of: Callable[[BatchConfig], str], what: str) -> None:
        try:
            QApplication.clipboard().setText(text_of(self._config()))
        except CellForceError as error:
            show_error(error)
        else:
            show_info(f"{what} was copied to the clipboard.")

    def _on_save(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Save settings", "batch.json", _KIND)
        if path:
            try:
                files.write_text(path, self._config().to_json())
            except CellForceError as error:
                show_error(error)

    def _on_load(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Load settings", "", _KIND)
        if path:
            try:
                self.loaded.emit(
                    BatchConfig.from_json(Path(path).read_text(encoding="utf-8", errors="replace"))
                )
            except CellForceError as error:
                show_error(error)


class BatchProgress(QWidget):
    """Progress over all images and in the current image, with Stop and Cancel.

    Signals
    -------
    stopped
        Stop was pressed: running images are finished.
    cancelled
        Cancel was pressed: running images are aborted.
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
        self._stop.setToolTip("Finish the running images and start no others")
        self._cancel.setToolTip(
            "Abort at once. Finished results are kept, and the next run continues from there"
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
        """Show the bars for `total` images."""
        self._done = set()
        self._all.setRange(0, total)
        self._all.setValue(0)
        self._all.setFormat(f"0 / {total}")
        self._one.setRange(0, 0)
        self._one.setFormat("")
        self._stop.setEnabled(True)
        self._cancel.setEnabled(True)
        self.show()

    def apply_event(self, event: InputEvent) -> None:
        """Update the bars."""
        if event.state == "running":
            self._one.setRange(0, event.total)
            self._one.setValue(event.done)
            steps = f"  {event.done} / {event.total}" if event.total else ""
            self._one.setFormat(f"{event.row.path.name}{steps}")
        elif event.row.to_do:
            self._done.add(event.row.title)
        total = self._all.maximum()
        remaining = event.seconds_left
        text = f" · {duration(remaining)} left" if remaining is not None and len(self._done) < total else ""
        self._all.setValue(len(self._done))
        self._all.setFormat(f"{len(self._done)} / {total}{text}")

    def _on_stop(self) -> None:
        self._stop.setEnabled(False)
        self.stopped.emit()

    def _on_cancel(self) -> None:
        self._stop.setEnabled(False)
        self._cancel.setEnabled(False)
        self.cancelled.emit()
