"""Where measured cells are: dropped folders and tables, patterns of names, files picked one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import (
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_cellforce.widgets.train.file_picker import FilePickerDialog, PatternDialog


class TrainSources(QWidget):
    """A place to drop data sets on, and other ways to name them.

    Signals
    -------
    changed
        Other data sets are chosen.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAcceptDrops(True)
        self._sources: list[str] = []
        self._patterns: dict[str, str] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._build_drop_area())
        layout.addLayout(self._build_buttons())
        self._show()

    @property
    def sources(self) -> tuple[str, ...]:
        """Folders and tables."""
        return tuple(self._sources)

    @property
    def patterns(self) -> Mapping[str, str]:
        """Names of the files in the folders; empty for the authors' layout."""
        return self._patterns

    def add(self, paths: Sequence[str]) -> None:
        """Add folders and tables."""
        self.choose([*self._sources, *(path for path in paths if path not in self._sources)], self._patterns)

    def choose(self, sources: Sequence[str], patterns: Mapping[str, str]) -> None:
        """Choose these and no others."""
        self._sources, self._patterns = list(sources), dict(patterns)
        self._show()
        self.changed.emit()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept folders and CSV tables."""
        if _dropped(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Take what was dropped."""
        paths = _dropped(event)
        if paths:
            self.add(paths)
            event.acceptProposedAction()

    def _build_drop_area(self) -> QLabel:
        self._drop_area = QLabel()
        self._drop_area.setWordWrap(True)
        self._drop_area.setAlignment(Qt.AlignCenter)
        self._drop_area.setMinimumHeight(56)
        self._drop_area.setStyleSheet("QLabel { border: 1px dashed gray; border-radius: 4px; padding: 4px; }")
        return self._drop_area

    def _build_buttons(self) -> QHBoxLayout:
        folder, more = QPushButton("Add folder …"), QPushButton("Other ways")
        folder.setToolTip("A folder with one folder a cell, as the authors' programs write them")
        more.setToolTip("Tables, other names of files, files picked one by one")
        menu = QMenu(more)
        for text, slot in (
            ("Table of cells …", self._on_table),
            ("Folder whose files follow a pattern …", self._on_pattern),
            ("Files, picked one by one …", self._on_pick),
        ):
            menu.addAction(text).triggered.connect(lambda _=False, slot=slot: slot())
        more.setMenu(menu)
        self._clear = QPushButton("Clear")
        self._clear.setToolTip("Forgets the data; the files stay")
        self._clear.clicked.connect(lambda: self.choose((), {}))
        folder.clicked.connect(self._on_folder)
        row = QHBoxLayout()
        for button in (folder, more, self._clear):
            row.addWidget(button)
        return row

    def _show(self) -> None:
        lines = [Path(source).name for source in self._sources]
        if lines and self._patterns:
            lines.append(f"files named like {self._patterns['image']}")
        self._drop_area.setText("\n".join(lines) or "Drop the folder of your measured cells here")
        self._drop_area.setToolTip("\n".join(self._sources))
        self._clear.setEnabled(bool(self._sources))

    def _on_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Choose the folder of measured cells")
        if folder:
            self.add([folder])

    def _on_table(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Choose a table of cells", "", "Tables (*.csv)")
        if path:
            self.add([path])

    def _on_pattern(self) -> None:
        folders = [source for source in self._sources if Path(source).is_dir()]
        dialog = PatternDialog(folders[0] if folders else "", self)
        if dialog.exec() == QDialog.Accepted:
            tables = [source for source in self._sources if not Path(source).is_dir()]
            self.choose([*tables, dialog.folder], dialog.patterns)

    def _on_pick(self) -> None:
        dialog = FilePickerDialog(self)
        if dialog.exec() == QDialog.Accepted:
            self.add([dialog.table])


def _dropped(event: QDropEvent) -> list[str]:
    """Return the folders and tables that are dropped."""
    paths = [Path(url.toLocalFile()) for url in event.mimeData().urls()]
    return [str(path) for path in paths if path.is_dir() or path.suffix.lower() == ".csv"]
