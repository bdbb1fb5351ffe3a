"""What can be done with a model besides using it."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QGridLayout, QPushButton, QWidget

from napari_cellforce import zoo


class ModelActions(QWidget):
    """Five buttons.

    Signals
    -------
    import_asked, check_asked, remove_asked, page_asked, folder_asked
    """

    import_asked = Signal()
    check_asked = Signal()
    remove_asked = Signal()
    page_asked = Signal()
    folder_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._import = QPushButton("Import a checkpoint …")
        self._check, self._remove = QPushButton("Check"), QPushButton("Remove …")
        page, folder = QPushButton("Docs page"), QPushButton("Show folder")
        places = {
            self._import: (
                0,
                0,
                2,
                self.import_asked,
                f"Adds weights that you have. {zoo.WEIGHTS_ELSEWHERE}",
            ),
            self._remove: (0, 2, 1, self.remove_asked, "Deletes a downloaded or imported model; asks first"),
            self._check: (1, 0, 1, self.check_asked, "Reads the file whole and compares its hash"),
            page: (1, 1, 1, self.page_asked, "Opens the documentation on this model"),
            folder: (1, 2, 1, self.folder_asked, "Opens the folder in which its file lies"),
        }
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        for button, (row, column, columns, signal, tip) in places.items():
            button.setToolTip(tip)
            button.setAccessibleDescription(tip)
            button.clicked.connect(lambda _=False, signal=signal: signal.emit())
            grid.addWidget(button, row, column, 1, columns)

    def update_buttons(self, *, busy: bool, check: bool, remove: bool) -> None:
        """Say what can be pressed now."""
        self._import.setEnabled(not busy)
        self._check.setEnabled(check and not busy)
        self._remove.setEnabled(remove and not busy)
