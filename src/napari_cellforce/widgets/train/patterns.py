"""A folder whose files follow a pattern of names: which is image, which mask, which traction."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QLabel,
    QLineEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_cellforce.errors import CellForceError, counted
from napari_cellforce.io.index import FILES, CellSource, cells_of
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
        self._lines = {name: QLineEdit(_EXAMPLES[name]) for name in FILES}
        self._lines["displacement"].setPlaceholderText("none")
        self._words = TextLine()
        browse = QPushButton("Choose …")
        browse.clicked.connect(self._on_browse)
        self._buttons = QDialogButtonBox(QDialogButtonBox.Ok | QDialogButtonBox.Cancel)
        self._buttons.accepted.connect(self.accept)
        self._buttons.rejected.connect(self.reject)
        form = Form()
        form.add("Folder", self._folder, "Where the files are, or the folders with them", beside=browse)
        for name, line in self._lines.items():
            form.add("Outline" if name == "mask" else name.capitalize(), line, _TIPS[name])
        layout = QVBoxLayout(self)
        layout.addWidget(QLabel("Write {cell} where the cell's name stands."))
        layout.addLayout(form)
        layout.addWidget(self._words)
        layout.addWidget(self._buttons)
        for line in (self._folder, *self._lines.values()):
            line.textChanged.connect(self._refresh)
        self._refresh()

    @property
    def folder(self) -> str:
        """The folder that is chosen."""
        return str(self._folder.text().strip())

    @property
    def patterns(self) -> dict[str, str]:
        """What is called how."""
        typed = {name: line.text().strip() for name, line in self._lines.items()}
        return {name: text for name, text in typed.items() if text}

    def _found(self) -> list[CellSource]:
        if not self.folder:
            raise CellForceError("No folder is chosen", "", "Choose it above.")
        return cells_of(Path(self.folder).expanduser(), patterns=self.patterns)

    def _refresh(self) -> None:
        try:
            cells = self._found()
        except (CellForceError, OSError, ValueError) as error:
            self._words.say(str(error), Tone.PROBLEM if self.folder else Tone.PLAIN)
            cells = []
        else:
            self._words.say(_told(cells), Tone.GOOD)
        self._buttons.button(QDialogButtonBox.Ok).setEnabled(bool(cells))

    def _on_browse(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Choose the folder of measured cells", self.folder)
        if folder:
            self._folder.setText(folder)


def _told(cells: list[CellSource]) -> str:
    names = [cell.cell for cell in cells[:_LISTED]]
    more = [f"{len(cells) - _LISTED} more"] if len(cells) > _LISTED else []
    return f"{counted(len(cells), 'cell')}: {', '.join([*names, *more])}"
