"""All settings of a training run, as one frozen object that is written beside its results."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

from napari_cellforce.errors import CellForceError
from napari_cellforce.models.record import OutputKind
from napari_cellforce.train.augment import AugmentConfig
from napari_cellforce.train.losses import LossConfig

T = TypeVar("T")

Trainable = Literal["all", "head", "normalisation"]
MASK_INPUT = "mask"
"""Name of the input that is the cell's outline, not a protein."""


@dataclass(frozen=True)
class DataConfig:
    """What to learn from: measured cells, or simulated ones.

    Attributes
    ----------
    sources : tuple of str
        Folders in the authors' layout, and CSV tables (`napari_cellforce.io.index`).
    pixel_size : float or None
        In µm, for files that do not say.
    target : {"measured", "exact"}
        Of simulated cells: traction as a microscope would have measured it, or as it is.
    simulated, seed : int
        Number of cells to simulate where there are no sources, and their seed.
    fibre_share : float
        Of simulated cells: how many pull by stress fibres; the rest pull as contractile sheets.
    ranges : mapping of str to pair of float
        Of simulated cells: limits that replace those of `napari_cellforce.synthetic.fibroblasts`.
    side : int
        Largest side of a frame on the model's grid in pixels; larger cells are cut off, if measured, or
        left out, if simulated.
    threshold : float
        Shorter vectors are set to 0 in what is to be learnt; in the model's unit.
    """

    sources: tuple[str, ...] = ()
    pixel_size: float | None = None
    target: Literal["measured", "exact"] = "measured"
    simulated: int = 0
    seed: int = 0
    fibre_share: float = 0.25
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    side: int = 256
    threshold: float = 0.0


@dataclass(frozen=True)
class SplitConfig:
    """Which cells to validate with; see `napari_cellforce.io.index.split`.

    Attributes
    ----------
    validation : float
        Share of the cells.
    folds, fold : int
        Cross-validation: number of parts, and the one to validate with; 0 for none.
    column, values : str, tuple of str
        Validate with the cells that have these values in this column of a table.
    seed : int
    """

    validation: float = 0.2
    folds: int = 0
    fold: int = 0
    column: str = ""
    values: tuple[str, ...] = ()
    seed: int = 0


@dataclass(frozen=True)
class OptimiseConfig:
    """How to learn.

    Attributes
    ----------
    epochs : int
        Passes over the training cells, at most.
    batch : int
        Frames in a step.
    accumulate : int
        Steps whose gradients are added up before the weights change.
    learning_rate : float
        At its highest: it rises over `warm_up` of the steps and falls to nothing, as a cosine.
    warm_up : float
    weight_decay : float
    clip : float
        Largest norm of the gradient.
    average : float
        Decay of the running mean of the weights that is validated and kept; 0 for none.
    patience : int
        Stop after so many epochs without a better validation loss; 0 for never.
    precision : str
        ``"auto"``: 16-bit mixed on a GPU, else 32-bit; or one of Lightning's names.
    seed : int
    threads : int
        CPU threads; 0 for torch's choice.
    """

    epochs: int = 50
    batch: int = 8
    accumulate: int = 1
    learning_rate: float = 3e-3
    warm_up: float = 0.1
    weight_decay: float = 0.01
    clip: float = 1.0
    average: float = 0.0
    patience: int = 0
    precision: str = "auto"
    seed: int = 0
    threads: int = 0


