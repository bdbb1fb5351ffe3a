"""The cells to learn from: what is in them, what is wrong with them, and which of them are used."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from napari_cellforce.io.index import DatasetIndex, IndexRow, Split

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

    def fill(self, found: DatasetIndex, excluded: Collection[str] = ()) -> None:
        """Show these cells, some of them left out."""
        with QSignalBlocker(self):
            self.setRowCount(0)
            for cell in dict.fromkeys(row.cell for row in found.rows):
                self._add([row for row in found.rows if row.cell == cell], cell not in excluded)
        rows = min(self.rowCount(), _MOST)
        self.setFixedHeight(self.horizontalHeader().sizeHint().height() + rows * _HEIGHT + 6)
        self.show()

    def show_split(self, split: Split | None) -> None:
        """Say which cells are learnt from and which are kept aside; None if all give the scale."""
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
