"""What to learn from: data sets, their cells, and what is wrong with them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from qtpy.QtCore import QTimer, QUrl, Signal
from qtpy.QtGui import QDesktopServices, QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget

from napari_cellforce.errors import CellForceError, sentence
from napari_cellforce.io.index import DatasetIndex, Split
from napari_cellforce.widgets.base.form import Form, TextLine, Tone, align
from napari_cellforce.widgets.base.number_box import NumberBox
from napari_cellforce.widgets.base.worker import Job, tell
from napari_cellforce.widgets.train.cells_table import TrainCellsTable
from napari_cellforce.widgets.train.sources import TrainSources

_PAGE = "training/formats/"
_LISTED = 3
"""Most problems written out; the rest is in the table."""
_PAUSE = 300
"""Milliseconds without a change until the data are read."""


class TrainDataSection(QWidget):
    """Folders and tables of measured cells, and a box for each cell.

    Signals
    -------
    changed
        Other data or cells are chosen, or they have been read.
    """

    changed = Signal()
    _at_cell = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAcceptDrops(True)
        self._read_index: DatasetIndex | None = None
        self._excluded: tuple[str, ...] = ()
        self._problem: CellForceError | None = None
        self._places = TrainSources()
        self._table = TrainCellsTable()
        self._words = TextLine()
        self._look = QPushButton("Look at them …")
        self._look.setToolTip("Opens a page with all cells: pictures, how hard they pull, what is wrong")
        self._reading, self._page = Job(self), Job(self)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_PAUSE)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._places)
        layout.addLayout(self._build_pixel())
        for widget in (self._table, self._words, self._look):
            layout.addWidget(widget)
        self._look.hide()
        self._connect()

    @property
    def sources(self) -> tuple[str, ...]:
        """Folders and tables that are chosen."""
        return self._places.sources

    @property
    def pixel_size(self) -> float | None:
        """In µm, for files that do not say; None if none is typed in."""
        return self._pixel.value() or None

    @property
    def settings(self) -> dict[str, Any]:
        """What is chosen, as `napari_cellforce.train.DataConfig` calls it."""
        return {
            "sources": self.sources,
            "patterns": dict(self._places.patterns),
            "pixel_size": self.pixel_size,
            "exclude": self._excluded,
        }

    @property
    def found(self) -> DatasetIndex | None:
        """The cells that are ticked; None while they are read, or if they cannot be."""
        return self._read_index.without(self._excluded) if self._read_index else None

    def problem(self) -> CellForceError | None:
        """Return why the data cannot be learnt from, or None."""
        if not self.sources:
            return CellForceError(
                "No cells are chosen yet",
                "a predictor learns from images whose tractions were measured",
                "Drop their folder here, or choose it above.",
                topic="data",
            )
        if self._read_index is None:
            return self._problem or CellForceError("Reading the cells", "", "", topic="reading")
        if self._excluded and not self._read_index.without(self._excluded).cells:
            return CellForceError(
                "No cell is ticked", "there is nothing to learn from", "Tick some.", topic="cells"
            )
        return None

    def take(self, paths: Sequence[str]) -> None:
        """Add folders and tables."""
        self._places.add(paths)

    def choose(self, values: Mapping[str, Any]) -> None:
        """Choose data as `settings` tells them, and no others; what is not there any more is left out."""
        sources = [source for source in values.get("sources", ()) if Path(source).exists()]
        self._pixel.setValue(values.get("pixel_size") or 0)
        self._places.choose(sources, dict(values.get("patterns", {})))
        self._excluded = tuple(values.get("exclude", ()))

    def show_split(self, split: Split | None) -> None:
        """Say in the table which cells are learnt from and which are kept aside."""
        self._table.show_split(split)

    def drop_jobs(self) -> None:
        """End what runs in the background."""
        self._pause.stop()
        self._reading.drop()
        self._page.drop()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept folders and tables, also beside the place that asks for them."""
        self._places.dragEnterEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        """Take what was dropped."""
        self._places.dropEvent(event)

    def _build_pixel(self) -> Form:
        self._pixel = NumberBox(0, 100, unit="µm", empty="from the files")
        form = Form()
        form.add("Pixel", self._pixel, "Side of a pixel, for files that do not say theirs", page=_PAGE)
        align(form)
        return form

    def _connect(self) -> None:
        self._places.changed.connect(self._on_sources)
        self._pixel.valueChanged.connect(lambda _: self._on_changed())
        self._table.ticked.connect(self._on_ticked)
        self._look.clicked.connect(self._on_look)
        self._pause.timeout.connect(self._read)
        self._at_cell.connect(self._on_cell)
        self._reading.yielded.connect(self._on_found)
        self._reading.failed.connect(self._on_failed)
        self._reading.ended.connect(self._on_ended)
        self._page.yielded.connect(lambda page: QDesktopServices.openUrl(QUrl.fromLocalFile(str(page))))
        self._page.failed.connect(tell)
        self._page.ended.connect(lambda _: self._look.setEnabled(True))

    def _on_sources(self) -> None:
        self._excluded = ()
        self._on_changed()

    def _on_changed(self) -> None:
        """Forget what was read, and read when nothing has changed for a moment."""
        self._reading.drop()
        self._read_index = self._problem = None
        self._table.clear_cells()
        self._look.hide()
        self._words.say("")
        if self.sources:
            self._words.say("Reading the cells …")
            self._pause.start()
        self.changed.emit()

    def _on_ticked(self) -> None:
        self._excluded = self._table.excluded
        self.changed.emit()

    def _read(self) -> None:
        settings, progress = self.settings | {"exclude": ()}, self._at_cell.emit

        def read() -> Iterator[DatasetIndex]:
            from napari_cellforce.train import DataConfig, index

            yield index(DataConfig(**settings), progress)

        self._reading.start(read)

    def _on_cell(self, name: str) -> None:
        if self._reading.running:
            self._words.say(f"Reading {name} …")

    def _on_found(self, found: DatasetIndex) -> None:
        self._read_index = found

    def _on_failed(self, error: Exception) -> None:
        if isinstance(error, CellForceError):
            self._problem = error
            self._words.say(str(error), Tone.PROBLEM)
        else:
            tell(error)

    def _on_ended(self, complete: bool) -> None:
        if complete and self._read_index is not None:
            self._fill(self._read_index)
        elif self._problem is None:
            self._words.say("")
        self.changed.emit()

    def _fill(self, found: DatasetIndex) -> None:
        self._excluded = tuple(cell for cell in self._excluded if cell in found.cells)
        self._table.fill(found, self._excluded)
        self._look.show()
        problems: dict[str, list[str]] = {}
        for row in found.rows:
            if row.problems:
                problems.setdefault(row.cell, []).extend(row.problems)
        told = {cell: "; ".join(dict.fromkeys(why)) for cell, why in problems.items()}
        listed = [sentence(f"{cell}: {why}") for cell, why in list(told.items())[:_LISTED]]
        more = len(told) - len(listed)
        listed += [f"And {more} more: point at ⚠ in the table."] if more > 0 else []
        listed += [sentence(note[0].upper() + note[1:]) for note in found.notes]
        self._words.say(" ".join(listed), Tone.PROBLEM if told else Tone.PLAIN)

    def _on_look(self) -> None:
        """Write the page of the data set, and open it."""
        found = self._read_index
        assert found is not None
        folder = Path(tempfile.mkdtemp(prefix="cellforce-"))

        def write() -> Iterator[Path]:
            from napari_cellforce.evaluate import write_dataset_page

            yield write_dataset_page(folder / "measured cells.html", found)

        self._look.setEnabled(False)
        self._page.start(write)
