"""What to start from, what may change, for how long: the settings of a training run."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QComboBox, QLineEdit, QVBoxLayout, QWidget

from napari_cellforce import zoo
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.io.cell_index import DatasetIndex
from napari_cellforce.models import registry
from napari_cellforce.widgets.base.form import Form, align_labels, collapsible, shrinkable_combo
from napari_cellforce.widgets.base.number_box import NumberBox
from napari_cellforce.widgets.train.start_section import PREFERRED, SCALES, TrainStartSection

if TYPE_CHECKING:
    from napari_cellforce.train import TrainConfig
    from napari_cellforce.train.subprocess_run import Task


_SHARES = (("1 cell in 5", 0.2), ("1 cell in 4", 0.25), ("1 cell in 3", 1 / 3))
_MAX_FOLDS = 5
"""Most parts that the cells are divided into, to check with each in turn."""
_SPLIT_PAGE = "tutorials/finetune/#validation-cells"


class TrainSplitChoice(QWidget):
    """Cells to check with, and which of their frames.

    Signals
    -------
    changed
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.cells_list, self.frames_line = shrinkable_combo(QComboBox()), QLineEdit()
        self.frames_line.setPlaceholderText("all")
        form = Form(self)
        form.add(
            "Check with",
            self.cells_list,
            "Cells excluded from training, on which the model is validated",
            page=_SPLIT_PAGE,
        )
        form.add(
            "Their frames",
            self.frames_line,
            "First and last frame, like 30-60 (from 0): then the other cells are learnt from outside of it. "
            "For a drug that is washed in and out.",
            page=_SPLIT_PAGE,
        )
        align_labels(form)
        self.show_cells(None)
        self.cells_list.currentIndexChanged.connect(lambda _: self.changed.emit())
        self.frames_line.editingFinished.connect(self.changed)

    def settings(self) -> dict[str, Any]:
        """Return the choice as `napari_cellforce.train.SplitConfig` calls it."""
        return {**self.cells_list.currentData(), "window": _numbers(self.frames_line.text()) or ()}

    def problem(self) -> CellForceError | None:
        """Return what is wrong with it, or None."""
        if _numbers(self.frames_line.text()) is None:
            return CellForceError(
                f"The frames to check with are {self.frames_line.text()!r}",
                "two numbers are needed, the smaller one first",
                "Write for example 30-60, or nothing for all frames.",
                topic=Topic.SPLIT,
            )
        return None

    def show_cells(self, dataset: DatasetIndex | None) -> None:
        """Offer the ways in which these cells can be split."""
        previous = self.cells_list.currentText()
        with QSignalBlocker(self.cells_list):
            self.cells_list.clear()
            for text, share in _SHARES:
                self.cells_list.addItem(text, {"validation": share})
            parts = min(len(dataset.cells), _MAX_FOLDS) if dataset else 0
            for part in range(parts if parts > 2 else 0):
                self.cells_list.addItem(f"part {part + 1} of {parts}", {"folds": parts, "fold": part})
            for column, value in _groups(dataset):
                self.cells_list.addItem(f"{column}: {value}", {"column": column, "values": (value,)})
            self.cells_list.setCurrentIndex(max(self.cells_list.findText(previous), 0))

    def reset(self) -> None:
        """Restore the defaults."""
        self.cells_list.setCurrentIndex(0)
        self.frames_line.clear()


def _numbers(text: str) -> tuple[int, ...] | None:
    """Return a stretch of frames, nothing for an empty text, None for what is neither."""
    if not text.strip():
        return ()
    first, _, last = text.replace("–", "-").partition("-")
    if first.strip().isdecimal() and last.strip().isdecimal() and int(first) <= int(last):
        return int(first), int(last)
    return None


def _groups(dataset: DatasetIndex | None) -> list[tuple[str, str]]:
    """Return columns and values of a table that some cells have and others have not."""
    cells = dataset.sources if dataset else ()
    pairs = dict.fromkeys(
        (column, value) for cell in cells for column, value in cell.columns.items() if value
    )
    return [
        (column, value)
        for column, value in pairs
        if 0 < sum(cell.columns.get(column) == value for cell in cells) < len(cells) > 1
    ]


_PAGE = "tutorials/finetune/"


