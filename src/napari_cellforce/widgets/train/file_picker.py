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
    QLineEdit,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_cellforce.errors import CellForceError
from napari_cellforce.io.cell_index import FILES, CellSource, find_cells, write_cell_table
from napari_cellforce.io.paths import stem
from napari_cellforce.text import pluralise
from napari_cellforce.widgets.base.form import Form, TextLine, Tone

_EXAMPLES = {
    "image": "{cell}/zyxin.tif",
    "mask": "{cell}/mask.tif",
    "traction": "{cell}/traction.ome.tif",
    "displacement": "",
}
_TIPS = {
    "image": "Name of the protein's image in the folder; {cell} stands for what differs from cell to cell",
    "mask": "Name of the outline's file: not 0 in the cell",
    "traction": "Name of the measured traction, a field as this program writes it",
    "displacement": "Name of the measured displacement, if there is one",
}
_LISTED = 4


class PatternDialog(QDialog):
    """Asks for a folder and the names of the files in it, and tells at once which cells that gives.

    Parameters
    ----------
    folder : str
        To begin with.
    parent : QWidget, optional
    """

    def __init__(self, folder: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Cells by a pattern of names")
        self.setMinimumWidth(460)
        self._folder = QLineEdit(folder)
        self.lines = {name: QLineEdit(_EXAMPLES[name]) for name in FILES}
        self.lines["displacement"].setPlaceholderText("none")
        self.message = TextLine()
        browse = QPushButton("Choose …")
        browse.clicked.connect(self._on_browse)
        self.buttons = QDialogButtonBox(QDialogButtonBox.Ok | QDialogButtonBox.Cancel)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        form = Form()
        form.add("Folder", self._folder, "Where the files are, or the folders with them", beside=browse)
        for name, line in self.lines.items():
            form.add("Outline" if name == "mask" else name.capitalize(), line, _TIPS[name])
        layout = QVBoxLayout(self)
        layout.addWidget(QLabel("Write {cell} where the cell's name stands."))
        layout.addLayout(form)
        layout.addWidget(self.message)
        layout.addWidget(self.buttons)
        for line in (self._folder, *self.lines.values()):
            line.textChanged.connect(self._refresh)
        self._refresh()

    @property
    def folder(self) -> str:
        """The folder that is chosen."""
        return str(self._folder.text().strip())

    @property
    def patterns(self) -> dict[str, str]:
        """What is called how."""
        typed = {name: line.text().strip() for name, line in self.lines.items()}
        return {name: text for name, text in typed.items() if text}

    def _found(self) -> list[CellSource]:
        if not self.folder:
            raise CellForceError("No folder is chosen", "", "Choose it above.")
        return find_cells(Path(self.folder).expanduser(), patterns=self.patterns)

    def _refresh(self) -> None:
        try:
            cells = self._found()
        except (CellForceError, OSError, ValueError) as error:
            self.message.set_text(str(error), Tone.PROBLEM if self.folder else Tone.PLAIN)
            cells = []
        else:
            self.message.set_text(_describe_cells(cells), Tone.GOOD)
        self.buttons.button(QDialogButtonBox.Ok).setEnabled(bool(cells))

    def _on_browse(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Choose the folder of measured cells", self.folder)
        if folder:
            self._folder.setText(folder)


def _describe_cells(cells: list[CellSource]) -> str:
    names = [cell.cell for cell in cells[:_LISTED]]
    more = [f"{len(cells) - _LISTED} more"] if len(cells) > _LISTED else []
    return f"{pluralise(len(cells), 'cell')}: {', '.join([*names, *more])}"


_KINDS = {"image": "Images …", "mask": "Outlines …", "traction": "Tractions …"}


class FilePickerDialog(QDialog):
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
        self._note = TextLine()
        self.buttons = QDialogButtonBox(QDialogButtonBox.Save | QDialogButtonBox.Cancel)
        self.buttons.accepted.connect(self._on_save)
        self.buttons.rejected.connect(self.reject)
        row = QHBoxLayout()
        for kind, labels in _KINDS.items():
            button = QPushButton(labels)
            button.clicked.connect(lambda _, kind=kind: self._on_pick(kind))
            row.addWidget(button)
        layout = QVBoxLayout(self)
        layout.addWidget(QLabel("Files of one cell have to stand in one row."))
        layout.addLayout(row)
        layout.addWidget(self._rows)
        layout.addWidget(self._note)
        layout.addWidget(self.buttons)
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
        self._note.set_text(problem, Tone.PROBLEM if problem and any(self._picked.values()) else Tone.PLAIN)
        self.buttons.button(QDialogButtonBox.Save).setEnabled(not problem)

    def _problem(self) -> str:
        numbers = {len(paths) for paths in self._picked.values()}
        if numbers == {0}:
            return "Pick the images of all cells, then their outlines and tractions."
        if len(numbers) > 1:
            labels = (kind.removesuffix(" …").lower() for kind in _KINDS.values())
            counts = [f"{len(p)} {kind}" for kind, p in zip(labels, self._picked.values(), strict=True)]
            return f"There are {', '.join(counts)}: every cell needs one of each."
        names = [stem(path) for path in self._picked["image"]]
        duplicates = [name for name in names if names.count(name) > 1]
        return f"Two images are called {duplicates[0]}: cells need names of their own." if duplicates else ""

    def _on_pick(self, kind: str) -> None:
        paths, _ = QFileDialog.getOpenFileNames(self, _KINDS[kind].removesuffix(" …"))
        if paths:
            self.pick(kind, paths)

    def _on_save(self) -> None:
        every = [str(path.parent) for paths in self._picked.values() for path in paths]
        proposed = str(Path(os.path.commonpath(every)) / "cells.csv")
        path, _ = QFileDialog.getSaveFileName(self, "Keep the list of cells", proposed, "Tables (*.csv)")
        if not path:
            return
        try:
            self.save(path)
        except CellForceError as error:
            self._note.set_text(str(error), Tone.PROBLEM)
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
