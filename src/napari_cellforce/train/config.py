"""All settings of a training run, as one frozen object that is written beside its results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from napari_cellforce.config_io import Settings, fields_of, from_mapping, setting
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.models import registry
from napari_cellforce.models.kinds import NetworkKind
from napari_cellforce.models.record import MASK_INPUT, OutputKind

Trainable = Literal["all", "head", "normalisation"]

PRECISIONS = (
    "auto",
    "32-true",
    "16-mixed",
    "bf16-mixed",
    "16-true",
    "bf16-true",
    "64-true",
    "32",
    "16",
    "bf16",
    "64",
)
"""What training computes with: ``auto``, or a name of PyTorch Lightning."""


LossKind = Literal["vector", "magnitude_angle"]


@dataclass(frozen=True)
class AugmentConfig(Settings):
    """Strength of the augmentation; 0 or False disables a transformation."""

    rotate: bool = setting(True, help="Rotate frames by any angle.")
    mirror: bool = setting(True, help="Mirror frames.")
    brightness: float = setting(
        0.1, help="Standard deviation of the logarithm of a factor on all intensities of a cell.", minimum=0
    )
    contrast: float = setting(
        0.1,
        help="Standard deviation of the logarithm of a power that intensities are raised to.",
        minimum=0,
    )
    saturation: float = setting(
        0.3,
        help="Probability that intensities are cut off, at 2.5 to 6 times the mean in the cell.",
        minimum=0,
        maximum=1,
    )
    blur: float = setting(
        0.8,
        help="Largest Gaussian blur; a batch has one blur, from 0 to this.",
        unit="pixels",
        minimum=0,
    )
    noise: float = setting(
        0.1,
        help="Largest standard deviation of white noise, in multiples of the mean in the cell.",
        minimum=0,
    )
    margin: int = setting(4, help="Largest widening of the outline.", unit="pixels", minimum=0)


@dataclass(frozen=True)
class LossConfig(Settings):
    """Terms of the loss and their weights; 0 leaves a term out.

    `relative`: contractility does not show in an image, and at 0 the strongest cells count most; at 1 all
    count alike. `kind="magnitude_angle"` is the published loss: ten times the squared error of the magnitude
    plus the squared error of the angle where there is traction.
    """

    kind: LossKind = setting("vector", help="Squared error of the vectors, or of magnitude and angle.")
    magnitude_weight: float = setting(
        0.0,
        help="Exponent w of the weight of a pixel, exp(w min(|F|, 8)).",
        minimum=0,
    )
    relative: float = setting(
        0.0,
        help="Power of the mean squared traction of the frame by which the squared error of the vectors is "
        "divided; for the kind vector.",
        minimum=0,
    )
    magnitude: float = setting(0.0, help="Weight of the squared error of |F|.", minimum=0)
    correlation: float = setting(
        0.0, help="Weight of one minus Pearson's correlation of |F| in the cell.", minimum=0
    )
    outside: float = setting(
        0.1, help="Weight of pixels outside the cell, relative to those inside.", minimum=0
    )
    balance: float = setting(0.0, help="Weight of the squared net force over the summed force.", minimum=0)
    strain_energy: float = setting(
        0.0, help="Weight of the squared error of the mean of F·u; needs displacements.", minimum=0
    )
    green: float = setting(
        0.0,
        help="Weight of the mean of the squared Green's functions of a GFNN, without q = 0.",
        minimum=0,
    )
    springs_first: float = setting(
        0.25,
        help="Share of the epochs in which only the springs of a physical bottleneck are fitted, to |F|.",
        minimum=0,
        maximum=1,
    )
    residual: float = setting(
        1.0,
        help="Weight of the squared force that the sheet of a physical bottleneck does not explain.",
        minimum=0,
    )

    def check_for(self, kind: NetworkKind) -> None:
        """Refuse settings that differ from their default and do nothing for a kind of networks.

        Raises
        ------
        CellForceError
            Naming the setting, and those that there are for the kind.
        """
        defaults = {entry.path: entry.default for entry in fields_of(type(self))}
        inapplicable = registry.inapplicable_loss_settings(kind, tuple(defaults))
        for name in inapplicable:
            if getattr(self, name) != defaults[name]:
                applicable = ", ".join(other for other in defaults if other not in inapplicable)
                raise CellForceError(
                    f"loss.{name} is {getattr(self, name)!r}",
                    f"for a network of kind {kind.name} there are {applicable}",
                    "Leave it out, or choose another kind.",
                    topic=Topic.SETTINGS,
                )


@dataclass(frozen=True)
class DataConfig(Settings):
    """Cells to learn from: measured or simulated ones."""

    sources: tuple[str, ...] = setting(
        (), help="Folders in the authors' layout, and CSV tables of cells; none: cells are simulated."
    )
    pixel_size: float | None = setting(None, help="Pixel size for files that hold none.", unit="µm", above=0)
    patterns: Mapping[str, str] = setting(
        default_factory=dict,
        help="Names of the files in folders that do not have the authors' layout: image, mask, "
        "traction and, if "
        "there, displacement, with {cell} for the name of the cell.",
    )
    exclude: tuple[str, ...] = setting((), help="Cells to leave out.")
    target: Literal["measured", "exact"] = setting(
        "measured", help="Traction of simulated cells: as a microscope would have measured it, or exact."
    )
    simulated: int = setting(0, help="Number of cells to simulate where there are no sources.", minimum=0)
    seed: int = setting(0, help="Seed of the simulated cells.", minimum=0)
    fibre_share: float = setting(
        0.25,
        help="Share of the simulated cells that pull by stress fibres; the others pull as "
        "contractile sheets.",
        minimum=0,
        maximum=1,
    )
    directed_share: float = setting(
        0.0,
        help="Share of the simulated cells whose forces follow stress fibres.",
        minimum=0,
        maximum=1,
    )
    ranges: Mapping[str, tuple[float, float]] = setting(
        default_factory=dict,
        help="Limits of settings of simulated cells, in place of those of their population.",
    )
    side: int = setting(
        256,
        help="Largest side of a frame on the grid of the model; larger cells are cropped, if "
        "measured, or left "
        "out, if simulated.",
        unit="pixels",
        minimum=1,
    )
    threshold: float = setting(
        0.0, help="Shorter vectors of the target are set to 0; in the unit of the model.", minimum=0
    )


@dataclass(frozen=True)
class SplitConfig(Settings):
    """Cells to validate with; see `napari_cellforce.io.cell_index.split`."""

    validation: float = setting(0.2, help="Share of the cells to validate with.", minimum=0, maximum=1)
    folds: int = setting(0, help="Number of parts for cross-validation; 0: none.", minimum=0)
    fold: int = setting(0, help="Part to validate with, counted from 0.", minimum=0)
    column: str = setting("", help="Column of the table that says which cells to validate with.")
    values: tuple[str, ...] = setting((), help="Values in that column of the cells to validate with.")
    window: tuple[int, ...] = setting(
        (),
        help="First and last frame (from 0) to validate with; training uses the other frames of the other "
        "cells. Empty: all frames.",
        minimum=0,
    )
    seed: int = setting(0, help="Seed of the choice of cells.", minimum=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.window and not (len(self.window) == 2 and self.window[0] <= self.window[1]):
            raise _refusal(
                f"window is {list(self.window)}",
                "it is the first and the last frame to validate with, counted from 0",
                Topic.SPLIT,
            )
        if self.folds and not self.fold < self.folds:
            raise _refusal(f"fold is {self.fold} of {self.folds}", "folds are counted from 0", Topic.SPLIT)


@dataclass(frozen=True)
class OptimiseConfig(Settings):
    """How to learn."""

    epochs: int = setting(50, help="Passes over the training cells, at most.", minimum=1)
    batch: int = setting(8, help="Frames per step.", minimum=1)
    accumulate: int = setting(
        1, help="Steps whose gradients are added up before the weights change.", minimum=1
    )
    learning_rate: float = setting(
        3e-3, help="Highest learning rate: it rises during the warm-up and falls to 0 as a cosine.", above=0
    )
    warm_up: float = setting(
        0.1, help="Share of the steps in which the learning rate rises.", minimum=0, maximum=1
    )
    weight_decay: float = setting(0.01, help="Weight decay of AdamW.", minimum=0)
    clip: float = setting(1.0, help="Largest norm of the gradient; 0: no limit.", minimum=0)
    average: float = setting(
        0.0,
        help="Decay of the running mean of the weights that is validated and kept (0.99 is usual); 0: none.",
        minimum=0,
        below=1,
    )
    patience: int = setting(
        0, help="Epochs without a better validation loss before training stops; 0: it does not.", minimum=0
    )
    precision: str = setting(
        "auto",
        help="Precision of Lightning; auto: 16-bit mixed on a GPU, else 32-bit.",
        choices=PRECISIONS,
    )
    seed: int = setting(0, help="Seed of the initial weights and of the order of the cells.", minimum=0)
    threads: int = setting(0, help="CPU threads; 0: PyTorch chooses.", minimum=0)


@dataclass(frozen=True)
class TrainConfig(Settings):
    """A training run."""

    name: str = setting("my-model", help="Name of the model.")
    kind: str = setting(registry.DEFAULT_NETWORK, help="Kind of the network.")
    architecture: Mapping[str, Any] = setting(
        default_factory=dict,
        help="Settings of the network; its numbers of channels follow from the inputs.",
    )
    inputs: tuple[str, ...] = setting(
        ("zyxin", MASK_INPUT), help="Proteins that the network sees, and mask for the outline of the cell."
    )
    pixel_size: float = setting(0.68, help="Pixel size of the model.", unit="µm", minimum=1e-3, maximum=1e3)
    mask_margin: float = setting(
        8.5, help="Images are set to 0 farther than this from the cell.", unit="µm", minimum=0, maximum=1e4
    )
    output: OutputKind = setting("vector", help="What the network draws.")
    start_from: str = setting(
        "", help="Model or weights file to fine-tune; its own settings replace those of the network."
    )
    trainable: Trainable = setting("all", help="Part of the network that is trained.")
    data: DataConfig = setting(default_factory=DataConfig, help="Cells to learn from.")
    split: SplitConfig = setting(default_factory=SplitConfig, help="Cells to validate with.")
    loss: LossConfig = setting(default_factory=LossConfig, help="Terms of the loss.")
    augment: AugmentConfig = setting(default_factory=AugmentConfig, help="Random changes of the images.")
    optimise: OptimiseConfig = setting(default_factory=OptimiseConfig, help="How to learn.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.inputs:
            raise _refusal("inputs is empty", "a network needs something to see", Topic.PROTEINS)
        kind = registry.get_network(self.kind)
        from_mapping(kind.network().config_type, self.architecture, path="architecture")
        if not self.start_from:
            self.loss.check_for(kind)

    @property
    def proteins(self) -> tuple[str, ...]:
        """The inputs without the mask."""
        return tuple(name for name in self.inputs if name != MASK_INPUT)


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


def _refusal(found: str, rule: str, topic: Topic) -> CellForceError:
    return CellForceError(found, rule, "Correct the settings of the run.", topic=topic)