class TrainSettingsSection(QWidget):
    """A short form, and a folded one.

    Parameters
    ----------
    model_folder : str
        Folder of imported models; empty for the user's data folder.

    Signals
    -------
    changed
    """

    changed = Signal()

    def __init__(self, model_folder: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._folder = model_folder or None
        self._loaded = False
        self.start, self.split = TrainStartSection(self._folder), TrainSplitChoice()
        self._run_folder, self._proteins = QLineEdit(), QLineEdit()
        self.epochs, self._batch = NumberBox(1, 10_000, whole=True), NumberBox(1, 512, whole=True)
        self._patience = NumberBox(0, 1000, unit="passes", empty="never", whole=True)
        self._side = NumberBox(32, 2048, unit="px", whole=True)
        self._seed = NumberBox(0, 2**31 - 1, whole=True)
        self._rate = NumberBox(1e-6, 1)
        self._numbers: dict[str, Any] = {
            "epochs": self.epochs,
            "batch": self._batch,
            "patience": self._patience,
            "side": self._side,
            "seed": self._seed,
            "learning rate": self._rate,
        }
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.start)
        layout.addWidget(self.split)
        layout.addLayout(self._build_passes())
        layout.addWidget(self._build_advanced())
        self._update_enabled()
        self._connect()

    @property
    def start_from(self) -> str:
        """Name or file of the model to start from; empty for none."""
        return self.start.model

    @property
    def only_scale(self) -> bool:
        """True if nothing but the way to Pa is to be found."""
        return self.start.part in SCALES

    @property
    def task(self) -> Task:
        """What the process is to do."""
        match self.start.part:
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
        folder, number = runs / self.start.model_name, 1
        while folder.exists():
            number += 1
            folder = runs / f"{self.start.model_name} {number}"
        return folder

    def problem(self) -> CellForceError | None:
        """Return the reason why the settings cannot be used, or None."""
        return self.start.problem() or (None if self.only_scale else self.split.problem())

    def config(self) -> TrainConfig:
        """Return the settings; what to learn from is not among them."""
        base = self._default_config()
        if self.start.kind:
            proteins = tuple(p.strip() for p in self._proteins.text().split(",") if p.strip()) or ("zyxin",)
            kind = registry.get_network(self.start.kind)
            base = dataclasses.replace(base, kind=kind.name, inputs=kind.default_inputs(proteins))
        optimise = dataclasses.replace(
            base.optimise,
            epochs=self.epochs.value(),
            batch=self._batch.value(),
            learning_rate=self._rate.value(),
            patience=self._patience.value(),
            seed=self._seed.value(),
        )
        split = dataclasses.replace(base.split, seed=self._seed.value(), **self.split.settings())
        data = dataclasses.replace(base.data, side=self._side.value())
        return dataclasses.replace(
            base, name=self.start.model_name, optimise=optimise, split=split, data=data
        )

    def fill(self) -> None:
        """List anew what can be started from."""
        self.start.fill()

    def show_cells(self, dataset: DatasetIndex | None) -> None:
        """Offer the ways in which these cells can be split."""
        self.split.show_cells(dataset)

    def recall(self, values: dict[str, Any]) -> None:
        """Set what `remember` returned, but for the numbers."""
        self.start.recall(values)

    def remember(self) -> dict[str, Any]:
        """Return the settings that are stored between sessions."""
        return {
            **self.start.remember(),
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
        base = self._default_config()
        with QSignalBlocker(self):
            self.epochs.setValue(base.optimise.epochs)
            self._batch.setValue(base.optimise.batch)
            self._rate.setValue(base.optimise.learning_rate)
            self._patience.setValue(base.optimise.patience)
            self._side.setValue(base.data.side)
            self._seed.setValue(base.optimise.seed)
        self.changed.emit()

    def reset(self) -> None:
        """Restore the defaults."""
        self.recall({"start": PREFERRED})
        for line in (self._run_folder, self._proteins):
            line.clear()
        self.split.reset()
        self.show_defaults()

    def _build_passes(self) -> Form:
        form = Form()
        form.add("Passes", self.epochs, "Passes over the data (epochs), at most", page=_PAGE + "#passes")
        align_labels(form)
        return form

    def _build_advanced(self) -> QWidget:
        self._proteins.setPlaceholderText("zyxin")
        self._run_folder.setPlaceholderText("beside your models")
        content = QWidget()
        form = Form(content)
        form.add("Learning rate", self._rate, "Size of the steps; a third of it if the curve jumps")
        form.add("Frames a step", self._batch, "Fewer need less memory")
        form.add("Give up after", self._patience, "Passes without progress on the validation cells")
        form.add("Largest side", self._side, "Of a frame on the model's pixels; what is larger is cut off")
        form.add("Proteins", self._proteins, "Of a model from scratch: channels it sees, separated by commas")
        form.add("Seed", self._seed, "Of chance: the same seed gives the same run")
        form.add(
            "Keep in", self._run_folder, "New folder for the run: settings, curves, states to go on from"
        )
        advanced = collapsible("Advanced")
        advanced.addWidget(content)
        return advanced

    def _connect(self) -> None:
        self.start.model_changed.connect(self._on_model_changed)
        self.start.part_changed.connect(self._on_part_changed)
        self.start.changed.connect(self._on_start)
        self.split.changed.connect(self.changed)
        for line in (self._run_folder, self._proteins):
            line.editingFinished.connect(self.changed)
        for box in self._numbers.values():
            box.valueChanged.connect(lambda _: self.changed.emit())

    def _on_start(self) -> None:
        self._update_enabled()
        self.changed.emit()

    def _update_enabled(self) -> None:
        """Let only that be set which counts."""
        self._proteins.setEnabled(bool(self.start.kind))
        for control in (self.split, self.epochs, self._rate, self._batch, self._patience):
            control.setEnabled(not self.only_scale)

    def _on_model_changed(self) -> None:
        """Set the numbers that fit; before PyTorch is loaded, they are set when it is."""
        if self._loaded:
            self.show_defaults()

    def _on_part_changed(self) -> None:
        """Set the size of the steps that fits, and leave what was typed in otherwise."""
        if self._loaded:
            self._rate.setValue(self._default_config().optimise.learning_rate)

    def _default_config(self) -> TrainConfig:
        """Return the settings that go with what is started from and what may change."""
        from napari_cellforce.train import TrainConfig, finetune_config

        part: Any = "all" if self.only_scale else self.start.part
        return finetune_config(self.start_from, part) if self.start_from else TrainConfig()
