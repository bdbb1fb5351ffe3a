"""What a run has made: its card, and what can be done with it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path

from napari.utils.notifications import show_info
from qtpy.QtCore import Qt, QUrl, Signal
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QFileDialog, QGridLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_cellforce import files, zoo
from napari_cellforce.widgets.base.worker import Job, show_error

_METRIC_LABELS = {
    "vector R2": "vector R²",
    "vector R2 scaled": "vector R², one scale a frame",
    "r of |F|": "correlation of |F|",
    "angle error [deg]": "angle error [°]",
}


class TrainResultSection(QWidget):
    """The card of a model that was trained, "Use it now" and "Export".

    Parameters
    ----------
    model_folder : str
        Folder of imported models; empty for the user's data folder.

    Signals
    -------
    used : str
        The model of that name is now in the list of models.
    """

    used = Signal(str)

    def __init__(self, model_folder: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model_folder = model_folder or None
        self._model: Path | None = None
        self._job = Job(self)
        self._job.yielded.connect(self._on_imported)
        self._job.failed.connect(show_error)
        self.card = QLabel()
        self.card.setWordWrap(True)
        self.card.setTextFormat(Qt.RichText)
        self.card.setTextInteractionFlags(Qt.TextBrowserInteraction)
        self._use, export, folder = (QPushButton(t) for t in ("Use it now", "Export …", "Open its folder"))
        self._use.setToolTip("Puts the model into your list of models, and opens Predict forces with it")
        export.setToolTip("Copies the model's file, for a colleague or another computer")
        folder.setToolTip("Settings, curves and states of the run")
        self._use.clicked.connect(self._on_use)
        export.clicked.connect(self._on_export)
        folder.clicked.connect(self._on_folder)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.card)
        grid = QGridLayout()
        for i, button in enumerate((self._use, export, folder)):
            grid.addWidget(button, 0, i)
        layout.addLayout(grid)
        self.hide()

    @property
    def model(self) -> Path | None:
        """File of the model that is shown."""
        return self._model

    def dispose(self) -> None:
        """Cancel background jobs."""
        self._job.cancel()

    def clear(self) -> None:
        """Show no model."""
        self._model = None
        self.hide()

    def show_model(self, model: Path, notes: Mapping[str, float], sentences: str) -> None:
        """Show the card of a model.

        Parameters
        ----------
        model : Path
        notes : mapping
            What was measured on the validation cells; those that people read are shown.
        sentences : str
            What it learnt from, and its unit.
        """
        self._model = model
        rows = [(label, notes[name]) for name, label in _METRIC_LABELS.items() if name in notes]
        table = "".join(f"<tr><td>{label}&nbsp;&nbsp;</td><td>{value:.3g}</td></tr>" for label, value in rows)
        heading = "<br><i>On the validation cells:</i>" if rows else ""
        self.card.setText(
            f"<b>{escape(model.stem)}</b><br>{escape(sentences)}{heading}<table>{table}</table>"
        )
        self._use.setEnabled(True)
        self.show()

    def _on_use(self) -> None:
        model, folder = self._model, self._model_folder
        if model is not None:
            self._use.setEnabled(False)

            def take() -> Iterator[str]:
                yield zoo.import_checkpoint(model, folder=folder).name

            self._job.start(take)

    def _on_imported(self, name: str) -> None:
        show_info(f"{name} is in the list of models.")
        self.used.emit(name)

    def _on_export(self) -> None:
        if self._model is None:
            return
        path, _ = QFileDialog.getSaveFileName(
            self, "Export the model", self._model.name, "Models (*.safetensors)"
        )
        if path:
            try:
                with files.atomic_path(path) as temporary:
                    shutil.copyfile(self._model, temporary)
            except (ValueError, OSError) as error:
                show_error(error)
            else:
                show_info(f"Exported to {path}")

    def _on_folder(self) -> None:
        if self._model is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._model.parent)))
