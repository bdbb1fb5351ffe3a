"""From measured or simulated cells to frames to learn from."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import PixelSize
from napari_cellforce.io.dataset import MeasuredCell
from napari_cellforce.io.index import (
    CellSource,
    DatasetIndex,
    Split,
    cells_of,
    index_cells,
    k_fold,
    open_cell,
    split_by_cell,
    split_by_column,
)
from napari_cellforce.preprocess.mask import touches_border
from napari_cellforce.preprocess.normalise import Baselines, measure_baselines, normalise
from napari_cellforce.preprocess.regrid import Window
from napari_cellforce.synthetic import (
    FibreMechanics,
    PopulationConfig,
    Range,
    Recipe,
    SyntheticCell,
    fibroblasts,
)
from napari_cellforce.train.config import DataConfig, SplitConfig, TrainConfig
from napari_cellforce.train.data import Example, Grid

_EDGE = 4
"""Pixels of nothing that a simulated cell has at least around it, in sum of both sides."""

Told = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and of how much."""


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
        return _measured(config, told)
    if config.data.simulated:
        return _simulated(config, told)
    raise CellForceError(
        "there are no cells to learn from",
        "data.sources lists folders or tables of measured cells",
        "Name them (--data DIR), or set data.simulated to a number of cells to simulate.",
        topic="input",
    )


def index(data: DataConfig, progress: Callable[[str], None] | None = None) -> DatasetIndex:
    """Return the index of all sources of a run."""
    several = len(data.sources) > 1
    sources = [
        cell
        for number, source in enumerate(data.sources)
        for cell in cells_of(source, data.pixel_size, unique=f"{number + 1}/" if several else "")
    ]
    return index_cells(sources, progress=progress)


def choose_split(cells: Sequence[str], sources: Sequence[CellSource], config: SplitConfig) -> Split:
    """Return the split that a config asks for."""
    if config.column:
        return split_by_column([s for s in sources if s.cell in cells], config.column, config.values)
    if config.folds:
        return k_fold(cells, config.folds, config.fold, config.seed)
    return split_by_cell(cells, config.validation, config.seed)


def _measured(config: TrainConfig, told: Told) -> Examples:
    found = index(config.data, lambda cell: told(f"Reading {cell}", 0, 0))
    found.require_usable()
    split = choose_split(found.cells, found.sources, config.split)
    mean = float(np.mean([row.mean_traction for row in found.usable if row.cell in split.train]))
    grid = Grid(config.pixel_size, config.mask_margin, config.data.side)
    frames: dict[str, list[Example]] = {}
    sources = [source for source in found.sources if source.cell in found.cells]
    for done, source in enumerate(sources):
        told("Preparing frames", done, len(sources))
        frames[source.cell] = _examples(source, found, grid, config, mean)
    total = sum(len(of_cell) for of_cell in frames.values())
    return _examples_of(
        frames,
        split,
        mean,
        config.data.threshold,
        f"{total} frames of {len(frames)} measured cells (mean |F| {mean:.4g} Pa), "
        f"cells kept aside for validation: {len(split.validation)}.",
    )


def _examples(
    source: CellSource, found: DatasetIndex, grid: Grid, config: TrainConfig, mean: float
) -> list[Example]:
    """Return the usable frames of a cell."""
    cell = open_cell(source)
    channels, chosen = channels_of(cell, source, found, config.proteins)
    usable = [row for row in found.usable if row.cell == source.cell]
    result = []
    for row in usable:
        t = row.frame
        proteins = normalise(cell.image.frame(t, channels), chosen, "outside_inside")
        u = None if cell.displacement is None else np.asarray(cell.displacement.data[t], dtype=np.float32)
        force = np.asarray(cell.traction.data[t], dtype=np.float32) / mean
        size = PixelSize.square(row.pixel_size)
        result.append(grid.example(source.cell, proteins, cell.mask.frame(t), force, size, u))
    return result


def channels_of(
    cell: MeasuredCell, source: CellSource, found: DatasetIndex, proteins: Sequence[str]
) -> tuple[tuple[int, ...], Baselines]:
    """Return the channels of the proteins in a cell's images, and the baselines of these.

    Raises
    ------
    CellForceError
        If a protein is not among them.
    """
    channels = tuple(_channel(cell.image.channel_names, protein, source) for protein in proteins)
    all_of = found.baselines(source.cell)
    inside, outside = (tuple(side[c] for c in channels) for side in (all_of.inside, all_of.outside))
    return channels, Baselines(inside, outside)


def _channel(names: Sequence[str], protein: str, source: CellSource) -> int:
    """Return the channel of a protein, by name; the authors' second channel is called ``other``."""
    lowered = [name.lower() for name in names]
    hits = [c for c, name in enumerate(lowered) if protein.lower() in name]
    if not hits and "other" in lowered:
        hits = [lowered.index("other")]
    if not hits and len(names) == 1:
        hits = [0]
    if not hits:
        raise CellForceError(
            f"{source.cell} has the channels {', '.join(names)}",
            f"the model is to see {protein}",
            "Name the channel so in the file, or leave the protein out of the inputs.",
            topic="channel",
        )
    return hits[0]


def population(data: DataConfig) -> PopulationConfig:
    """Return the simulated cells of a config: `fibroblasts` with shares and some limits replaced."""
    cells = fibroblasts(data.simulated, data.seed, measured=True)
    known = {limits.setting for recipe in cells.recipes for limits in recipe.ranges}
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
            weight=data.fibre_share if by_fibres(recipe) else 1 - data.fibre_share,
        )
        for recipe in cells.recipes
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
    traction = np.asarray(field.data[0], dtype=np.float32)
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
