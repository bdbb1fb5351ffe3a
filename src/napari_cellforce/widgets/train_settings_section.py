"""What to start from, what may change, for how long: the settings of a training run."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_cellforce import zoo
from napari_cellforce.errors import CellForceError
from napari_cellforce.io.index import DatasetIndex
from napari_cellforce.widgets._form import Form, TextLine, folded, narrow

if TYPE_CHECKING:
    from napari_cellforce.train import TrainConfig

NETWORKS = {"adhesion-unet": "adhesion U-Net", "unet": "U-Net", "gfnn": "Green's-function network"}
"""Kinds that can be trained -> what they are called."""

SCALE = "scale"
"""What "may change" is called where only the factor to Pa is fitted."""

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
    SCALE: ("the scale in Pa only", "For one cell: the pattern stays as it is, and its strength is measured"),
}
_NAME = "my-model"
_PREFERRED = "unet-sim"
_PAGE = "tutorials/finetune/"


class TrainSettingsSection(QWidget):
    """A short form, and a folded one.

    Parameters
    ----------
    model_folder : str
        Where imported models are; empty for the user's data folder.

    Signals
    -------
    changed
    """

    changed = Signal()

    def __init__(self, model_folder: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._folder = model_folder or None
        self._loaded = False
        self._name, self._run_folder, self._proteins = QLineEdit(), QLineEdit(), QLineEdit()
        self._start, self._parts, self._validate = (narrow(QComboBox()) for _ in range(3))
        self._epochs, self._batch, self._patience, self._side, self._seed = (QSpinBox() for _ in range(5))
        self._rate = QDoubleSpinBox()
        self._numbers: dict[str, Any] = {
            "epochs": self._epochs,
            "batch": self._batch,
            "patience": self._patience,
            "side": self._side,
            "seed": self._seed,
            "learning rate": self._rate,
        }
        self._note = TextLine()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(self._build_main())
        layout.addWidget(self._note)
        layout.addWidget(self._build_advanced())
        self.fill()
        self.show_cells(None)
        self._connect()

    @property
    def start_from(self) -> str:
        """Name or file of the model to start from; empty for none."""
        kind, name = self._start.currentData()
        return name if kind == "model" else ""

    @property
    def only_scale(self) -> bool:
        """True if nothing but the scale is to be found."""
        return bool(self.start_from) and self._parts.currentData() == SCALE

    @property
    def run_folder(self) -> Path:
        """Folder for the run, a new one each time."""
        typed = self._run_folder.text().strip()
        if typed:
            return Path(typed).expanduser()
        runs = zoo.model_folder(self._folder).parent / "training runs"
        wanted, number = runs / self._called, 1
        while wanted.exists():
            number += 1
            wanted = runs / f"{self._called} {number}"
        return wanted

    def problem(self) -> CellForceError | None:
        """Return what is wrong with the settings, or None."""
        name = self._called
        if any(entry.name.casefold() == name.casefold() for entry in zoo.entries(folder=self._folder)):
            return CellForceError(
                f"There is a model called {name}",
                "yours needs a name of its own",
                "Type another name.",
                topic="name",
            )
        if not name.replace("-", "").replace("_", "").replace(".", "").replace("=", "").isalnum():
            return CellForceError(
                f"The name {name!r} cannot be a file's",
                "letters, digits, - and _ can",
                "Correct it.",
                topic="name",
            )
        start = self.start_from
        if start and not Path(start).is_file() and not zoo.is_available(start, self._folder):
            return CellForceError(
                f"{start} is not on this computer yet",
                "its weights are needed",
                "Download it in the panel Predict forces, or start from another model.",
                topic="model",
            )
        return None

    def config(self) -> TrainConfig:
        """Return the settings; what to learn from is not among them."""
        base = self._defaults()
        if not self.start_from:
            proteins = tuple(p.strip() for p in self._proteins.text().split(",") if p.strip()) or ("zyxin",)
            kind = self._start.currentData()[1]
            inputs = (*proteins, "mask") if kind == "adhesion-unet" else proteins
            base = dataclasses.replace(base, kind=kind, inputs=inputs)
        optimise = dataclasses.replace(
            base.optimise,
            epochs=self._epochs.value(),
            batch=self._batch.value(),
            learning_rate=self._rate.value(),
            patience=self._patience.value(),
            seed=self._seed.value(),
        )
        split = dataclasses.replace(base.split, seed=self._seed.value(), **self._validate.currentData())
        data = dataclasses.replace(base.data, side=self._side.value())
        return dataclasses.replace(base, name=self._called, optimise=optimise, split=split, data=data)

    def fill(self, choose: str = "") -> None:
        """List what can be started from; choose that of the given name, if there is one."""
        wanted = choose or (self._start.currentText() if self._start.count() else _PREFERRED)
        with QSignalBlocker(self._start):
            self._start.clear()
            for entry in zoo.entries(folder=self._folder):
                if entry.has_weights and entry.kind in NETWORKS:
                    self._start.addItem(entry.name, ("model", entry.name))
            for kind, words in NETWORKS.items():
                self._start.addItem(f"from scratch: {words}", ("scratch", kind))
            self._start.setCurrentIndex(max(self._start.findText(wanted), 0))
        self._on_start()

    def show_cells(self, found: DatasetIndex | None) -> None:
        """Offer the ways in which these cells can be split."""
        wanted = self._validate.currentText()
        with QSignalBlocker(self._validate):
            self._validate.clear()
            for words, share in (("1 cell in 5", 0.2), ("1 cell in 4", 0.25), ("1 cell in 3", 1 / 3)):
                self._validate.addItem(words, {"validation": share})
            for column, value in _groups(found):
                self._validate.addItem(f"{column}: {value}", {"column": column, "values": (value,)})
            self._validate.setCurrentIndex(max(self._validate.findText(wanted), 0))

    def recall(self, values: dict[str, Any]) -> None:
        """Set what `remember` returned."""
        self.fill(str(values.get("start", "")))
        self._parts.setCurrentIndex(max(self._parts.findData(values.get("part")), 0))
        self._name.setText(str(values.get("name", "")))

    def remember(self) -> dict[str, Any]:
        """Return what is kept between sessions."""
        part, numbers = self._parts.currentData(), {name: box.value() for name, box in self._numbers.items()}
        texts = {"start": self._start.currentText(), "part": part, "name": self._name.text()}
        return {**texts, "numbers": numbers}

    def recall_numbers(self, values: dict[str, Any]) -> None:
        """Set the numbers that `remember` returned, in the place of the defaults."""
        numbers = values.get("numbers")
        for name, box in self._numbers.items():
            if isinstance(numbers, dict) and isinstance(numbers.get(name), int | float):
                box.setValue(numbers[name])

    def show_defaults(self) -> None:
        """Set the numbers to those that fit what is started from; this loads PyTorch."""
        self._loaded = True
        base = self._defaults()
        with QSignalBlocker(self):
            self._epochs.setValue(base.optimise.epochs)
            self._batch.setValue(base.optimise.batch)
            self._rate.setValue(base.optimise.learning_rate)
            self._patience.setValue(base.optimise.patience)
            self._side.setValue(base.data.side)
            self._seed.setValue(base.optimise.seed)
        self.changed.emit()

    def reset(self) -> None:
        """Go back to the defaults."""
        self.recall({"start": _PREFERRED})
        for line in (self._run_folder, self._proteins):
            line.clear()
        self._validate.setCurrentIndex(0)
        self.show_defaults()

    @property
    def _called(self) -> str:
        """Name of the model; by default one that is free."""
        taken = {entry.name.casefold() for entry in zoo.entries(folder=self._folder)}
        free = (_NAME if number == 1 else f"{_NAME}-{number}" for number in itertools.count(1))
        return self._name.text().strip() or next(name for name in free if name not in taken)

    def _build_main(self) -> Form:
        self._name.setPlaceholderText(_NAME)
        self._epochs.setRange(1, 10_000)
        browse = QPushButton("Import …")
        browse.setToolTip("Start from a weights file")
        browse.clicked.connect(self._on_import)
        form = Form()
        form.add(
            "Start from",
            self._start,
            "Model that is adapted; its file is left alone",
            page=_PAGE,
            beside=browse,
        )
        for data, (text, tip) in _PARTS.items():
            self._parts.addItem(text, data)
            self._parts.setItemData(self._parts.count() - 1, tip, 3)
        form.add(
            "May change", self._parts, "The fewer cells, the less of it", page=_PAGE + "#what-may-change"
        )
        form.add(
            "Check with",
            self._validate,
            "Cells kept aside, to see what the model makes of new ones",
            page=_PAGE + "#cells-kept-aside",
        )
        form.add("Passes", self._epochs, "Passes over the data (epochs), at most", page=_PAGE + "#passes")
        form.add("Name", self._name, "What to call your model")
        return form

    def _build_advanced(self) -> QWidget:
        for box, low, high in ((self._batch, 1, 512), (self._patience, 0, 1000), (self._side, 32, 2048)):
            box.setRange(low, high)
        self._seed.setRange(0, 2**31 - 1)
        self._rate.setDecimals(6)
        self._rate.setRange(1e-6, 1)
        self._rate.setSingleStep(1e-4)
        self._patience.setSpecialValueText("never")
        self._patience.setSuffix(" passes")
        self._side.setSuffix(" px")
        self._proteins.setPlaceholderText("zyxin")
        self._run_folder.setPlaceholderText("beside your models")
        content = QWidget()
        form = Form(content)
        form.add("Learning rate", self._rate, "Size of the steps; a third of it if the curve jumps")
        form.add("Frames a step", self._batch, "Fewer need less memory")
        form.add("Give up after", self._patience, "Passes without progress on the cells kept aside")
        form.add("Largest side", self._side, "Of a frame on the model's pixels; what is larger is cut off")
        form.add("Proteins", self._proteins, "Of a model from scratch: channels it sees, separated by commas")
        form.add("Seed", self._seed, "Of chance: the same seed gives the same run")
        form.add(
            "Keep in", self._run_folder, "New folder for the run: settings, curves, states to go on from"
        )
        advanced = folded("Advanced")
        advanced.addWidget(content)
        return advanced

    def _connect(self) -> None:
        self._start.currentIndexChanged.connect(self._on_start)
        self._validate.currentIndexChanged.connect(lambda _: self.changed.emit())
        self._parts.currentIndexChanged.connect(self._on_part)
        self._start.currentIndexChanged.connect(self._on_other_start)
        self._parts.currentIndexChanged.connect(self._on_other_part)
        for line in (self._name, self._run_folder, self._proteins):
            line.editingFinished.connect(self.changed)
        for box in self._numbers.values():
            box.setKeyboardTracking(False)
            box.valueChanged.connect(lambda _: self.changed.emit())

    def _on_start(self, index: int = 0) -> None:
        del index
        self._proteins.setEnabled(not self.start_from)
        self._on_part()

    def _on_part(self, index: int = 0) -> None:
        """Let only that be set which counts, and say what it means."""
        del index
        self._parts.setEnabled(bool(self.start_from))
        for control in (self._validate, self._epochs, self._rate, self._batch, self._patience):
            control.setEnabled(not self.only_scale)
        tip = _PARTS[self._parts.currentData()][1]
        self._note.say(tip + "." if self.start_from else "From scratch it takes dozens of cells, and hours.")
        self.changed.emit()

    def _on_other_start(self, index: int) -> None:
        """Set the numbers that fit; before PyTorch is loaded, they are set when it is."""
        del index
        if self._loaded:
            self.show_defaults()

    def _on_other_part(self, index: int) -> None:
        """Set the size of the steps that fits, and leave what was typed in otherwise."""
        del index
        if self._loaded:
            self._rate.setValue(self._defaults().optimise.learning_rate)

    def _defaults(self) -> TrainConfig:
        """Return the settings that go with what is started from and what may change."""
        from napari_cellforce.train import TrainConfig, finetune_config

        part: Any = "all" if self.only_scale else self._parts.currentData()
        return finetune_config(self.start_from, part) if self.start_from else TrainConfig()

    def _on_import(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Start from a weights file")
        if path:
            with QSignalBlocker(self._start):
                self._start.insertItem(0, Path(path).name, ("model", path))
                self._start.setItemData(0, path, 3)
            self._start.setCurrentIndex(0)
            self._on_start()


def _groups(found: DatasetIndex | None) -> list[tuple[str, str]]:
    """Return columns and values of a table that some cells have and others have not."""
    cells = found.sources if found else ()
    pairs = dict.fromkeys(
        (column, value) for cell in cells for column, value in cell.columns.items() if value
    )
    return [
        (column, value)
        for column, value in pairs
        if 0 < sum(cell.columns.get(column) == value for cell in cells) < len(cells) > 1
    ]
