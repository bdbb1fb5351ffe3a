"""What to learn from: data sets, their cells, and what is wrong with them."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from qtpy.QtCore import QSignalBlocker, Qt, QTimer, QUrl, Signal
from qtpy.QtGui import QDesktopServices, QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import QHeaderView, QPushButton, QTableWidget, QTableWidgetItem, QVBoxLayout, QWidget

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.io.cell_index import DatasetIndex, IndexRow, Split
from napari_cellforce.text import with_period
from napari_cellforce.widgets.base.form import Form, TextLine, Tone, align_labels
from napari_cellforce.widgets.base.number_box import NumberBox
from napari_cellforce.widgets.base.worker import Job, show_error
from napari_cellforce.widgets.train.sources import TrainSources

COLUMNS = ("Cell", "Frames", "mean |F|", "Use")
NAME, FRAMES, FORCE, USE = range(4)
_WIDTHS = {FRAMES: 58, FORCE: 66, USE: 110}
_HEIGHT, _MOST = 26, 8
"""Pixels of a row, and rows that are seen at once."""


class TrainCellsTable(QTableWidget):
    """One row a cell, with a box to leave it out.

    Signals
    -------
    ticked
        Other cells are used.
    """

    ticked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, len(COLUMNS), parent)
        self.setHorizontalHeaderLabels(COLUMNS)
        self.setAccessibleName("Cells")
        self.setEditTriggers(QTableWidget.NoEditTriggers)
        self.setSelectionBehavior(QTableWidget.SelectRows)
        self.setTextElideMode(Qt.ElideRight)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(_HEIGHT)
        self.horizontalHeader().setSectionResizeMode(NAME, QHeaderView.Stretch)
        for column, width in _WIDTHS.items():
            self.setColumnWidth(column, width)
        self.itemChanged.connect(self._on_item)
        self.hide()

    @property
    def excluded(self) -> tuple[str, ...]:
        """Cells that could be used, and are left out by hand."""
        items = [self.item(i, NAME) for i in range(self.rowCount())]
        return tuple(item.text() for item in items if _usable(item) and item.checkState() == Qt.Unchecked)

    def clear_cells(self) -> None:
        """Show nothing."""
        self.setRowCount(0)
        self.hide()

    def fill(self, dataset: DatasetIndex, excluded: Collection[str] = ()) -> None:
        """Show these cells, some of them left out."""
        with QSignalBlocker(self):
            self.setRowCount(0)
            for cell in dict.fromkeys(row.cell for row in dataset.rows):
                self._add([row for row in dataset.rows if row.cell == cell], cell not in excluded)
        rows = min(self.rowCount(), _MOST)
        self.setFixedHeight(self.horizontalHeader().sizeHint().height() + rows * _HEIGHT + 6)
        self.show()

    def show_split(self, split: Split | None) -> None:
        """Say which cells are learnt from and which are for validation; None if all give the scale."""
        with QSignalBlocker(self):
            for i in range(self.rowCount()):
                name = self.item(i, NAME)
                if not _usable(name):
                    continue
                self.item(i, USE).setText(_use(name.text(), name.checkState() == Qt.Checked, split))

    def _add(self, rows: Sequence[IndexRow], used: bool) -> None:
        """Add a cell; what is wrong with it stands in its row, and in full where the mouse rests on it."""
        good = [row for row in rows if not row.problems]
        wrong = "; ".join(dict.fromkeys(problem for row in rows for problem in row.problems))
        frames = str(len(rows)) if len(good) == len(rows) else f"⚠ {len(good)} of {len(rows)}"
        mean = f"{sum(row.mean_traction for row in good) / len(good):.0f} Pa" if good else ""
        cell = rows[0].cell
        details = "\n".join([cell, f"pixel {rows[0].pixel_size:.4g} µm", *([wrong] if wrong else [])])
        i = self.rowCount()
        self.setRowCount(i + 1)
        for column, text in enumerate((cell, frames if good else str(len(rows)), mean, "")):
            item = QTableWidgetItem(text if column != USE or good else f"⚠ {wrong}")
            item.setToolTip(details)
            self.setItem(i, column, item)
        name = self.item(i, NAME)
        name.setCheckState(Qt.Checked if good and used else Qt.Unchecked)
        if not good:
            name.setFlags(name.flags() & ~Qt.ItemIsUserCheckable)

    def _on_item(self, item: QTableWidgetItem) -> None:
        if item.column() == NAME:
            self.ticked.emit()


def _usable(item: QTableWidgetItem) -> bool:
    return bool(item.flags() & Qt.ItemIsUserCheckable)


def _use(cell: str, ticked: bool, split: Split | None) -> str:
    if not ticked:
        return "left out"
    if split is None:
        return "scale"
    return "check" if cell in split.validation else "learn" if cell in split.train else ""


_PAGE = "training/formats/"
_LISTED = 3
"""Most problems written out; the rest is in the table."""
_DEBOUNCE = 300
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
        self.places = TrainSources()
        self._table = TrainCellsTable()
        self.message = TextLine()
        self._page_button = QPushButton("Look at them …")
        self._page_button.setToolTip(
            "Opens a page with all cells: pictures, how hard they pull, what is wrong"
        )
        self.reading, self._page = Job(self), Job(self)
        self._debounce = QTimer(self)
        self._debounce.setSingleShot(True)
        self._debounce.setInterval(_DEBOUNCE)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.places)
        layout.addLayout(self._build_pixel())
        for widget in (self._table, self.message, self._page_button):
            layout.addWidget(widget)
        self._page_button.hide()
        self._connect()

    @property
    def sources(self) -> tuple[str, ...]:
        """Folders and tables that are chosen."""
        return self.places.sources

    @property
    def pixel_size(self) -> float | None:
        """In µm, for files that do not say; None if none is typed in."""
        return self.pixel_box.value() or None

    @property
    def settings(self) -> dict[str, Any]:
        """What is chosen, as `napari_cellforce.train.DataConfig` calls it."""
        return {
            "sources": self.sources,
            "patterns": dict(self.places.patterns),
            "pixel_size": self.pixel_size,
            "exclude": self._excluded,
        }

    @property
    def dataset(self) -> DatasetIndex | None:
        """The cells that are ticked; None while they are read, or if they cannot be."""
        return self._read_index.without(self._excluded) if self._read_index else None

    @property
    def has_read(self) -> bool:
        """Whether the cells have been read, or cannot be."""
        return self._read_index is not None or self._problem is not None

    def problem(self) -> CellForceError | None:
        """Return why the data cannot be learnt from, or None."""
        if not self.sources:
            return CellForceError(
                "No cells are chosen yet",
                "a predictor learns from images whose tractions were measured",
                "Drop their folder here, or choose it above.",
                topic=Topic.TRAINING_DATA,
            )
        if self._read_index is None:
            return self._problem or CellForceError("Reading the cells", "", "", topic=Topic.READING)
        if self._excluded and not self._read_index.without(self._excluded).cells:
            return CellForceError(
                "No cell is ticked", "there is nothing to learn from", "Tick some.", topic=Topic.CELLS
            )
        return None

    def add_sources(self, paths: Sequence[str]) -> None:
        """Add folders and tables."""
        self.places.add(paths)

    def choose(self, values: Mapping[str, Any]) -> None:
        """Choose data as `settings` tells them, and no others; what is not there any more is left out."""
        sources = [source for source in values.get("sources", ()) if Path(source).exists()]
        self.pixel_box.setValue(values.get("pixel_size") or 0)
        self.places.choose(sources, dict(values.get("patterns", {})))
        self._excluded = tuple(values.get("exclude", ()))

    def show_split(self, split: Split | None) -> None:
        """Say in the table which cells are learnt from and which are for validation."""
        self._table.show_split(split)

    def dispose(self) -> None:
        """Cancel background jobs."""
        self._debounce.stop()
        self.reading.cancel()
        self._page.cancel()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept folders and tables, also beside the place that asks for them."""
        self.places.dragEnterEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        """Take what was dropped."""
        self.places.dropEvent(event)

    def _build_pixel(self) -> Form:
        self.pixel_box = NumberBox(0, 100, unit="µm", empty="from the files")
        form = Form()
        form.add("Pixel", self.pixel_box, "Side of a pixel, for files that do not say theirs", page=_PAGE)
        align_labels(form)
        return form

    def _connect(self) -> None:
        self.places.changed.connect(self._on_sources)
        self.pixel_box.valueChanged.connect(lambda _: self._on_changed())
        self._table.ticked.connect(self._on_ticked)
        self._page_button.clicked.connect(self._on_page)
        self._debounce.timeout.connect(self._read)
        self._at_cell.connect(self._on_cell)
        self.reading.yielded.connect(self._on_found)
        self.reading.failed.connect(self._on_failed)
        self.reading.ended.connect(self._on_ended)
        self._page.yielded.connect(lambda page: QDesktopServices.openUrl(QUrl.fromLocalFile(str(page))))
        self._page.failed.connect(show_error)
        self._page.ended.connect(lambda _: self._page_button.setEnabled(True))

    def _on_sources(self) -> None:
        self._excluded = ()
        self._on_changed()

    def _on_changed(self) -> None:
        """Forget what was read, and read when nothing has changed for a moment."""
        self.reading.cancel()
        self._read_index = self._problem = None
        self._table.clear_cells()
        self._page_button.hide()
        self.message.set_text("")
        if self.sources:
            self.message.set_text("Reading the cells …")
            self._debounce.start()
        self.changed.emit()

    def _on_ticked(self) -> None:
        self._excluded = self._table.excluded
        self.changed.emit()

    def _read(self) -> None:
        settings, progress = self.settings | {"exclude": ()}, self._at_cell.emit

        def read() -> Iterator[DatasetIndex]:
            from napari_cellforce.train import DataConfig, index

            yield index(DataConfig(**settings), progress)

        self.reading.start(read)

    def _on_cell(self, name: str) -> None:
        if self.reading.running:
            self.message.set_text(f"Reading {name} …")

    def _on_found(self, dataset: DatasetIndex) -> None:
        self._read_index = dataset

    def _on_failed(self, error: Exception) -> None:
        if isinstance(error, CellForceError):
            self._problem = error
            self.message.set_text(str(error), Tone.PROBLEM)
        else:
            show_error(error)

    def _on_ended(self, complete: bool) -> None:
        if complete and self._read_index is not None:
            self._fill(self._read_index)
        elif self._problem is None:
            self.message.set_text("")
        self.changed.emit()

    def _fill(self, dataset: DatasetIndex) -> None:
        self._excluded = tuple(cell for cell in self._excluded if cell in dataset.cells)
        self._table.fill(dataset, self._excluded)
        self._page_button.show()
        problems: dict[str, list[str]] = {}
        for row in dataset.rows:
            if row.problems:
                problems.setdefault(row.cell, []).extend(row.problems)
        texts = {cell: "; ".join(dict.fromkeys(why)) for cell, why in problems.items()}
        listed = [with_period(f"{cell}: {why}") for cell, why in list(texts.items())[:_LISTED]]
        more = len(texts) - len(listed)
        listed += [f"And {more} more: point at ⚠ in the table."] if more > 0 else []
        listed += [with_period(note[0].upper() + note[1:]) for note in dataset.notes]
        self.message.set_text(" ".join(listed), Tone.PROBLEM if texts else Tone.PLAIN)

    def _on_page(self) -> None:
        """Write the page of the data set, and open it."""
        dataset = self._read_index
        assert dataset is not None
        folder = Path(tempfile.mkdtemp(prefix="cellforce-"))

        def write() -> Iterator[Path]:
            from napari_cellforce.evaluate import write_dataset_page

            yield write_dataset_page(folder / "measured cells.html", dataset)

        self._page_button.setEnabled(False)
        self._page.start(write)
