"""All settings of a training run, as one frozen object that is written beside its results."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from napari_cellforce.models.record import MASK_INPUT, OutputKind
from napari_cellforce.train.augment import AugmentConfig
from napari_cellforce.train.losses import LossConfig
from napari_cellforce.train.settings import built, refusal, require

Trainable = Literal["all", "head", "normalisation"]


@dataclass(frozen=True)
class DataConfig:
    """What to learn from: measured cells, or simulated ones.

    Attributes
    ----------
    sources : tuple of str
        Folders in the authors' layout, and CSV tables (`napari_cellforce.io.cell_index`).
    pixel_size : float or None
        In µm, for files that do not say.
    patterns : mapping of str to str
        Names of the files in folders that do not have the authors' layout: ``image``, ``mask``,
        ``traction`` and if there ``displacement``, with ``{cell}`` for the cell's name.
    exclude : tuple of str
        Cells to leave out.
    target : {"measured", "exact"}
        Of simulated cells: traction as a microscope would have measured it, or as it is.
    simulated, seed : int
        Number of cells to simulate where there are no sources, and their seed.
    fibre_share : float
        Of simulated cells: how many pull by stress fibres; the rest pull as contractile sheets.
    directed_share : float
        Of simulated cells: how many are drawn from `napari_cellforce.synthetic.directed_fibroblasts`; the
        rest from `napari_cellforce.synthetic.fibroblasts`.
    ranges : mapping of str to pair of float
        Of simulated cells: limits that replace those of these populations.
    side : int
        Largest side of a frame on the model's grid in pixels; larger cells are cut off, if measured, or
        left out, if simulated.
    threshold : float
        Shorter vectors are set to 0 in what is to be learnt; in the model's unit.
    """

    sources: tuple[str, ...] = ()
    pixel_size: float | None = None
    patterns: Mapping[str, str] = field(default_factory=dict)
    exclude: tuple[str, ...] = ()
    target: Literal["measured", "exact"] = "measured"
    simulated: int = 0
    seed: int = 0
    fibre_share: float = 0.25
    directed_share: float = 0.0
    ranges: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    side: int = 256
    threshold: float = 0.0


@dataclass(frozen=True)
class SplitConfig:
    """Which cells to validate with; see `napari_cellforce.io.cell_index.split`.

    Attributes
    ----------
    validation : float
        Share of the cells.
    folds, fold : int
        Cross-validation: number of parts, and the one to validate with; 0 for none.
    column, values : str, tuple of str
        Validate with the cells that have these values in this column of a table.
    window : tuple of 2 int
        First and last frame (from 0) to validate with; the other cells are learnt from outside of it. Empty
        for all frames of both.
    seed : int
    """

    validation: float = 0.2
    folds: int = 0
    fold: int = 0
    column: str = ""
    values: tuple[str, ...] = ()
    window: tuple[int, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        require(
            not self.window or (len(self.window) == 2 and 0 <= self.window[0] <= self.window[1]),
            f"window is {list(self.window)}",
            "it is the first and the last frame to validate with, counted from 0",
        )
        require(
            not self.folds or 0 <= self.fold < self.folds,
            f"fold is {self.fold} of {self.folds}",
            "folds are counted from 0",
        )


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
        require(bool(self.inputs), "inputs is empty", "a network needs something to see")
        require(
            self.trainable in get_args(Trainable),
            f"trainable is {self.trainable!r}",
            f"it is one of {', '.join(get_args(Trainable))}",
        )
        for name in ("epochs", "batch", "accumulate"):
            value = getattr(self.optimise, name)
            require(value >= 1, f"{name} is {value}", "it must be at least 1")
        require(0 <= self.optimise.average < 1, "average is not from 0 to 1", "0.99 is usual, 0 is none")

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
        return built(cls, values, _PARTS)


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
        raise refusal(f"cannot read {path}", error.strerror or "no such file") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise refusal(f"{path} is neither YAML nor JSON", " ".join(str(error).split())) from error
    if not isinstance(values, Mapping):
        raise refusal(f"{path} holds no settings", "it has one entry a setting")
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
