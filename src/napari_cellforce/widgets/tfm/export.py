"""A measured traction handed on to the panel "Train a predictor"."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from napari.components import ViewerModel
from napari.layers import Labels, Shapes
from napari.utils.notifications import show_info
from qtpy.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QPushButton, QWidget

from napari_cellforce.tfm import TfmResult, write_training_cell
from napari_cellforce.widgets.base.form import narrow
from napari_cellforce.widgets.base.worker import Job, tell
from napari_cellforce.widgets.tfm.source import mask_on
from napari_cellforce.widgets.view.sources import images, stack_of


class TfmExport(QWidget):
    """The choice of the protein that was imaged with the beads, and a button that writes both."""

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._result: TfmResult | None = None
        self._cell: Labels | Shapes | None = None
        self._protein = narrow(QComboBox())
        self._protein.setAccessibleName("Protein")
        self._protein.setToolTip("The image a predictor is to learn from")
        write = QPushButton("Write as training data …")
        write.setToolTip("Protein image, cell, traction and displacement, for the panel Train a predictor")
        write.clicked.connect(self._on_write)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._protein, 1)
        row.addWidget(write)
        self._job = Job(self)
        self._job.failed.connect(tell)
        self._job.yielded.connect(_tell_written)

    @property
    def writing(self) -> bool:
        """True while files are being written."""
        return self._job.running

    def refresh(self, result: TfmResult | None, cell: Labels | Shapes | None) -> None:
        """Offer this traction, and the images of the viewer, the lowest first: beads lie on top."""
        self._result, self._cell = result, cell
        chosen, layers = self._protein.currentData(), images(self._viewer)[::-1]
        self._protein.clear()
        for layer in layers:
            self._protein.addItem(layer.name, layer)
        self._protein.setCurrentIndex(layers.index(chosen) if chosen in layers else 0)
        self.setVisible(result is not None and bool(layers))

    def write(self, folder: Path) -> None:
        """Write the chosen protein, the cell, traction and displacement into a new folder in `folder`."""
        layer, result, cell = self._protein.currentData(), self._result, self._cell
        if layer is None or result is None:
            return

        def work() -> Iterator[Path]:
            proteins = stack_of([layer])
            known = result.traction.mask
            if cell is not None:
                known = mask_on(cell, proteins).data
            masks = np.zeros((1, *proteins.shape), bool) if known is None else np.asarray(known)
            yield write_training_cell(folder, proteins, result, masks)

        self._job.start(work)

    def _on_write(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder for the training data")
        if folder:
            self.write(Path(folder))


def _tell_written(root: Path) -> None:
    show_info(f"Written to {root}. Drop that folder into the panel Train a predictor.")
