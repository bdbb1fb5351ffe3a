"""Split of cells into training and validation sets. A cell is never in both."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_cellforce import files
from napari_cellforce.config_io import read_settings, to_json
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.io.cell_index.sources import CellSource


@dataclass(frozen=True)
class Split:
    """Names of the training and validation cells.

    Attributes
    ----------
    train, validation : tuple of str
        Training cells, and validation cells.
    window : tuple of 2 int or None
        First and last validation frame; the training cells are then used only outside of it, so that a
        time window (under a drug, after washing it out) is new to the model.
    """

    train: tuple[str, ...]
    validation: tuple[str, ...]
    window: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        both = set(self.train) & set(self.validation)
        if both:
            raise ValueError(f"{sorted(both)[0]} is in both sets of the split")

    def uses(self, cell: str, frame: int) -> bool:
        """Return whether a frame is used, for training or validation."""
        if self.window is None:
            return True
        inside = self.window[0] <= frame <= self.window[1]
        return inside == (cell in self.validation)

    def write(self, path: str | os.PathLike[str]) -> Path:
        """Write the split as JSON."""
        return files.write_text(path, to_json(self))

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Split:
        """Read what `write` wrote."""
        return read_settings(path, cls)


def split_by_cell(cells: Sequence[str], validation: float = 0.2, seed: int = 0) -> Split:
    """Draw a fraction of the cells, at least one, as validation set.

    Raises
    ------
    CellForceError
        If there is only one cell.
    """
    _require(cells, 2)
    count = min(max(round(validation * len(cells)), 1), len(cells) - 1)
    return _split(cells, _shuffled(cells, seed)[:count])


def k_fold(cells: Sequence[str], folds: int, fold: int, seed: int = 0) -> Split:
    """Use one of several equal parts of the cells as validation set.

    Raises
    ------
    CellForceError
        If there are fewer cells than folds.
    """
    if not 0 <= fold < folds:
        raise ValueError(f"fold is {fold}, but must be from 0 to {folds - 1}")
    _require(cells, max(folds, 2))
    return _split(cells, _shuffled(cells, seed)[fold::folds])


def split_by_column(sources: Sequence[CellSource], column: str, validation: Sequence[str]) -> Split:
    """Use the cells whose column has one of the given values (a drug, a day, a dish) as validation set.

    Raises
    ------
    CellForceError
        If a set would be empty.
    """
    aside = [cell.cell for cell in sources if cell.columns.get(column) in validation]
    if not 0 < len(aside) < len(sources):
        values = sorted({cell.columns.get(column, "") for cell in sources})
        raise CellForceError(
            f"{len(aside)} of {len(sources)} cells have {column} = {' or '.join(validation)}",
            "both sets, training and validation, need cells",
            f"Choose another column or value; it has {', '.join(values) or 'no values'}.",
            topic=Topic.SPLIT,
        )
    return _split([cell.cell for cell in sources], aside)


def _split(cells: Sequence[str], aside: Sequence[str]) -> Split:
    return Split(tuple(cell for cell in cells if cell not in set(aside)), tuple(sorted(aside)))


def _shuffled(cells: Sequence[str], seed: int) -> list[str]:
    order = np.random.default_rng(seed).permutation(len(cells))
    return [sorted(cells)[i] for i in order]


def _require(cells: Sequence[str], least: int) -> None:
    if len(cells) < least:
        raise CellForceError(
            "there is only one cell" if len(cells) == 1 else f"there are {len(cells)} cells",
            f"a split by cell needs at least {least}: frames of one cell are too similar for validation",
            "Add cells; with one cell, calibrate only the scale.",
            topic=Topic.SPLIT,
        )
