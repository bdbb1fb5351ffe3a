"""The plan of a batch as a table, with the state of each image."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QHeaderView, QTableWidget, QTableWidgetItem, QVBoxLayout, QWidget

from napari_cellforce.batch import InputEvent, PlannedInput
from napari_cellforce.batch.config import PREDICT
from napari_cellforce.text import pluralise, with_period
from napari_cellforce.widgets.base.form import TextLine, Tone

_COLUMNS = ("Image", "Model", "Frames", "State")
_MODEL, _FRAMES, _STATE = range(1, 4)
_LISTED = 3
"""Maximum number of problems written out; the others are in the table."""


class BatchPlanSection(QWidget):
    """One row per image and model; states are updated during the batch.

    Signals
    -------
    opened : PlannedInput
        A finished row was double-clicked.
    chosen
        Another row was selected.
    """

    opened = Signal(object)
    chosen = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: dict[str, tuple[int, PlannedInput]] = {}
        self._finished: set[str] = set()
        self._problems: dict[str, str] = {}
        self._table = QTableWidget(0, len(_COLUMNS))
        self._table.setHorizontalHeaderLabels(_COLUMNS)
        self._table.setAccessibleName("Plan")
        self._table.setEditTriggers(QTableWidget.NoEditTriggers)
        self._table.setSelectionBehavior(QTableWidget.SelectRows)
        self._table.setSelectionMode(QTableWidget.SingleSelection)
        self._table.verticalHeader().hide()
        self._table.horizontalHeader().setSectionResizeMode(0, QHeaderView.Stretch)
        for column, width in ((_MODEL, 95), (_FRAMES, 55), (_STATE, 85)):
            self._table.setColumnWidth(column, width)
        self._table.setTextElideMode(Qt.ElideMiddle)
        self._table.setWordWrap(False)
        self._table.setMinimumHeight(170)
        self._table.cellDoubleClicked.connect(self._on_double_click)
        self._table.itemSelectionChanged.connect(self.chosen)
        self._note = TextLine()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._table)
        layout.addWidget(self._note)
        self.clear()

    @property
    def selected(self) -> PlannedInput | None:
        """The selected row, if its prediction exists."""
        item = self._table.item(self._table.currentRow(), 0)
        row = item.data(Qt.UserRole) if item is not None and item.isSelected() else None
        return row if row is not None and row.title in self._finished else None

    def clear(self) -> None:
        """Show no plan."""
        self._table.setRowCount(0)
        self._rows, self._finished, self._problems = {}, set(), {}
        self._note.set_text("")
        self.hide()

    def add(self, row: PlannedInput) -> None:
        """Add a row of the plan."""
        self.show()
        i = self._table.rowCount()
        self._table.setRowCount(i + 1)
        self._rows[row.title] = i, row
        several = row.title != row.name
        self._table.setColumnHidden(_MODEL, not several)
        self._table.setColumnHidden(_FRAMES, several)  # not enough space for both
        for column, text in enumerate((row.name, row.model, str(row.frames or ""), "")):
            item = QTableWidgetItem(text)
            item.setData(Qt.UserRole, row)
            item.setToolTip(_details(row))
            self._table.setItem(i, column, item)
        if row.predicted:
            self._finished.add(row.title)
        state = "problem" if row.problem else "finished" if row.complete else _to_do(row)
        self._set_state(row.title, state, row.problem or _details(row))

    def apply_event(self, event: InputEvent) -> None:
        """Update the state of an input."""
        labels = {"done": "finished", "skipped": "finished", "failed": "problem"}
        running = f"{event.done} / {event.total}" if event.total else "starting"
        if PREDICT in event.finished and event.row.title not in self._finished:
            self._finished.add(event.row.title)
            self.chosen.emit()
        self._set_state(
            event.row.title, labels.get(event.state, running), event.reason or _details(event.row)
        )
        if event.state == "running":
            self._table.scrollToItem(self._table.item(self._rows[event.row.title][0], 0))

    def _set_state(self, title: str, state: str, tip: str) -> None:
        sign = {"problem": "⚠ ", "finished": "✓ "}.get(state, "")
        i, row = self._rows[title]
        item = self._table.item(i, _STATE)
        item.setText(sign + state)
        item.setToolTip(tip)
        if state == "problem":
            self._problems[row.name] = tip  # usually the same for all models
            self._show_problems()

    def _show_problems(self) -> None:
        listed = [with_period(f"{name}: {why}") for name, why in list(self._problems.items())[:_LISTED]]
        more = len(self._problems) - len(listed)
        listed += [f"And {more} more: see the tooltips of ⚠ in the table."] if more else []
        self._note.set_text(" ".join(listed), Tone.PROBLEM)

    def _on_double_click(self, _row: int, _column: int) -> None:
        if self.selected is not None:
            self.opened.emit(self.selected)


def _to_do(row: PlannedInput) -> str:
    return "to do" if not row.predicted else f"+ {', '.join(row.missing)}"


def _details(row: PlannedInput) -> str:
    """Return the details of an image, one per line."""
    height, width = row.shape
    lines = [
        row.name,
        f"{pluralise(row.frames, 'frame')} of {height} x {width} pixels" if row.frames else "",
        f"channel {', '.join(row.channels)}" if row.channels else "",
        f"pixel {row.pixel_size:.4g} µm" if row.pixel_size else "",
        f"mask {row.mask.name}" if row.mask else "cell found automatically",
        f"condition {row.condition}" if row.condition else "",
        f"compared with {row.measured.name}" if row.measured else "",
        *row.notes,
    ]
    return "\n".join(line for line in lines if line)
