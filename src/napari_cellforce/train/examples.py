"""From measured or simulated cells to frames to learn from."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import to_numpy
from napari_cellforce.io.cell_index import (
    CellSource,
    DatasetIndex,
    Split,
    find_cells,
    index_cells,
    k_fold,
    open_cell,
    split_by_cell,
    split_by_column,
)
from napari_cellforce.io.dataset import MeasuredCell
from napari_cellforce.preprocess.mask import touches_border
from napari_cellforce.preprocess.normalise import Baselines, measure_baselines, normalise
from napari_cellforce.preprocess.regrid import Window
from napari_cellforce.process_pool import map_unordered, usable_cores
from napari_cellforce.synthetic import (
    FibreMechanics,
    PopulationConfig,
    Range,
    Recipe,
    SyntheticCell,
    directed_fibroblasts,
    fibroblasts,
)
from napari_cellforce.text import pluralise
from napari_cellforce.train.config import DataConfig, SplitConfig, TrainConfig
from napari_cellforce.train.data import Example, ModelGrid

ProgressCallback = Callable[[str, int, int], None]
"""Receives the name of the step, the number done and the total."""


@dataclass(frozen=True)
class MeasuredFrames:
    """The frames of measured cells.

    Attributes
    ----------
    frames : dict of str to list of Example
        By cell.
    split : Split
    mean_traction : float
        Mean of |F| over the frames to learn from, in Pa; the unit of their tractions.
    description : str
        For the model's card.
    """

    frames: dict[str, list[Example]]
    split: Split
    mean_traction: float
    description: str


def index(data: DataConfig, progress: Callable[[str], None] | None = None) -> DatasetIndex:
    """Return the index of all sources of a run."""
    several = len(data.sources) > 1
    sources = [
        cell
        for number, source in enumerate(data.sources)
        for cell in find_cells(
            source, data.pixel_size, patterns=data.patterns, unique=f"{number + 1}/" if several else ""
        )
    ]
    unknown = sorted(set(data.exclude) - {cell.cell for cell in sources})
    if unknown:
        raise CellForceError(
            f"{unknown[0]} is to be left out",
            f"the cells are {', '.join(cell.cell for cell in sources)}",
            "Correct its name.",
            topic=Topic.INPUT,
        )
    return index_cells((cell for cell in sources if cell.cell not in data.exclude), progress=progress)


def split_cells(cells: Sequence[str], sources: Sequence[CellSource], config: SplitConfig) -> Split:
    """Return the split that a config asks for."""
    if config.column:
        split = split_by_column([s for s in sources if s.cell in cells], config.column, config.values)
    elif config.folds:
        split = k_fold(cells, config.folds, config.fold, config.seed)
    else:
        split = split_by_cell(cells, config.validation, config.seed)
    return replace(split, window=(config.window[0], config.window[1])) if config.window else split


def split_index(found: DatasetIndex, config: SplitConfig) -> Split:
    """Return the split of the usable cells of an index.

    Raises
    ------
    CellForceError
        If a side would have no frames.
    """
    split = split_cells(found.cells, found.sources, config)
    for side, cells in (("learn from", split.train), ("validate with", split.validation)):
        if not any(row.cell in cells and split.uses(row.cell, row.frame) for row in found.usable):
            first, last = config.window
            raise CellForceError(
                f"there is no frame to {side}",
                f"frames {first} to {last} are to be validated with, the others to be learnt from",
                f"Choose another stretch; the last frame is {max(row.frame for row in found.usable)}.",
                topic=Topic.SPLIT,
            )
    return split


def load_measured_frames(config: TrainConfig, progress: ProgressCallback) -> MeasuredFrames:
    """Read the measured cells of a run.

    Raises
    ------
    CellForceError
        If none can be used, proteins are missing, or cells cannot be split.
    """
    found = index(config.data, lambda cell: progress(f"Reading {cell}", 0, 0))
    found.require_usable()
    split = split_index(found, config.split)
    rows = [row for row in found.usable if split.uses(row.cell, row.frame)]
    mean = float(np.mean([row.mean_traction for row in rows if row.cell in split.train]))
    grid = ModelGrid(config.pixel_size, config.mask_margin, config.data.side)
    frames: dict[str, list[Example]] = {}
    sources = [source for source in found.sources if source.cell in found.cells]
    for done, source in enumerate(sources):
        progress("Preparing frames", done, len(sources))
        own = [row.frame for row in rows if row.cell == source.cell]
        frames[source.cell] = _examples(source, own, found, grid, config, mean)
    total = sum(len(of_cell) for of_cell in frames.values())
    description = (
        f"{pluralise(total, 'frame')} of {pluralise(len(frames), 'measured cell')} (mean |F| {mean:.4g} Pa), "
        f"validation cells: {len(split.validation)}."
    )
    return MeasuredFrames(frames, split, mean, description)


def _examples(
    source: CellSource,
    chosen: Sequence[int],
    found: DatasetIndex,
    grid: ModelGrid,
    config: TrainConfig,
    mean: float,
) -> list[Example]:
    """Return the chosen frames of a cell."""
    cell = open_cell(source)
    channels, baselines = protein_channels(cell, source, found, config.proteins)
    size = cell.image.pixel_size
    assert size is not None, "cells without one are not indexed"
    result = []
    for t in chosen:
        proteins = normalise(cell.image.frame(t, channels), baselines, "outside_inside")
        u = None if cell.displacement is None else to_numpy(cell.displacement.data[t], dtype=np.float32)
        force = to_numpy(cell.traction.data[t], dtype=np.float32) / mean
        result.append(grid.example(source.cell, proteins, cell.mask.frame(t), force, size, u))
    return result


def protein_channels(
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
            topic=Topic.CHANNEL,
        )
    return hits[0]


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


def prepare(config: TrainConfig, progress: ProgressCallback | None = None) -> Examples:
    """Read or simulate the cells of a run.

    Parameters
    ----------
    config : TrainConfig
    progress : callable, optional
        Receives the step, the number done and the total.

    Raises
    ------
    CellForceError
        If there is nothing to learn from, proteins are missing, or cells cannot be split.
    """
    progress = progress or _silent
    if config.data.sources:
        read = load_measured_frames(config, progress)
        return _examples_of(
            read.frames, read.split, read.mean_traction, config.data.threshold, read.description
        )
    if config.data.simulated:
        return _simulated(config, progress)
    raise CellForceError(
        "there are no cells to learn from",
        "data.sources lists folders or tables of measured cells",
        "Name them, or set data.simulated to a number of cells to simulate.",
        topic=Topic.TRAINING_DATA,
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
            topic=Topic.SETTINGS,
        )

    def widened(limits: Range) -> Range:
        low, high = data.ranges.get(limits.setting, (limits.low, limits.high))
        return replace(limits, low=low, high=high)

    recipes = tuple(
        replace(
            recipe,
            ranges=tuple(widened(limits) for limits in recipe.ranges),
            weight=share * (data.fibre_share if pulls_by_fibres(recipe) else 1 - data.fibre_share),
        )
        for recipe, share in shared
    )
    return replace(cells, recipes=recipes)


def pulls_by_fibres(recipe: Recipe) -> bool:
    """Tell whether a kind of cell pulls by its stress fibres."""
    return isinstance(recipe.config.mechanics, FibreMechanics)


def _simulated(config: TrainConfig, progress: ProgressCallback) -> Examples:
    population_config = population(config.data)
    frames: dict[str, list[Example]] = {}
    work = [(population_config, i, config) for i in range(population_config.cells)]
    simulated: dict[int, tuple[str, Example | None]] = {}
    workers = config.optimise.threads or usable_cores()
    with contextlib.closing(map_unordered(_simulate, work, workers)) as cells:
        for done, (item, result) in enumerate(cells):
            progress("Simulating cells", done, population_config.cells)
            simulated[item[1]] = result
    for _, (name, example) in sorted(simulated.items()):
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
        f"{len(split.validation)} of them for validation.",
    )


def _simulate(work: tuple[PopulationConfig, int, TrainConfig]) -> tuple[str, Example | None]:
    """Return one simulated cell, its traction in Pa; None where it cannot be made or leaves the image."""
    population_config, number, config = work
    name = f"simulated {number}"
    try:
        cell = population_config.cell(number)
    except CellForceError:
        return name, None
    mask = cell.mask.frame(0)
    box = Window.around(mask)
    if touches_border(mask) or max(box.height, box.width) > config.data.side - _EDGE:
        return name, None
    grid = ModelGrid(config.pixel_size, config.mask_margin, config.data.side)
    return name, simulated_example(name, cell, config.proteins, grid, config.data.target)


def simulated_example(
    name: str, cell: SyntheticCell, proteins: Sequence[str], grid: ModelGrid, target: str
) -> Example:
    """Return a frame of a simulated cell, its traction in Pa."""
    channels = tuple(cell.image.channel(protein) for protein in proteins)
    image, mask = cell.image.frame(0, channels), cell.mask.frame(0)
    field = cell.measured if target == "measured" else cell.traction
    assert field is not None
    traction = to_numpy(field.data[0], dtype=np.float32)
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
