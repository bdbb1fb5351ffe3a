"""What to learn from: data sets, their cells, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from qtpy.QtCore import Qt, QTimer, Signal
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import (
    QDoubleSpinBox,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_cellforce.errors import CellForceError, sentence
from napari_cellforce.io.index import DatasetIndex, IndexRow, Split
from napari_cellforce.widgets._form import Form, TextLine, Tone
from napari_cellforce.widgets._worker import Job, tell

_PAGE = "training/formats/"
_COLUMNS = ("Cell", "Frames", "mean |F|", "Use")
_LISTED = 3
"""Most problems written out; the rest is in the table."""
_PAUSE = 300
"""Milliseconds without a change until the data are read."""


class TrainDataSection(QWidget):
    """Folders and tables of measured cells; they can be dropped here.

    Signals
    -------
    changed
        Other data are chosen, or they have been read.
    """

    changed = Signal()
    _at_cell = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAcceptDrops(True)
        self._sources: list[str] = []
        self._found: DatasetIndex | None = None
        self._problem: CellForceError | None = None
        self._reading = Job(self)
        self._reading.yielded.connect(self._on_found)
        self._at_cell.connect(self._on_cell)
        self._reading.failed.connect(self._on_failed)
        self._reading.ended.connect(self._on_ended)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_PAUSE)
        self._pause.timeout.connect(self._read)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._build_place())
        layout.addLayout(self._build_buttons())
        layout.addLayout(self._build_pixel())
        layout.addWidget(self._build_table())
        self._words = TextLine()
        layout.addWidget(self._words)
        self._show_sources()

    @property
    def sources(self) -> tuple[str, ...]:
        """Folders and tables that are chosen."""
        return tuple(self._sources)

    @property
    def pixel_size(self) -> float | None:
        """In µm, for files that do not say; None if none is typed in."""
        return self._pixel.value() or None

    @property
    def found(self) -> DatasetIndex | None:
        """What is in the data; None while it is read, or if it cannot be."""
        return self._found

    def problem(self) -> CellForceError | None:
        """Return why the data cannot be learnt from, or None."""
        if not self._sources:
            return CellForceError(
                "No cells are chosen yet",
                "a predictor learns from images whose tractions were measured",
                "Drop their folder here, or choose it above.",
                topic="data",
            )
        if self._found is None:
            return self._problem or CellForceError("Reading the cells", "", "", topic="reading")
        return None

    def take(self, paths: Sequence[str]) -> None:
        """Add folders and tables."""
        self._sources += [path for path in paths if path not in self._sources]
        self._on_changed()

    def choose(self, sources: Sequence[str], pixel_size: float | None) -> None:
        """Choose these data and no others."""
        self._sources = list(sources)
        self._pixel.setValue(pixel_size or 0)
        self._on_changed()

    def show_split(self, split: Split | None) -> None:
        """Say in the table which cells are learnt from and which are kept aside."""
        for i in range(self._table.rowCount()):
            name = self._table.item(i, 0).text()
            if self._table.item(i, 3).data(Qt.UserRole) or split is None:
                continue
            words = "check" if name in split.validation else "learn" if name in split.train else ""
            self._table.item(i, 3).setText(words)

    def drop_jobs(self) -> None:
        """End what runs in the background."""
        self._pause.stop()
        self._reading.drop()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept folders and CSV tables."""
        if _dropped(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Take what was dropped."""
        paths = _dropped(event)
        if paths:
            self.take(paths)
            event.acceptProposedAction()

    def _build_place(self) -> QLabel:
        self._place = QLabel()
        self._place.setWordWrap(True)
        self._place.setAlignment(Qt.AlignCenter)
        self._place.setMinimumHeight(56)
        self._place.setStyleSheet("QLabel { border: 1px dashed gray; border-radius: 4px; padding: 4px; }")
        return self._place

    def _build_buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self._clear = QPushButton("Clear")
        self._clear.setToolTip("Forgets the folders; the files stay")
        self._clear.clicked.connect(lambda: self.choose((), self.pixel_size))
        folder, table = QPushButton("Add folder …"), QPushButton("Add table …")
        folder.setToolTip("A folder with one folder a cell, as the authors' programs write them")
        table.setToolTip("A CSV file with the columns cell, image, mask and traction")
        folder.clicked.connect(self._on_folder)
        table.clicked.connect(self._on_table)
        for button in (folder, table, self._clear):
            row.addWidget(button)
        return row

    def _build_pixel(self) -> Form:
        self._pixel = QDoubleSpinBox()
        self._pixel.setRange(0, 100)
        self._pixel.setDecimals(4)
        self._pixel.setSuffix(" µm")
        self._pixel.setSpecialValueText("from the files")
        self._pixel.setKeyboardTracking(False)
        self._pixel.valueChanged.connect(lambda _: self._on_changed())
        form = Form()
        form.add("Pixel", self._pixel, "Side of a pixel, for files that do not say theirs", page=_PAGE)
        return form

    def _build_table(self) -> QTableWidget:
        self._table = QTableWidget(0, len(_COLUMNS))
        self._table.setHorizontalHeaderLabels(_COLUMNS)
        self._table.setAccessibleName("Cells")
        self._table.setEditTriggers(QTableWidget.NoEditTriggers)
        self._table.setSelectionBehavior(QTableWidget.SelectRows)
        self._table.verticalHeader().hide()
        header = self._table.horizontalHeader()
        header.setSectionResizeMode(0, QHeaderView.Stretch)
        for column, width in ((1, 55), (2, 75), (3, 80)):
            self._table.setColumnWidth(column, width)
        self._table.setFixedHeight(150)
        self._table.hide()
        return self._table

    def _show_sources(self) -> None:
        names = [Path(source).name for source in self._sources]
        self._place.setText("\n".join(names) or "Drop the folder of your measured cells here")
        self._place.setToolTip("\n".join(self._sources))
        self._clear.setEnabled(bool(self._sources))

    def _on_changed(self) -> None:
        """Forget what was read, and read when nothing has changed for a moment."""
        self._reading.drop()
        self._found = self._problem = None
        self._table.setRowCount(0)
        self._table.hide()
        self._words.say("")
        self._show_sources()
        if self._sources:
            self._words.say("Reading the cells …")
            self._pause.start()
        self.changed.emit()

    def _read(self) -> None:
        sources, pixel_size, progress = self.sources, self.pixel_size, self._at_cell.emit

        def read() -> Iterator[DatasetIndex]:
            from napari_cellforce.train import DataConfig, index

            yield index(DataConfig(sources, pixel_size), progress)

        self._reading.start(read)

    def _on_cell(self, name: str) -> None:
        if self._reading.running:
            self._words.say(f"Reading {name} …")

    def _on_found(self, found: DatasetIndex) -> None:
        self._found = found

    def _on_failed(self, error: Exception) -> None:
        if isinstance(error, CellForceError):
            self._problem = error
            self._words.say(str(error), Tone.PROBLEM)
        else:
            tell(error)

    def _on_ended(self, complete: bool) -> None:
        if complete and self._found is not None:
            self._fill(self._found)
        elif self._problem is None:
            self._words.say("")
        self.changed.emit()

    def _fill(self, found: DatasetIndex) -> None:
        problems: dict[str, str] = {}
        for cell in dict.fromkeys(row.cell for row in found.rows):
            rows = [row for row in found.rows if row.cell == cell]
            wrong = "; ".join(dict.fromkeys(problem for row in rows for problem in row.problems))
            self._add(cell, rows, wrong)
            if wrong:
                problems[cell] = wrong
        self._table.show()
        listed = [sentence(f"{cell}: {why}") for cell, why in list(problems.items())[:_LISTED]]
        more = len(problems) - len(listed)
        listed += [f"And {more} more: point at ⚠ in the table."] if more else []
        listed += [sentence(note[0].upper() + note[1:]) for note in found.notes]
        self._words.say(" ".join(listed), Tone.PROBLEM if problems else Tone.PLAIN)

    def _add(self, cell: str, rows: Sequence[IndexRow], wrong: str) -> None:
        good = [row for row in rows if not row.problems]
        frames = str(len(rows)) if len(good) == len(rows) else f"{len(good)} of {len(rows)}"
        mean = f"{sum(row.mean_traction for row in good) / len(good):.0f} Pa" if good else ""
        i = self._table.rowCount()
        self._table.setRowCount(i + 1)
        details = "\n".join([cell, f"pixel {rows[0].pixel_size:.4g} µm", *([wrong] if wrong else [])])
        for column, text in enumerate((cell, frames, mean, "" if good else "⚠ left out")):
            item = QTableWidgetItem(text if column != 1 or not (wrong and good) else f"⚠ {text}")
            item.setToolTip(details)
            item.setData(Qt.UserRole, not good)
            self._table.setItem(i, column, item)

    def _on_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Choose the folder of measured cells")
        if folder:
            self.take([folder])

    def _on_table(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Choose a table of cells", "", "Tables (*.csv)")
        if path:
            self.take([path])


def _dropped(event: QDropEvent) -> list[str]:
    """Return the folders and tables that are dropped."""
    paths = [Path(url.toLocalFile()) for url in event.mimeData().urls()]
    return [str(path) for path in paths if path.is_dir() or path.suffix.lower() == ".csv"]
