"""Which cells are kept aside: a share, one of several parts, those with a drug, a stretch of time."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QComboBox, QLineEdit, QWidget

from napari_cellforce.errors import CellForceError
from napari_cellforce.io.index import DatasetIndex
from napari_cellforce.widgets.base.form import Form, align, narrow

_SHARES = (("1 cell in 5", 0.2), ("1 cell in 4", 0.25), ("1 cell in 3", 1 / 3))
_PARTS = 5
"""Most parts that the cells are divided into, to check with each in turn."""
_PAGE = "tutorials/finetune/#cells-kept-aside"


class TrainSplitChoice(QWidget):
    """Cells to check with, and which of their frames.

    Signals
    -------
    changed
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cells, self._window = narrow(QComboBox()), QLineEdit()
        self._window.setPlaceholderText("all")
        form = Form(self)
        form.add(
            "Check with", self._cells, "Cells kept aside, to see what the model makes of new ones", page=_PAGE
        )
        form.add(
            "Their frames",
            self._window,
            "First and last frame, like 30-60 (from 0): then the other cells are learnt from outside of it. "
            "For a drug that is washed in and out.",
            page=_PAGE,
        )
        align(form)
        self.show_cells(None)
        self._cells.currentIndexChanged.connect(lambda _: self.changed.emit())
        self._window.editingFinished.connect(self.changed)

    def settings(self) -> dict[str, Any]:
        """Return the choice as `napari_cellforce.train.SplitConfig` calls it."""
        return {**self._cells.currentData(), "window": _numbers(self._window.text()) or ()}

    def problem(self) -> CellForceError | None:
        """Return what is wrong with it, or None."""
        if _numbers(self._window.text()) is None:
            return CellForceError(
                f"The frames to check with are {self._window.text()!r}",
                "two numbers are needed, the smaller one first",
                "Write for example 30-60, or nothing for all frames.",
                topic="split",
            )
        return None

    def show_cells(self, found: DatasetIndex | None) -> None:
        """Offer the ways in which these cells can be split."""
        wanted = self._cells.currentText()
        with QSignalBlocker(self._cells):
            self._cells.clear()
            for words, share in _SHARES:
                self._cells.addItem(words, {"validation": share})
            parts = min(len(found.cells), _PARTS) if found else 0
            for part in range(parts if parts > 2 else 0):
                self._cells.addItem(f"part {part + 1} of {parts}", {"folds": parts, "fold": part})
            for column, value in _groups(found):
                self._cells.addItem(f"{column}: {value}", {"column": column, "values": (value,)})
            self._cells.setCurrentIndex(max(self._cells.findText(wanted), 0))

    def reset(self) -> None:
        """Go back to the defaults."""
        self._cells.setCurrentIndex(0)
        self._window.clear()


def _numbers(text: str) -> tuple[int, ...] | None:
    """Return a stretch of frames, nothing for an empty text, None for what is neither."""
    if not text.strip():
        return ()
    first, _, last = text.replace("–", "-").partition("-")
    if first.strip().isdecimal() and last.strip().isdecimal() and int(first) <= int(last):
        return int(first), int(last)
    return None


def _groups(found: DatasetIndex | None) -> list[tuple[str, str]]:
    """Return columns and values of a table that some cells have and others have not."""
    cells = found.sources if found else ()
    pairs = dict.fromkeys(
        (column, value) for cell in cells for column, value in cell.columns.items() if value
    )
    return [
        (column, value)
        for column, value in pairs
        if 0 < sum(cell.columns.get(column) == value for cell in cells) < len(cells) > 1
    ]
