"""Files picked by hand: images, outlines and tractions, put together cell by cell."""

from __future__ import annotations

import os
from pathlib import Path

from qtpy.QtWidgets import (
    QDialog,
    QDialogButtonBox,
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

from napari_cellforce.errors import CellForceError
from napari_cellforce.io.index import CellSource, write_cell_table
from napari_cellforce.io.paths import stem
from napari_cellforce.widgets.base.form import TextLine, Tone

_KINDS = {"image": "Images …", "mask": "Outlines …", "traction": "Tractions …"}


class PickDialog(QDialog):
    """Pick the images, then as many outlines and tractions; the order of their names puts them together.

    What was picked is kept as a table of cells, so that it need not be picked again.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Pick the files of measured cells")
        self.setMinimumSize(560, 320)
        self._picked: dict[str, list[Path]] = {kind: [] for kind in _KINDS}
        self._table: Path | None = None
        self._rows = QTableWidget(0, len(_KINDS))
        self._rows.setHorizontalHeaderLabels(["image", "outline", "traction"])
        self._rows.setEditTriggers(QTableWidget.NoEditTriggers)
        self._rows.horizontalHeader().setSectionResizeMode(QHeaderView.Stretch)
        self._words = TextLine()
        self._buttons = QDialogButtonBox(QDialogButtonBox.Save | QDialogButtonBox.Cancel)
        self._buttons.accepted.connect(self._on_save)
        self._buttons.rejected.connect(self.reject)
        row = QHBoxLayout()
        for kind, words in _KINDS.items():
            button = QPushButton(words)
            button.clicked.connect(lambda _, kind=kind: self._on_pick(kind))
            row.addWidget(button)
        layout = QVBoxLayout(self)
        layout.addWidget(QLabel("Files of one cell have to stand in one row."))
        layout.addLayout(row)
        layout.addWidget(self._rows)
        layout.addWidget(self._words)
        layout.addWidget(self._buttons)
        self._refresh()

    @property
    def table(self) -> str:
        """The table that was written; empty for none."""
        return str(self._table or "")

    def pick(self, kind: str, paths: list[str]) -> None:
        """Take files of one kind in the place of those picked before."""
        self._picked[kind] = sorted((Path(path) for path in paths), key=lambda path: _natural(path.name))
        self._refresh()

    def save(self, path: str) -> None:
        """Write the table.

        Raises
        ------
        CellForceError
            If files do not lie in its folder, or it cannot be written.
        """
        self._table = write_cell_table(path, self._cells())

    def _cells(self) -> list[CellSource]:
        columns = zip(*self._picked.values(), strict=True)
        return [CellSource(stem(image), image, mask, traction) for image, mask, traction in columns]

    def _refresh(self) -> None:
        self._rows.setRowCount(max(len(paths) for paths in self._picked.values()))
        for column, paths in enumerate(self._picked.values()):
            for row in range(self._rows.rowCount()):
                item = QTableWidgetItem(paths[row].name if row < len(paths) else "")
                item.setToolTip(str(paths[row]) if row < len(paths) else "")
                self._rows.setItem(row, column, item)
        problem = self._problem()
        self._words.say(problem, Tone.PROBLEM if problem and any(self._picked.values()) else Tone.PLAIN)
        self._buttons.button(QDialogButtonBox.Save).setEnabled(not problem)

    def _problem(self) -> str:
        numbers = {len(paths) for paths in self._picked.values()}
        if numbers == {0}:
            return "Pick the images of all cells, then their outlines and tractions."
        if len(numbers) > 1:
            words = (kind.removesuffix(" …").lower() for kind in _KINDS.values())
            counts = [f"{len(p)} {kind}" for kind, p in zip(words, self._picked.values(), strict=True)]
            return f"There are {', '.join(counts)}: every cell needs one of each."
        names = [stem(path) for path in self._picked["image"]]
        twins = [name for name in names if names.count(name) > 1]
        return f"Two images are called {twins[0]}: cells need names of their own." if twins else ""

    def _on_pick(self, kind: str) -> None:
        paths, _ = QFileDialog.getOpenFileNames(self, _KINDS[kind].removesuffix(" …"))
        if paths:
            self.pick(kind, paths)

    def _on_save(self) -> None:
        every = [str(path.parent) for paths in self._picked.values() for path in paths]
        wanted = str(Path(os.path.commonpath(every)) / "cells.csv")
        path, _ = QFileDialog.getSaveFileName(self, "Keep the list of cells", wanted, "Tables (*.csv)")
        if not path:
            return
        try:
            self.save(path)
        except CellForceError as error:
            self._words.say(str(error), Tone.PROBLEM)
        else:
            self.accept()


def _natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Return a key that puts cell 2 before cell 10."""
    parts: list[str] = [""]
    for letter in name:
        if letter.isdigit() != parts[-1][-1:].isdigit():
            parts.append("")
        parts[-1] += letter
    return tuple((0, int(p), "") if p.isdecimal() else (1, 0, p.lower()) for p in parts if p)
