"""Which folder, which of its images, where their masks are, and where the results go."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QLineEdit,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_cellforce.batch import BatchConfig
from napari_cellforce.batch.config import EVERY_IMAGE
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.widgets.base.form import Form, collapsible, shrinkable_combo
from napari_cellforce.widgets.base.number_box import NumberBox

_PAGE = "tutorials/batch/"
_RESULTS = "cellforce-results"
"""Name of the output folder that is proposed, inside the input folder."""

_PLANES = {"as they are": None, "maximum over planes": "max"}


class BatchFolderSection(QWidget):
    """Everything of a batch but the model. A folder can also be dropped on it.

    Signals
    -------
    changed
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAcceptDrops(True)
        self._folder, self._out = (_line("") for _ in range(2))
        self._folder.setPlaceholderText("drop a folder here")
        self._pattern, self._masks = _line("*"), _line("find automatically")
        self._conditions, self._channels = _line("subfolders"), _line("by name")
        self._recursive = QCheckBox("with subfolders")
        self._planes = shrinkable_combo(QComboBox())
        for text, value in _PLANES.items():
            self._planes.addItem(text, value)
        self._pixel = NumberBox(0, 100, unit="µm", empty="from the files")
        self._workers = NumberBox(1, 256, value=1, whole=True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(self._build_main())
        layout.addWidget(self._build_advanced())
        self._connect()

    def config(self, base: BatchConfig) -> BatchConfig:
        """Return `base` with what is chosen here.

        Raises
        ------
        CellForceError
            If there is no folder yet.
        """
        if not self._folder.text().strip():
            raise CellForceError(
                "No folder is chosen yet",
                "your images are in it",
                "Drop it on this panel, or choose it with … above.",
                topic=Topic.FOLDER,
            )
        channels = tuple(part.strip() for part in self._channels.text().split(",") if part.strip())
        return dataclasses.replace(
            base,
            folder=self._folder.text().strip(),
            out=self._out.text().strip() or str(Path(self._folder.text().strip()) / _RESULTS),
            pattern=self._pattern.text().strip() or EVERY_IMAGE,
            recursive=self._recursive.isChecked(),
            mask_pattern=self._masks.text().strip(),
            conditions=self._conditions.text().strip(),
            workers=self._workers.value(),
            predict=dataclasses.replace(
                base.predict,
                channels=channels,
                run=dataclasses.replace(
                    base.run, pixel_size=self._pixel.number, z=self._planes.currentData()
                ),
            ),
        )

    def show_config(self, config: BatchConfig) -> None:
        """Set everything from a config."""
        with QSignalBlocker(self):
            self._folder.setText(config.folder)
            self._out.setText(config.out)
            self._pattern.setText("" if config.pattern == EVERY_IMAGE else config.pattern)
            self._recursive.setChecked(config.recursive)
            self._masks.setText(config.mask_pattern)
            self._conditions.setText(config.conditions)
            self._channels.setText(", ".join(str(channel) for channel in config.predict.channels))
            self._pixel.setValue(config.run.pixel_size or 0)
            self._planes.setCurrentIndex(max(self._planes.findData(config.run.z), 0))
            self._workers.setValue(config.workers)
        self.changed.emit()

    def set_folder(self, folder: str) -> None:
        """Choose a folder, and propose where its results go."""
        self._out.setText(str(Path(folder) / _RESULTS))
        self._folder.setText(folder)
        self.changed.emit()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept one folder."""
        if _dropped_folder(event):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Take the folder that was dropped."""
        folder = _dropped_folder(event)
        if folder:
            self.set_folder(folder)
            event.acceptProposedAction()

    def _build_main(self) -> Form:
        form = Form()
        form.add("Folder", self._folder, "Folder with your images", page=_PAGE, beside=self._browse(True))
        form.add(
            "Images", self._pattern, "Names of the images: *_zyxin.tif; empty for all", page=_PAGE + "#images"
        )
        form.addRow("", self._recursive)
        self._recursive.setToolTip("Subfolders are searched too; their names are the conditions")
        form.add(
            "Masks",
            self._masks,
            "Mask file of each image, * standing for its name: *_mask.tif or masks/*.tif. "
            "Empty to find the cells automatically",
            page=_PAGE + "#masks",
        )
        form.add("Results", self._out, "Folder for the results", beside=self._browse(False))
        return form

    def _build_advanced(self) -> QWidget:
        content = QWidget()
        form = Form(content)
        form.add("Pixel size", self._pixel, "For all images, if their files do not say or are wrong")
        form.add("Channels", self._channels, "Channel of each protein, by name or number from 0: GFP, 2")
        form.add("Z-stacks", self._planes, "What is done with images that have several planes")
        form.add("Conditions", self._conditions, "CSV with the columns file and condition")
        form.add("Processes", self._workers, "How many images are predicted at once")
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
        for line in (self._folder, self._out, self._pattern, self._masks, self._conditions, self._channels):
            line.editingFinished.connect(self.changed)
        self._recursive.toggled.connect(lambda _: self.changed.emit())
        self._planes.currentIndexChanged.connect(lambda _: self.changed.emit())
        for box in (self._pixel, self._workers):
            box.valueChanged.connect(lambda _: self.changed.emit())


def _line(hint: str) -> QLineEdit:
    line = QLineEdit()
    line.setPlaceholderText(hint)
    return line


def _dropped_folder(event: QDropEvent) -> str:
    """Return the one folder that is dropped, or an empty string."""
    urls = event.mimeData().urls()
    path = urls[0].toLocalFile() if len(urls) == 1 else ""
    return path if path and Path(path).is_dir() else ""
