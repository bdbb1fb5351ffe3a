"""Measured cells of a run: which they are, how they are split, and their frames on the model's grid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from napari_cellforce.errors import CellForceError, counted
from napari_cellforce.fields import in_memory
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
from napari_cellforce.preprocess.normalise import Baselines, normalise
from napari_cellforce.train.config import DataConfig, SplitConfig, TrainConfig
from napari_cellforce.train.data import Example, Grid

Told = Callable[[str, int, int], None]
"""Told what is being done, how much of it is done, and of how much."""


@dataclass(frozen=True)
class Measured:
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
        for cell in cells_of(
            source, data.pixel_size, patterns=data.patterns, unique=f"{number + 1}/" if several else ""
        )
    ]
    unknown = sorted(set(data.exclude) - {cell.cell for cell in sources})
    if unknown:
        raise CellForceError(
            f"{unknown[0]} is to be left out",
            f"the cells are {', '.join(cell.cell for cell in sources)}",
            "Correct its name.",
            topic="input",
        )
    return index_cells((cell for cell in sources if cell.cell not in data.exclude), progress=progress)


def choose_split(cells: Sequence[str], sources: Sequence[CellSource], config: SplitConfig) -> Split:
    """Return the split that a config asks for."""
    if config.column:
        split = split_by_column([s for s in sources if s.cell in cells], config.column, config.values)
    elif config.folds:
        split = k_fold(cells, config.folds, config.fold, config.seed)
    else:
        split = split_by_cell(cells, config.validation, config.seed)
    return replace(split, window=(config.window[0], config.window[1])) if config.window else split


def split_of(found: DatasetIndex, config: SplitConfig) -> Split:
    """Return the split of the usable cells of an index.

    Raises
    ------
    CellForceError
        If a side would have no frames.
    """
    split = choose_split(found.cells, found.sources, config)
    for side, cells in (("learn from", split.train), ("validate with", split.validation)):
        if not any(row.cell in cells and split.uses(row.cell, row.frame) for row in found.usable):
            first, last = config.window
            raise CellForceError(
                f"there is no frame to {side}",
                f"frames {first} to {last} are to be validated with, the others to be learnt from",
                f"Choose another stretch; the last frame is {max(row.frame for row in found.usable)}.",
                topic="split",
            )
    return split


def read_measured(config: TrainConfig, told: Told) -> Measured:
    """Read the measured cells of a run.

    Raises
    ------
    CellForceError
        If none can be used, proteins are missing, or cells cannot be split.
    """
    found = index(config.data, lambda cell: told(f"Reading {cell}", 0, 0))
    found.require_usable()
    split = split_of(found, config.split)
    rows = [row for row in found.usable if split.uses(row.cell, row.frame)]
    mean = float(np.mean([row.mean_traction for row in rows if row.cell in split.train]))
    grid = Grid(config.pixel_size, config.mask_margin, config.data.side)
    frames: dict[str, list[Example]] = {}
    sources = [source for source in found.sources if source.cell in found.cells]
    for done, source in enumerate(sources):
        told("Preparing frames", done, len(sources))
        own = [row.frame for row in rows if row.cell == source.cell]
        frames[source.cell] = _examples(source, own, found, grid, config, mean)
    total = sum(len(of_cell) for of_cell in frames.values())
    description = (
        f"{counted(total, 'frame')} of {counted(len(frames), 'measured cell')} (mean |F| {mean:.4g} Pa), "
        f"cells kept aside for validation: {len(split.validation)}."
    )
    return Measured(frames, split, mean, description)


def _examples(
    source: CellSource,
    chosen: Sequence[int],
    found: DatasetIndex,
    grid: Grid,
    config: TrainConfig,
    mean: float,
) -> list[Example]:
    """Return the chosen frames of a cell."""
    cell = open_cell(source)
    channels, baselines = channels_of(cell, source, found, config.proteins)
    size = cell.image.pixel_size
    assert size is not None, "cells without one are not indexed"
    result = []
    for t in chosen:
        proteins = normalise(cell.image.frame(t, channels), baselines, "outside_inside")
        u = None if cell.displacement is None else in_memory(cell.displacement.data[t], dtype=np.float32)
        force = in_memory(cell.traction.data[t], dtype=np.float32) / mean
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
