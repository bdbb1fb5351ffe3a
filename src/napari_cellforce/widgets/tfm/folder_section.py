"""Measurement of a folder of bead images with the settings of the panel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from qtpy.QtCore import QTimer, Signal
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import (
    QFileDialog,
    QLineEdit,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import Progress
from napari_cellforce.physics.regularisation import RegularisationChoice
from napari_cellforce.text import pluralise
from napari_cellforce.tfm import BeadFiles, FolderConfig, FolderEvent, NameTokens, TfmConfig, run_folder
from napari_cellforce.widgets.base.form import Form, TextLine, Tone
from napari_cellforce.widgets.base.number_box import NumberBox
from napari_cellforce.widgets.base.run_section import RunSection
from napari_cellforce.widgets.base.worker import Job, error_text, show_error

_PAGE = "tutorials/measure/#a-whole-folder"
_RESULTS = "cellforce-tfm"
"""Name of the proposed output folder, inside the input folder."""
_DEBOUNCE = 300
"""Milliseconds without a change before the folder is searched."""
_STATES = {"followed": "displacement measured", "done": "✓ done", "failed": "⚠ failed"}


class TfmFolderSection(QWidget):
    """Chooses a folder, lists the pairs of images in it, and measures all of them.

    Parameters
    ----------
    settings : callable
        Returns the settings of the panel, or raises `CellForceError` if one is missing.

    Signals
    -------
    opened : str
        A result was double-clicked; path of its traction.
    """

    opened = Signal(str)

    def __init__(self, settings: Callable[[], TfmConfig], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAcceptDrops(True)
        self._settings = settings
        self._pairs: list[BeadFiles] = []
        self._failures: dict[str, str] = {}
        self._problem = ""
        self._pairing, self.job = Job(self), Job(self)
        self._pairing.yielded.connect(self._on_pairs)
        self._pairing.failed.connect(self._on_pairing_failed)
        self.job.yielded.connect(self._on_record)
        self.job.failed.connect(show_error)
        self.job.ended.connect(self._on_ended)
        self._debounce = QTimer(self)
        self._debounce.setSingleShot(True)
        self._debounce.setInterval(_DEBOUNCE)
        self._debounce.timeout.connect(self.find_pairs)
        self.message, self.run_section = TextLine(), RunSection()
        self.run_section.started.connect(self.start)
        self.run_section.stopped.connect(self.job.stop)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(self._build_form())
        layout.addWidget(self._build_table())
        layout.addWidget(self.message)
        layout.addWidget(self.run_section)
        self.refresh()

    @property
    def running(self) -> bool:
        """True while the folder is measured."""
        return self.job.running

    @property
    def run(self) -> RunSection:
        """The section with the button."""
        return self.run_section

    def config(self) -> FolderConfig:
        """Return the chosen settings.

        Raises
        ------
        CellForceError
            If no folder is chosen, or a setting of the panel is missing.
        """
        folder = self._folder.text().strip()
        if not folder:
            raise CellForceError(
                "No folder is chosen",
                "the bead images are in it",
                "Drop it here, or press …",
                topic=Topic.FOLDER,
            )
        words = NameTokens(*(line.text().strip() for line in (self._reference, self._loaded, self._mask)))
        out = str(Path(folder) / _RESULTS)
        return FolderConfig(folder, out, self._settings(), words, pixel_size=self._pixel.value() or None)

    def set_folder(self, folder: str) -> None:
        """Choose a folder."""
        self._folder.setText(folder)
        self._on_changed()

    def find_pairs(self) -> None:
        """Find the pairs of images, off the GUI thread."""
        self._pairs = []
        try:
            config = self.config()
        except CellForceError as error:
            self._problem = str(error) if self._folder.text().strip() else ""
            self.refresh()
            return
        self._pairing.start(lambda: iter([config.pairs()]))

    def start(self) -> None:
        """Measure all images, off the GUI thread."""
        try:
            config = self.config()
        except CellForceError as error:
            show_error(error)
            return
        self._failures = {}
        self._fill()
        self.job.start(lambda: run_folder(config))
        self.refresh()

    def refresh(self) -> None:
        """Update the button and the status line."""
        running = self.job.running
        missing = sum(files.reference is None for files in self._pairs)
        ready = len(self._pairs) - missing
        label = f"Measure {pluralise(ready, 'image')}" if self._pairs else "Measure all"
        self.run_section.set_button(label, ready=ready > 0 and not running)
        self.run_section.set_running(running)
        if not running:
            self.run_section.set_status(self._problem, Tone.PROBLEM)

    def dispose(self) -> None:
        """Cancel background jobs; finished results are kept."""
        self._debounce.stop()
        self._pairing.cancel()
        self.job.cancel()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept a folder."""
        if _dropped(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Choose the dropped folder."""
        folder = _dropped(event)
        if folder:
            self.set_folder(folder)
            event.acceptProposedAction()

    def _build_form(self) -> Form:
        words = NameTokens()
        self._folder = QLineEdit()
        self._folder.setPlaceholderText("drop a folder here")
        self._reference, self._loaded, self._mask = (
            QLineEdit(word) for word in (words.reference, words.loaded, words.mask)
        )
        self._pixel = NumberBox(0, 100, unit="µm", empty="from the files")
        choose = QPushButton("…")
        choose.setAccessibleName("Choose a folder")
        choose.setMaximumWidth(36)
        choose.clicked.connect(self._on_choose)
        form = Form()
        tip = "Folder of bead images, subfolders included; results are written into a subfolder"
        form.add("Folder", self._folder, tip, beside=choose, page=_PAGE)
        for title, line, tip in (
            ("At rest", self._reference, "Text in the file names of the reference images (beads at rest)"),
            (
                "Pulled",
                self._loaded,
                "Text in the file names of the loaded images (displaced beads); empty: all other images",
            ),
            ("Cells", self._mask, "Text in the file names of the cell masks, if there are any"),
        ):
            form.add(f"{title}, name has", line, tip)
            line.textChanged.connect(self._on_changed)
        form.add("Pixel", self._pixel, "Pixel size, for files without one")
        self._folder.textChanged.connect(self._on_changed)
        return form

    def _build_table(self) -> QTableWidget:
        self.table = QTableWidget(0, 2)
        self.table.setHorizontalHeaderLabels(["Image", "State"])
        self.table.setEditTriggers(QTableWidget.NoEditTriggers)
        self.table.setSelectionBehavior(QTableWidget.SelectRows)
        self.table.verticalHeader().hide()
        self.table.horizontalHeader().setStretchLastSection(True)
        self.table.setAccessibleName("Images of the folder")
        self.table.setToolTip("Click a failed image for the reason; double-click a finished one to open it")
        self.table.setFixedHeight(130)
        self.table.hide()
        self.table.cellClicked.connect(self._on_clicked)
        self.table.cellDoubleClicked.connect(self._on_double_clicked)
        return self.table

    def _on_choose(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder of bead images", self._folder.text())
        if folder:
            self.set_folder(folder)

    def _on_changed(self, *_: Any) -> None:
        self._debounce.start()

    def _on_pairs(self, pairs: list[BeadFiles]) -> None:
        self._pairs, self._problem, self._failures = pairs, "", {}
        self._fill()
        missing = sum(files.reference is None for files in pairs)
        self.message.set_text(
            f"{missing} of {len(pairs)} have no reference image and are skipped." if missing else ""
        )
        self.refresh()

    def _on_pairing_failed(self, error: Exception) -> None:
        self._pairs, self._problem = [], error_text(error)
        self._fill()
        self.message.set_text("")
        self.refresh()

    def _fill(self) -> None:
        self.table.setVisible(bool(self._pairs))
        self.table.setRowCount(len(self._pairs))
        for i, files in enumerate(self._pairs):
            self.table.setItem(i, 0, QTableWidgetItem(files.name))
            self.table.item(i, 0).setToolTip(files.name)
            state = "no reference" if files.reference is None else "with cell" if files.mask else "to do"
            self.table.setItem(i, 1, QTableWidgetItem(state))
        self.table.setColumnWidth(0, 190)

    def _on_record(self, record: Any) -> None:
        if isinstance(record, Progress):
            self.run_section.set_status(f"{record.what} …")
            self.run_section.show_progress(record.done, record.total)
        elif isinstance(record, RegularisationChoice):
            self.message.set_text(f"Common lambda: {record.regularisation:.3g} µm/Pa.")
        elif isinstance(record, FolderEvent):
            self._show_event(record)

    def _show_event(self, event: FolderEvent) -> None:
        row = next((i for i, files in enumerate(self._pairs) if files.name == event.name), None)
        if row is None:
            return
        if event.state == "failed":
            self._failures[event.name] = event.words
        item = self.table.item(row, 1)
        item.setText(_STATES[event.state])
        item.setToolTip(event.words)
        self.table.scrollToItem(item)

    def _on_ended(self, complete: bool) -> None:
        done = sum(self.table.item(i, 1).text() == _STATES["done"] for i in range(self.table.rowCount()))
        self.refresh()
        failed = f", {len(self._failures)} failed: click one for the reason" if self._failures else ""
        words = f"{done} of {len(self._pairs)} are done{failed}. Results: subfolder {_RESULTS}."
        if complete:
            self.run_section.set_status(words, Tone.PROBLEM if self._failures else Tone.GOOD)
        else:
            self.run_section.set_status(f"Stopped. {words} Press again to continue.", Tone.PLAIN)

    def _on_clicked(self, row: int, column: int) -> None:
        del column
        name = self._pairs[row].name
        reason = self._failures.get(name, "")
        if not reason and self._pairs[row].reference is None:
            reason = "There is no reference image whose name differs only in that text."
        self.message.set_text(f"{name}: {reason}" if reason else "", Tone.PROBLEM if reason else Tone.PLAIN)

    def _on_double_clicked(self, row: int, column: int) -> None:
        del column
        if self.table.item(row, 1).text() == _STATES["done"]:
            place = Path(self._folder.text().strip()) / _RESULTS / self._pairs[row].name
            self.opened.emit(str(place.with_name(f"{place.name}_measured_traction.ome.tif")))


def _dropped(event: QDragEnterEvent | QDropEvent) -> str:
    paths = [url.toLocalFile() for url in event.mimeData().urls() if Path(url.toLocalFile()).is_dir()]
    return paths[0] if len(paths) == 1 else ""