@dataclass(frozen=True)
class TrainConfig:
    """A training run.

    Attributes
    ----------
    name : str
        Of the predictor.
    kind, architecture : str, mapping
        Key of `napari_cellforce.models.checkpoint.BUILDERS` and its settings; the numbers of channels
        follow from `inputs`.
    inputs : tuple of str
        Proteins, and ``"mask"`` for the cell's outline.
    pixel_size : float
        Of the model, in µm.
    mask_margin : float
        Images are set to 0 farther than this from the cell, in µm.
    output : {"vector", "magnitude_angle"}
    start_from : str
        Model in the zoo, or weights file, to fine-tune; its own settings replace those above.
    trainable : {"all", "head", "normalisation"}
        What of it may change.
    data, split, loss, augment, optimise
        See there.
    """

    name: str = "my-model"
    kind: str = "adhesion-unet"
    architecture: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[str, ...] = ("zyxin", MASK_INPUT)
    pixel_size: float = 0.68
    mask_margin: float = 8.5
    output: OutputKind = "vector"
    start_from: str = ""
    trainable: Trainable = "all"
    data: DataConfig = field(default_factory=DataConfig)
    split: SplitConfig = field(default_factory=SplitConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    optimise: OptimiseConfig = field(default_factory=OptimiseConfig)

    def __post_init__(self) -> None:
        _require(bool(self.inputs), "inputs is empty", "a network needs something to see")
        _require(
            self.trainable in get_args(Trainable),
            f"trainable is {self.trainable!r}",
            f"it is one of {', '.join(get_args(Trainable))}",
        )
        for name in ("epochs", "batch", "accumulate"):
            value = getattr(self.optimise, name)
            _require(value >= 1, f"{name} is {value}", "it must be at least 1")
        _require(0 <= self.optimise.average < 1, "average is not from 0 to 1", "0.99 is usual, 0 is none")

    @property
    def proteins(self) -> tuple[str, ...]:
        """The inputs without the mask."""
        return tuple(name for name in self.inputs if name != MASK_INPUT)

    def to_json(self) -> str:
        """Return all settings as JSON."""
        return json.dumps(dataclasses.asdict(self), indent=2, ensure_ascii=False)

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> TrainConfig:
        """Build a config from nested mappings.

        Raises
        ------
        CellForceError
            Naming the first key that is not known, or the value that makes no sense.
        """
        return _built(cls, values, "")


def read_config(path: str | os.PathLike[str]) -> TrainConfig:
    """Read a config from YAML or JSON.

    Raises
    ------
    CellForceError
        If there is no such file, or it is no config.
    """
    import yaml

    path = Path(path)
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _refusal(f"cannot read {path}", error.strerror or "no such file") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise _refusal(f"{path} is neither YAML nor JSON", " ".join(str(error).split())) from error
    if not isinstance(values, Mapping):
        raise _refusal(f"{path} holds no settings", "it has one entry a setting")
    return TrainConfig.from_mapping(values)


def recipe(name: str) -> Path:
    """Return the settings of a bundled predictor, such as ``"unet-sim"``."""
    return Path(__file__).parent / "recipes" / f"{name}.yaml"


def finetune_config(model: str, trainable: Trainable = "all") -> TrainConfig:
    """Return the settings for a handful of own cells: small steps, stopped before they are known by heart."""
    return TrainConfig(
        start_from=model,
        trainable=trainable,
        optimise=OptimiseConfig(
            epochs=40, batch=4, learning_rate=2e-4 if trainable == "all" else 5e-4, patience=8
        ),
    )


_PARTS: Mapping[str, type[Any]] = {
    "data": DataConfig,
    "split": SplitConfig,
    "loss": LossConfig,
    "augment": AugmentConfig,
    "optimise": OptimiseConfig,
}


def _built(kind: type[T], values: Mapping[str, Any], path: str) -> T:
    known = {entry.name: entry for entry in dataclasses.fields(kind)}  # type: ignore[arg-type]
    for key in values:
        if key not in known:
            raise _refusal(f"there is no setting {path}{key}", f"there are {', '.join(known)}")
    entries: dict[str, Any] = {}
    for key, value in values.items():
        if key in _PARTS and kind is TrainConfig:
            _require(isinstance(value, Mapping), f"{key} is {value!r}", "it is a group of settings")
            entries[key] = _built(_PARTS[key], value, f"{key}.")
        else:
            entries[key] = _checked(path + key, value, known[key])
    return kind(**entries)


def _checked(name: str, value: Any, entry: dataclasses.Field[Any]) -> Any:
    """Return a value of the kind that its default has."""
    default = entry.default if entry.default is not dataclasses.MISSING else None
    if isinstance(value, list):
        return tuple(value)
    if isinstance(default, bool):
        right = isinstance(value, bool)
    elif isinstance(default, int | float):
        right = isinstance(value, int | float) and not isinstance(value, bool)
        right = right and (isinstance(default, float) or float(value).is_integer())
    elif isinstance(default, str):
        right = isinstance(value, str)
    else:
        right = True
    _require(right, f"{name} is {value!r}", f"it must be like {default!r}")
    return value


def _require(condition: bool, found: str, rule: str) -> None:
    if not condition:
        raise _refusal(found, rule)


def _refusal(found: str, rule: str) -> CellForceError:
    return CellForceError(found, rule, "Correct the settings of the run.", topic="settings")
