"""What to start from, what may change, for how long: the settings of a training run."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from napari_cellforce import zoo
from napari_cellforce.errors import CellForceError
from napari_cellforce.io.index import DatasetIndex
from napari_cellforce.widgets.base.form import Form, align, folded
from napari_cellforce.widgets.base.number_box import NumberBox
from napari_cellforce.widgets.train.split_choice import TrainSplitChoice
from napari_cellforce.widgets.train.start import PREFERRED, SCALES, TrainStart

if TYPE_CHECKING:
    from napari_cellforce.train import TrainConfig
    from napari_cellforce.train.remote import Task

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
        self._start, self._split = TrainStart(self._folder), TrainSplitChoice()
        self._run_folder, self._proteins = QLineEdit(), QLineEdit()
        self._epochs, self._batch = NumberBox(1, 10_000, whole=True), NumberBox(1, 512, whole=True)
        self._patience = NumberBox(0, 1000, unit="passes", empty="never", whole=True)
        self._side = NumberBox(32, 2048, unit="px", whole=True)
        self._seed = NumberBox(0, 2**31 - 1, whole=True)
        self._rate = NumberBox(1e-6, 1)
        self._numbers: dict[str, Any] = {
            "epochs": self._epochs,
            "batch": self._batch,
            "patience": self._patience,
            "side": self._side,
            "seed": self._seed,
            "learning rate": self._rate,
        }
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._start)
        layout.addWidget(self._split)
        layout.addLayout(self._build_passes())
        layout.addWidget(self._build_advanced())
        self._show_what_counts()
        self._connect()

    @property
    def start_from(self) -> str:
        """Name or file of the model to start from; empty for none."""
        return self._start.model

    @property
    def only_scale(self) -> bool:
        """True if nothing but the way to Pa is to be found."""
        return self._start.part in SCALES

    @property
    def task(self) -> Task:
        """What the process is to do."""
        match self._start.part:
            case "scale":
                return "scale"
            case "scale and offset":
                return "scale and offset"
            case _:
                return "train"

    @property
    def run_folder(self) -> Path:
        """Folder for the run, a new one each time."""
        typed = self._run_folder.text().strip()
        if typed:
            return Path(typed).expanduser()
        runs = zoo.model_folder(self._folder).parent / "training runs"
        wanted, number = runs / self._start.called, 1
        while wanted.exists():
            number += 1
            wanted = runs / f"{self._start.called} {number}"
        return wanted

    def problem(self) -> CellForceError | None:
        """Return what is wrong with the settings, or None."""
        return self._start.problem() or (None if self.only_scale else self._split.problem())

    def config(self) -> TrainConfig:
        """Return the settings; what to learn from is not among them."""
        base = self._defaults()
        if self._start.kind:
            proteins = tuple(p.strip() for p in self._proteins.text().split(",") if p.strip()) or ("zyxin",)
            kind = self._start.kind
            base = dataclasses.replace(
                base, kind=kind, inputs=(*proteins, "mask") if kind == "adhesion-unet" else proteins
            )
        optimise = dataclasses.replace(
            base.optimise,
            epochs=self._epochs.value(),
            batch=self._batch.value(),
            learning_rate=self._rate.value(),
            patience=self._patience.value(),
            seed=self._seed.value(),
        )
        split = dataclasses.replace(base.split, seed=self._seed.value(), **self._split.settings())
        data = dataclasses.replace(base.data, side=self._side.value())
        return dataclasses.replace(base, name=self._start.called, optimise=optimise, split=split, data=data)

    def fill(self) -> None:
        """List anew what can be started from."""
        self._start.fill()

    def show_cells(self, found: DatasetIndex | None) -> None:
        """Offer the ways in which these cells can be split."""
        self._split.show_cells(found)

    def recall(self, values: dict[str, Any]) -> None:
        """Set what `remember` returned, but for the numbers."""
        self._start.recall(values)

    def remember(self) -> dict[str, Any]:
        """Return what is kept between sessions."""
        return {
            **self._start.remember(),
            "numbers": {name: box.value() for name, box in self._numbers.items()},
        }

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
        self.recall({"start": PREFERRED})
        for line in (self._run_folder, self._proteins):
            line.clear()
        self._split.reset()
        self.show_defaults()

    def _build_passes(self) -> Form:
        form = Form()
        form.add("Passes", self._epochs, "Passes over the data (epochs), at most", page=_PAGE + "#passes")
        align(form)
        return form

    def _build_advanced(self) -> QWidget:
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
        self._start.other_model.connect(self._on_other_model)
        self._start.other_part.connect(self._on_other_part)
        self._start.changed.connect(self._on_start)
        self._split.changed.connect(self.changed)
        for line in (self._run_folder, self._proteins):
            line.editingFinished.connect(self.changed)
        for box in self._numbers.values():
            box.valueChanged.connect(lambda _: self.changed.emit())

    def _on_start(self) -> None:
        self._show_what_counts()
        self.changed.emit()

    def _show_what_counts(self) -> None:
        """Let only that be set which counts."""
        self._proteins.setEnabled(bool(self._start.kind))
        for control in (self._split, self._epochs, self._rate, self._batch, self._patience):
            control.setEnabled(not self.only_scale)

    def _on_other_model(self) -> None:
        """Set the numbers that fit; before PyTorch is loaded, they are set when it is."""
        if self._loaded:
            self.show_defaults()

    def _on_other_part(self) -> None:
        """Set the size of the steps that fits, and leave what was typed in otherwise."""
        if self._loaded:
            self._rate.setValue(self._defaults().optimise.learning_rate)

    def _defaults(self) -> TrainConfig:
        """Return the settings that go with what is started from and what may change."""
        from napari_cellforce.train import TrainConfig, finetune_config

        part: Any = "all" if self.only_scale else self._start.part
        return finetune_config(self.start_from, part) if self.start_from else TrainConfig()
