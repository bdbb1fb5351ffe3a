"""What a training starts from, what of it may change, and what it will be called."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QComboBox, QFileDialog, QLineEdit, QPushButton, QVBoxLayout, QWidget

from napari_cellforce import zoo
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.models import registry
from napari_cellforce.widgets.base.form import Form, TextLine, align_labels, shrinkable_combo

SCALES = ("scale", "scale and offset")
"""What "may change" is called where only the way to Pa is fitted."""

PREFERRED = "unet-sim"
_PARTS = {
    "all": ("all layers", "Best from 4 cells on: the whole network adapts to your images"),
    "head": (
        "the last layer",
        "For 2 or 3 cells: keeps what the network sees, and changes what it concludes",
    ),
    "normalisation": (
        "normalisation only",
        "Scales and offsets of its batch norms, for networks that have some",
    ),
    "scale": (
        "the scale in Pa only",
        "For one cell: the pattern stays as it is, and its strength is measured",
    ),
    "scale and offset": (
        "the scale in Pa and an offset",
        "For one cell, if its faint forces are too strong or too weak beside the strong ones",
    ),
}
_NAME = "my-model"
_PAGE = "tutorials/finetune/"


class TrainStartSection(QWidget):
    """The model to start from, the part that may change, and a name.

    Parameters
    ----------
    model_folder : str or None
        Folder of imported models; None for the user's data folder.

    Signals
    -------
    changed
    other_model, other_part
        Other numbers fit, before `changed`.
    """

    changed = Signal()
    model_changed = Signal()
    part_changed = Signal()

    def __init__(self, model_folder: str | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._folder = model_folder
        self.name_line = QLineEdit()
        self.name_line.setPlaceholderText(_NAME)
        self.start_list, self.parts = (shrinkable_combo(QComboBox()) for _ in range(2))
        self._note = TextLine()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        model, name = self._build_model(), Form()
        name.add("Name", self.name_line, "What to call your model")
        align_labels(model, name)
        layout.addLayout(model)
        layout.addWidget(self._note)
        layout.addLayout(name)
        self.fill()
        self.start_list.currentIndexChanged.connect(self._on_start)
        self.parts.currentIndexChanged.connect(self._on_part)
        self.name_line.editingFinished.connect(self.changed)

    @property
    def model(self) -> str:
        """Name or file of the model to start from; empty for none."""
        kind, name = self.start_list.currentData()
        return name if kind == "model" else ""

    @property
    def kind(self) -> str:
        """Kind of a network from scratch; empty where a model is started from."""
        kind, name = self.start_list.currentData()
        return name if kind == "scratch" else ""

    @property
    def part(self) -> str:
        """What may change."""
        return str(self.parts.currentData()) if self.model else "all"

    @property
    def model_name(self) -> str:
        """Name of the model that comes out; by default one that is free."""
        taken = {entry.name.casefold() for entry in zoo.entries(folder=self._folder)}
        free = (_NAME if number == 1 else f"{_NAME}-{number}" for number in itertools.count(1))
        return self.name_line.text().strip() or next(name for name in free if name not in taken)

    def problem(self) -> CellForceError | None:
        """Return what is wrong with the choice, or None."""
        name, model = self.model_name, self.model
        if any(entry.name.casefold() == name.casefold() for entry in zoo.entries(folder=self._folder)):
            return CellForceError(
                f"There is a model called {name}",
                "yours needs a name of its own",
                "Type another name.",
                topic=Topic.NAME,
            )
        if not name.replace("-", "").replace("_", "").replace(".", "").replace("=", "").isalnum():
            return CellForceError(
                f"The name {name!r} cannot be a file's",
                "letters, digits, - and _ can",
                "Correct it.",
                topic=Topic.NAME,
            )
        if model and not Path(model).is_file() and not zoo.is_available(model, self._folder):
            return CellForceError(
                f"{model} is not on this computer yet",
                "its weights are needed",
                "Download it in the panel Predict forces, or start from another model.",
                topic=Topic.MODEL,
            )
        return None

    def fill(self, choose: str = "") -> None:
        """List what can be started from; choose that of the given name, if there is one."""
        previous = choose or (self.start_list.currentText() if self.start_list.count() else PREFERRED)
        with QSignalBlocker(self.start_list):
            self.start_list.clear()
            for entry in zoo.entries(folder=self._folder):
                kind = registry.find(entry.kind)
                if entry.has_weights and kind is not None and kind.trainable:
                    self.start_list.addItem(entry.name, ("model", entry.name))
            for network in registry.networks():
                self.start_list.addItem(f"from scratch: {network.title}", ("scratch", network.name))
                self.start_list.setItemData(self.start_list.count() - 1, network.purpose, 3)
            self.start_list.setCurrentIndex(max(self.start_list.findText(previous), 0))
        self._show_part()

    def recall(self, values: dict[str, Any]) -> None:
        """Restore the settings that `remember` returned."""
        self.fill(str(values.get("start", "")))
        self.parts.setCurrentIndex(max(self.parts.findData(values.get("part")), 0))
        self.name_line.setText(str(values.get("name", "")))

    def remember(self) -> dict[str, Any]:
        """Return the settings that are stored between sessions."""
        return {
            "start": self.start_list.currentText(),
            "part": self.parts.currentData(),
            "name": self.name_line.text(),
        }

    def _build_model(self) -> Form:
        browse = QPushButton("Import …")
        browse.setToolTip("Start from a weights file")
        browse.clicked.connect(self._on_import)
        form = Form()
        form.add(
            "Start from",
            self.start_list,
            "Model to fine-tune; the original file is not modified",
            page=_PAGE,
            beside=browse,
        )
        for data, (text, tip) in _PARTS.items():
            self.parts.addItem(text, data)
            self.parts.setItemData(self.parts.count() - 1, tip, 3)
        form.add("May change", self.parts, "The fewer cells, the less of it", page=_PAGE + "#what-may-change")
        return form

    def _show_part(self) -> None:
        """Let only that be set which counts, and say what it means."""
        self.parts.setEnabled(bool(self.model))
        tip = _PARTS[self.parts.currentData()][1]
        self._note.set_text(f"{tip}." if self.model else "From scratch it takes dozens of cells, and hours.")

    def _on_start(self, index: int) -> None:
        del index
        self._show_part()
        self.model_changed.emit()
        self.changed.emit()

    def _on_part(self, index: int) -> None:
        del index
        self._show_part()
        self.part_changed.emit()
        self.changed.emit()

    def _on_import(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Start from a weights file")
        if path:
            with QSignalBlocker(self.start_list):
                self.start_list.insertItem(0, Path(path).name, ("model", path))
                self.start_list.setItemData(0, path, 3)
            self.start_list.setCurrentIndex(0)
            self._on_start(0)
