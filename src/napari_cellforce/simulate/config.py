"""What the user chooses for a data set of synthetic cells."""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass
from typing import Literal

from napari_cellforce.config_io import Settings, setting
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import PixelSize
from napari_cellforce.synthetic import (
    Drug,
    FibreMechanics,
    PopulationConfig,
    SheetMechanics,
    directed_fibroblasts,
    fibroblasts,
)

Mechanics = Literal["mixed", "sheet", "fibres"]

_KINDS: dict[Mechanics, tuple[type, ...]] = {
    "mixed": (SheetMechanics, FibreMechanics),
    "sheet": (SheetMechanics,),
    "fibres": (FibreMechanics,),
}


@dataclass(frozen=True)
class SimulateConfig(Settings):
    """Settings of a data set of synthetic cells.

    Raises
    ------
    CellForceError
        If a number is not positive, there is no such mechanics, or the movie ends before the drug acts.
    """

    cells: int = setting(100, help="Number of cells.", minimum=1)
    frames: int = setting(1, help="Frames per cell.", minimum=1)
    seed: int = setting(0, help="Seed of the random numbers.", minimum=0)
    mechanics: Mechanics = setting(
        "mixed",
        help="What makes the tractions; mixed: three cells in four pull as a sheet (of directed cells half), "
        "the others by their fibres.",
    )
    side: int = setting(256, help="Height and width of the images.", unit="pixels", minimum=1)
    pixel_size: float = setting(0.68, help="Pixel size.", unit="µm", above=0)
    measured: bool = setting(
        False, help="Whether the frames hold the traction as measured by an instrument, not the exact one."
    )
    directed: bool = setting(False, help="Whether forces follow stress fibres.")
    frame_interval: float = setting(
        1.0, help="Time between frames.", unit="min", above=0, option="--interval"
    )
    drug: bool = setting(False, help="Whether contractility is lowered by a drug, and recovers.")

    def __post_init__(self) -> None:
        super().__post_init__()
        PixelSize.square(self.pixel_size)
        last = self.frame_interval * (self.frames - 1)
        if self.drug and last <= Drug().wash_in:
            raise CellForceError(
                f"the last frame is at {last:g} min, and the drug is washed in at {Drug().wash_in:g} min",
                "the movie must show what it does",
                "Make more frames, or a longer frame interval.",
                topic=Topic.FRAMES,
            )

    def population(self) -> PopulationConfig:
        """Return the cells."""
        return _population(self)

    def name(self, index: int) -> str:
        """Return the name of a cell, unlike those of data sets with another seed or of the other kind."""
        return f"{'directed' if self.directed else 'sim'}{self.seed}_cell_{index}"


@functools.lru_cache
def _population(config: SimulateConfig) -> PopulationConfig:
    population_function = directed_fibroblasts if config.directed else fibroblasts
    all_kinds = population_function(
        config.cells,
        config.seed,
        frames=config.frames,
        side=config.side,
        pixel_size=config.pixel_size,
        measured=config.measured,
        frame_interval=config.frame_interval,
        drug=Drug() if config.drug else None,
    )
    wanted = _KINDS[config.mechanics]
    recipes = tuple(r for r in all_kinds.recipes if isinstance(r.config.mechanics, wanted))
    return dataclasses.replace(all_kinds, recipes=recipes)
