"""What else can be done with a batch: look at results, take it elsewhere, keep its settings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from napari.utils.notifications import show_info
from qtpy.QtCore import QUrl, Signal
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QApplication, QFileDialog, QGridLayout, QPushButton, QWidget

from napari_cellforce import files
from napari_cellforce.batch import BatchConfig
from napari_cellforce.errors import CellForceError
from napari_cellforce.widgets.base.worker import tell

_KIND = "Settings (*.json)"


class BatchActions(QWidget):
    """Six buttons.

    Parameters
    ----------
    config : callable
        Returns what is chosen, or raises a `CellForceError`.

    Signals
    -------
    opened
        The selected result shall be shown.
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
            self._open: (self.opened.emit, "Shows the selected image and its tractions in the viewer"),
            self._report: (self._on_report, "Opens the page about all results in your browser"),
            QPushButton("Copy as command"): (self._on_command, "The line for a terminal or a cluster"),
            QPushButton("Copy as Python"): (self._on_script, "A script that does the same"),
            QPushButton("Save settings …"): (self._on_save, "Writes all settings to a file"),
            QPushButton("Load settings …"): (self._on_load, "Reads them, or the config.json of a batch"),
        }
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        for i, (button, (do, tip)) in enumerate(actions.items()):
            button.clicked.connect(lambda _=False, do=do: do())
            button.setToolTip(tip)
            grid.addWidget(button, i // 2, i % 2)

    def show_results(self, page: Path | None, selected: bool) -> None:
        """Let the results be looked at: the page, if it is there, and the selected one."""
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
            tell(error)
        else:
            show_info(f"{what} is in the clipboard.")

    def _on_save(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Save settings", "batch.json", _KIND)
        if path:
            try:
                files.write_text(path, self._config().to_json())
            except CellForceError as error:
                tell(error)

    def _on_load(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Load settings", "", _KIND)
        if path:
            try:
                self.loaded.emit(
                    BatchConfig.from_json(Path(path).read_text(encoding="utf-8", errors="replace"))
                )
            except CellForceError as error:
                tell(error)
