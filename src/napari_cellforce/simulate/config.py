"""What the user chooses for a data set of synthetic cells."""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass

from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import PixelSize
from napari_cellforce.synthetic import (
    Drug,
    FibreMechanics,
    PopulationConfig,
    SheetMechanics,
    directed_fibroblasts,
    fibroblasts,
)
from napari_cellforce.synthetic.limits import require_choice, require_not_negative, require_positive

_KINDS: dict[str, tuple[type, ...]] = {
    "mixed": (SheetMechanics, FibreMechanics),
    "sheet": (SheetMechanics,),
    "fibres": (FibreMechanics,),
}


@dataclass(frozen=True)
class SimulateConfig:
    """Settings of a data set of synthetic cells.

    Attributes
    ----------
    cells, frames, seed : int
    mechanics : {"mixed", "sheet", "fibres"}
        What makes the tractions; mixed: three cells in four pull as a sheet (of directed cells half), the
        others by their fibres.
    side : int
        Height and width of the images in pixels.
    pixel_size : float
        In µm.
    measured : bool
        Whether the frames hold what an instrument would have measured, not the exact traction.
    directed : bool
        Whether forces follow stress fibres: `directed_fibroblasts` instead of `fibroblasts`.
    frame_interval : float
        In minutes.
    drug : bool
        Whether contractility is lowered and recovers, as `Drug` has it by default.

    Raises
    ------
    CellForceError
        If a number is not positive, there is no such mechanics, or the movie ends before the drug acts.
    """

    cells: int = 100
    frames: int = 1
    seed: int = 0
    mechanics: str = "mixed"
    side: int = 256
    pixel_size: float = 0.68
    measured: bool = False
    directed: bool = False
    frame_interval: float = 1.0
    drug: bool = False

    def __post_init__(self) -> None:
        require_positive(self, "cells", "frames", "side", "frame_interval")
        require_not_negative(self, "seed")
        require_choice(self, "mechanics", tuple(_KINDS))
        PixelSize.square(self.pixel_size)
        last = self.frame_interval * (self.frames - 1)
        if self.drug and last <= Drug().wash_in:
            raise CellForceError(
                f"the last frame is at {last:g} min, and the drug is washed in at {Drug().wash_in:g} min",
                "the movie must show what it does",
                "Make more frames, or a longer frame interval.",
                topic="frames",
            )

    def population(self) -> PopulationConfig:
        """Return the cells."""
        return _population(self)

    def name(self, index: int) -> str:
        """Return the name of a cell, unlike those of data sets with another seed or of the other kind."""
        return f"{'directed' if self.directed else 'sim'}{self.seed}_cell_{index}"


@functools.lru_cache
def _population(config: SimulateConfig) -> PopulationConfig:
    people = directed_fibroblasts if config.directed else fibroblasts
    all_kinds = people(
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
