"""Populations of synthetic cells: settings drawn at random between limits, one seed a cell."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from napari_cellforce import config_io
from napari_cellforce.config_io import Settings, setting
from napari_cellforce.errors import CellForceError, CellForceWarning, Topic
from napari_cellforce.synthetic.cell import SyntheticCell, simulate
from napari_cellforce.synthetic.config import CellConfig
from napari_cellforce.synthetic.settings import replace_setting


@dataclass(frozen=True)
class Range(config_io.Settings):
    """A setting that differs from cell to cell."""

    setting: str = config_io.setting(
        help='Dotted path of the setting of a cell: "adhesions.length", "proteins.zyxin.nucleus".'
    )
    low: float = config_io.setting(help="Lower limit.")
    high: float = config_io.setting(help="Upper limit.")
    logarithmic: bool = config_io.setting(False, help="Drawn evenly in the logarithm.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.low <= self.high or (self.logarithmic and not self.low > 0):
            raise CellForceError(
                f"{self.setting} ranges from {self.low:g} to {self.high:g}",
                "the lower limit comes first, and is above 0 on a logarithmic scale",
                "Change the limits.",
                topic=Topic.SETTINGS,
            )

    def draw(self, rng: np.random.Generator) -> float:
        """Return a value between the limits."""
        if self.logarithmic:
            return math.exp(rng.uniform(math.log(self.low), math.log(self.high)))
        return float(rng.uniform(self.low, self.high))


@dataclass(frozen=True)
class Recipe(Settings):
    """A kind of cell: common settings, and those that differ from cell to cell."""

    config: CellConfig = setting(default_factory=CellConfig, help="Common settings.")
    ranges: tuple[Range, ...] = setting((), help="Settings that differ from cell to cell.")
    weight: float = setting(1.0, help="Frequency of the kind, relative to others.", minimum=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        for varied in self.ranges:
            replace_setting(self.config, varied.setting, varied.low)
            replace_setting(self.config, varied.setting, varied.high)

    def draw(self, rng: np.random.Generator) -> CellConfig:
        """Return the settings of one cell."""
        config = self.config
        for varied in self.ranges:
            config = replace_setting(config, varied.setting, varied.draw(rng))
        return config


@dataclass(frozen=True)
class PopulationConfig(Settings):
    """A data set of synthetic cells.

    Cell i depends on the seed and on i alone: it is the same in a larger population, in any order, on any
    number of cores.
    """

    recipes: tuple[Recipe, ...] = setting(default_factory=lambda: (Recipe(),), help="Kinds of cells.")
    cells: int = setting(100, help="Number of cells.", minimum=1)
    seed: int = setting(0, help="Seed of the random numbers.", minimum=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not sum(recipe.weight for recipe in self.recipes) > 0:
            raise CellForceError(
                "the population has no kind of cell",
                "at least one recipe must have a weight above 0",
                "Add a recipe, or raise a weight.",
                topic=Topic.SETTINGS,
            )

    def seed_of(self, index: int) -> np.random.SeedSequence:
        """Return the seed of a cell, the same as ``SeedSequence(seed).spawn(...)[index]``."""
        return np.random.SeedSequence(self.seed, spawn_key=(index,))

    def cell_config(self, index: int) -> CellConfig:
        """Return the settings of a cell."""
        rng = np.random.default_rng(self.seed_of(index))
        weights = np.array([recipe.weight for recipe in self.recipes])
        recipe = self.recipes[rng.choice(len(self.recipes), p=weights / weights.sum())]
        return recipe.draw(rng)

    def cell(self, index: int) -> SyntheticCell:
        """Return a cell with all that its settings ask for.

        Raises
        ------
        CellForceError
            If it cannot be made: it finds no room in the image, or its equations have no solution.
        """
        try:
            return simulate(self.cell_config(index), self.seed_of(index))
        except CellForceError as error:
            what = f"cell {index} of the population: {error.value}"
            raise CellForceError(what, error.rule, error.remedy, topic=error.topic) from error

    def __iter__(self) -> Iterator[SyntheticCell]:
        """Make the cells one after the other; of one that cannot be made a warning tells why."""
        for index in range(self.cells):
            try:
                yield self.cell(index)
            except CellForceError as error:
                warnings.warn(str(error), CellForceWarning, stacklevel=2)
