"""Choice of the input folder, its images and masks, and the output folder."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import (
    QFileDialog,
    QLineEdit,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_cellforce.batch import BatchConfig
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.widgets.base.form import Form, collapsible
from napari_cellforce.widgets.base.setting_rows import SettingRows

_PAGE = "tutorials/batch/"
_RESULTS = "cellforce-results"
"""Name of the proposed output folder, inside the input folder."""

_ADVANCED: dict[str, dict[Any, str]] = {
    "predict.run.pixel_size": {},
    "predict.channels": {},
    "predict.run.z": {None: "as they are", "max": "maximum over planes"},
    "conditions": {},
    "workers": {},
}
"""Settings of the folded rows, and the names of their choices."""


class BatchFolderSection(QWidget):
    """Rows for the settings of a batch except the models. A folder can be dropped on it.

    Signals
    -------
    changed
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAcceptDrops(True)
        self._folder, self._out = (_line("") for _ in range(2))
        self._results_of = ""
        self._folder.setPlaceholderText("drop a folder here")
        self._out.setPlaceholderText(f"{_RESULTS}, inside the folder")
        self._rows = SettingRows(BatchConfig, self)
        self._rows.changed.connect(self.changed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(self._build_main())
        layout.addWidget(self._build_advanced())
        self._connect()

    def config(self, base: BatchConfig) -> BatchConfig:
        """Return `base` with the settings of this section.

        Raises
        ------
        CellForceError
            If no folder is chosen.
        """
        if not self._folder.text().strip():
            raise CellForceError(
                "No folder is chosen yet",
                "it must contain your images",
                "Drop it on this panel, or choose it with … above.",
                topic=Topic.FOLDER,
            )
        folder = self._folder.text().strip()
        out = self._out.text().strip() or str(Path(folder) / _RESULTS)
        return self._rows.applied_to(dataclasses.replace(base, folder=folder, out=out))

    def show_config(self, config: BatchConfig) -> None:
        """Show the settings of a configuration."""
        with QSignalBlocker(self):
            self._folder.setText(config.folder)
            own = config.out and Path(config.out) != Path(config.folder) / _RESULTS
            self._out.setText(config.out if own else "")
            self._results_of = config.folder
            self._rows.show(config)
        self.changed.emit()

    def set_folder(self, folder: str) -> None:
        """Choose a folder; its results go into a folder inside it until another one is chosen."""
        self._folder.setText(folder)
        self._on_folder()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept one folder."""
        if _dropped_folder(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Choose the dropped folder."""
        folder = _dropped_folder(event)
        if folder:
            self.set_folder(folder)
            event.acceptProposedAction()

    def _build_main(self) -> Form:
        form = Form()
        form.add("Folder", self._folder, "Folder with your images", page=_PAGE, beside=self._browse(True))
        self._rows.add(form, "pattern", page=_PAGE + "#images")
        self._rows.add(form, "recursive")
        self._rows.add(form, "mask_pattern", page=_PAGE + "#masks")
        form.add(
            "Results",
            self._out,
            "Folder for the results; empty: inside the folder of the images",
            beside=self._browse(False),
        )
        return form

    def _build_advanced(self) -> QWidget:
        content = QWidget()
        form = Form(content)
        for path, words in _ADVANCED.items():
            self._rows.add(form, path, words=words)
        section = collapsible("More about the images")
        section.addWidget(content)
        return section

    def _browse(self, of_inputs: bool) -> QToolButton:
        button = QToolButton()
        button.setText("…")
        button.setAccessibleName("Choose the folder" if of_inputs else "Choose the results folder")

        def choose() -> None:
            line = self._folder if of_inputs else self._out
            folder = QFileDialog.getExistingDirectory(self, "Choose a folder", line.text())
            if folder and of_inputs:
                self.set_folder(folder)
            elif folder:
                line.setText(folder)
                self.changed.emit()

        button.clicked.connect(choose)
        return button

    def _connect(self) -> None:
        self._folder.editingFinished.connect(self._on_folder)
        self._out.editingFinished.connect(self.changed)

    def _on_folder(self) -> None:
        """Forget the results folder of another input folder: results of two experiments are not mixed."""
        folder = self._folder.text().strip()
        if folder != self._results_of:
            self._results_of = folder
            self._out.clear()
        self.changed.emit()


def _line(hint: str) -> QLineEdit:
    line = QLineEdit()
    line.setPlaceholderText(hint)
    return line


def _dropped_folder(event: QDropEvent) -> str:
    """Return the dropped folder, or an empty string."""
    urls = event.mimeData().urls()
    path = urls[0].toLocalFile() if len(urls) == 1 else ""
    return path if path and Path(path).is_dir() else ""
