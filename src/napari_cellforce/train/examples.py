"""From measured or simulated cells to frames to learn from."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import in_memory
from napari_cellforce.io.index import (
    Split,
    split_by_cell,
)
from napari_cellforce.preprocess.mask import touches_border
from napari_cellforce.preprocess.normalise import measure_baselines, normalise
from napari_cellforce.preprocess.regrid import Window
from napari_cellforce.synthetic import (
    FibreMechanics,
    PopulationConfig,
    Range,
    Recipe,
    SyntheticCell,
    directed_fibroblasts,
    fibroblasts,
)
from napari_cellforce.train.config import DataConfig, TrainConfig
from napari_cellforce.train.data import Example, Grid
from napari_cellforce.train.measured import Told, read_measured

_EDGE = 4
"""Pixels of nothing that a simulated cell has at least around it, in sum of both sides."""


@dataclass(frozen=True)
class Examples:
    """What a run learns from and validates with.

    Attributes
    ----------
    train, validation : tuple of Example
    split : Split
    mean_traction : float
        Mean of |F| over the frames to learn from, in Pa; the unit of their tractions.
    description : str
        For the model's card.
    """

    train: tuple[Example, ...]
    validation: tuple[Example, ...]
    split: Split
    mean_traction: float
    description: str


def prepare(config: TrainConfig, told: Told | None = None) -> Examples:
    """Read or simulate the cells of a run.

    Parameters
    ----------
    config : TrainConfig
    told : callable, optional
        Progress.

    Raises
    ------
    CellForceError
        If there is nothing to learn from, proteins are missing, or cells cannot be split.
    """
    told = told or _silent
    if config.data.sources:
        read = read_measured(config, told)
        return _examples_of(
            read.frames, read.split, read.mean_traction, config.data.threshold, read.description
        )
    if config.data.simulated:
        return _simulated(config, told)
    raise CellForceError(
        "there are no cells to learn from",
        "data.sources lists folders or tables of measured cells",
        "Name them (--data DIR), or set data.simulated to a number of cells to simulate.",
        topic="input",
    )


def population(data: DataConfig) -> PopulationConfig:
    """Return the simulated cells of a config, with its shares, and some limits replaced."""
    cells = fibroblasts(data.simulated, data.seed, measured=True)
    sources = [(cells, 1 - data.directed_share)]
    if data.directed_share:
        sources.append((directed_fibroblasts(data.simulated, data.seed, measured=True), data.directed_share))
    shared = [(recipe, share) for source, share in sources for recipe in source.recipes]
    known = {limits.setting for recipe, _ in shared for limits in recipe.ranges}
    wrong = sorted(set(data.ranges) - known)
    if wrong:
        raise CellForceError(
            f"data.ranges names {wrong[0]}",
            f"simulated cells differ in {', '.join(sorted(known))}",
            "Correct the name.",
            topic="settings",
        )

    def widened(limits: Range) -> Range:
        low, high = data.ranges.get(limits.setting, (limits.low, limits.high))
        return replace(limits, low=low, high=high)

    recipes = tuple(
        replace(
            recipe,
            ranges=tuple(widened(limits) for limits in recipe.ranges),
            weight=share * (data.fibre_share if by_fibres(recipe) else 1 - data.fibre_share),
        )
        for recipe, share in shared
    )
    return replace(cells, recipes=recipes)


def by_fibres(recipe: Recipe) -> bool:
    """Tell whether a kind of cell pulls by its stress fibres."""
    return isinstance(recipe.config.mechanics, FibreMechanics)


def _simulated(config: TrainConfig, told: Told) -> Examples:
    people = population(config.data)
    frames: dict[str, list[Example]] = {}
    work = [(people, i, config) for i in range(people.cells)]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(config.optimise.threads or os.cpu_count(), mp_context=context) as pool:
        for done, (name, example) in enumerate(pool.map(_simulate, work, chunksize=8)):
            told("Simulating cells", done, people.cells)
            if example is not None:
                frames[name] = [example]
    split = split_by_cell(list(frames), config.split.validation, config.split.seed)
    means = [_mean(frames[cell][0]) for cell in split.train]
    mean = float(np.mean(means))
    scaled = {
        cell: [replace(e, traction=(e.traction.astype(np.float32) / mean).astype(np.float16)) for e in own]
        for cell, own in frames.items()
    }
    return _examples_of(
        scaled,
        split,
        mean,
        config.data.threshold,
        f"{len(frames)} cells simulated by napari-cellforce (mean |F| {mean:.4g} Pa), "
        f"{len(split.validation)} of them kept aside for validation.",
    )


def _simulate(work: tuple[PopulationConfig, int, TrainConfig]) -> tuple[str, Example | None]:
    """Return one simulated cell, its traction in Pa; None where it cannot be made or leaves the image."""
    people, number, config = work
    name = f"simulated {number}"
    try:
        cell = people.cell(number)
    except CellForceError:
        return name, None
    mask = cell.mask.frame(0)
    box = Window.around(mask)
    if touches_border(mask) or max(box.height, box.width) > config.data.side - _EDGE:
        return name, None
    grid = Grid(config.pixel_size, config.mask_margin, config.data.side)
    return name, simulated_example(name, cell, config.proteins, grid, config.data.target)


def simulated_example(
    name: str, cell: SyntheticCell, proteins: Sequence[str], grid: Grid, target: str
) -> Example:
    """Return a frame of a simulated cell, its traction in Pa."""
    channels = tuple(cell.image.channel(protein) for protein in proteins)
    image, mask = cell.image.frame(0, channels), cell.mask.frame(0)
    field = cell.measured if target == "measured" else cell.traction
    assert field is not None
    traction = in_memory(field.data[0], dtype=np.float32)
    image = normalise(image, measure_baselines([image], [mask]), "outside_inside")
    return grid.example(name, image, mask, traction, field.pixel_size)


def _silent(what: str, done: int, total: int) -> None:
    del what, done, total


def _mean(example: Example) -> float:
    return float(np.hypot(*example.traction.astype(np.float32))[example.mask].mean())


def _examples_of(
    frames: dict[str, list[Example]], split: Split, mean: float, threshold: float, description: str
) -> Examples:
    def of(cells: Sequence[str]) -> tuple[Example, ...]:
        return tuple(_cleared(example, threshold) for cell in cells for example in frames[cell])

    return Examples(of(split.train), of(split.validation), split, mean, description)


def _cleared(example: Example, threshold: float) -> Example:
    """Return a frame whose short vectors are 0."""
    if threshold <= 0:
        return example
    strong: npt.NDArray[np.bool_] = np.hypot(*example.traction.astype(np.float32)) >= threshold
    return replace(example, traction=np.where(strong, example.traction, np.float16(0)))
