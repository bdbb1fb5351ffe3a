"""Numbers for the agreement of two fields, with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from napari_cellforce.compare.alignment import FieldPair
from napari_cellforce.compare.sums import (
    A_SQUARED,
    B_SQUARED,
    Array,
    Sums,
    angle,
    bias,
    block_sums,
    correlation,
    explained,
    factor,
    force_ratio,
    intervals,
    rms,
    size_correlation,
)
from napari_cellforce.errors import CellForceError


@dataclass(frozen=True)
class Agreement:
    """A number with its 95 % interval.

    Attributes
    ----------
    name : str
        With unit, as in a table.
    value, low, high : float
    """

    name: str
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Calibration:
    """The factor that brings the first field closest to the second, over all frames.

    Attributes
    ----------
    factor : float
        In units of the second per unit of the first; Pa per normalised unit, as a rule.
    low, high : float
        95 % interval.
    explained : float
        Share of the second's mean square that the scaled first explains, 0 to 1.
    """

    factor: float
    low: float
    high: float
    explained: float


_SCALE_FREE: dict[str, Callable[[Sums], Array]] = {
    "correlation of vectors": correlation,
    "correlation of magnitudes": size_correlation,
    "mean angle error, weighted by B [°]": angle,
}
_ABSOLUTE: dict[str, Callable[[Sums], Array]] = {
    "total A / total B": force_ratio,
    "root mean square difference [{unit}]": rms,
    "mean |A| - mean |B| [{unit}]": bias,
}
_FACTOR = "scale from A to B"


def agreement(pairs: Sequence[FieldPair], unit: str, *, seed: int = 0) -> list[Agreement]:
    """Return how well two fields agree inside the cell, all frames together.

    Parameters
    ----------
    pairs : sequence of FieldPair
    unit : str
        Of both fields, for the names; empty if they differ: then only what does not depend on scale is given.
    seed : int
        Of the bootstrap, which draws blocks of 5 µm, as neighbouring vectors are not independent.
    """
    numbers, blocks = _numbers(unit), block_sums(pairs)
    whole = blocks.sum(axis=0)
    low, high = intervals(blocks, numbers, seed)
    return [
        Agreement(name, float(number(whole)), float(low[i]), float(high[i]))
        for i, (name, number) in enumerate(numbers.items())
    ]


def calibration(pairs: Sequence[FieldPair], *, seed: int = 0) -> Calibration:
    """Fit one scale, first to second, by least squares over all vectors of all frames.

    With several cells, give the pairs of all: the interval is then over their blocks, too.

    Raises
    ------
    CellForceError
        If the first field is 0, or points against the second.
    """
    blocks = block_sums(pairs)
    whole = blocks.sum(axis=0)
    found = float(factor(whole))
    for which, place in (("first", A_SQUARED), ("second", B_SQUARED)):
        if not whole[place] > 0:
            raise CellForceError(
                f"the {which} field is 0 everywhere inside the cell",
                "a scale is found from its vectors",
                "Choose another field, or another cell.",
                topic="calibration",
            )
    if not (np.isfinite(found) and found > 0):
        raise CellForceError(
            "no positive scale brings the first field to the second",
            "both must point the same way, on the whole",
            "Check the order of x and y and the signs, and that both show the same cell.",
            topic="calibration",
        )
    (low,), (high,) = intervals(blocks, {_FACTOR: factor}, seed)
    return Calibration(found, float(low), float(high), float(explained(whole)))


def cell_table(pairs: Sequence[FieldPair], unit: str, *, seed: int = 0) -> pd.DataFrame:
    """Return the numbers of each cell, all its frames together, a row a cell.

    Parameters
    ----------
    pairs, unit, seed
        As for `agreement`.

    Returns
    -------
    DataFrame
        ``cell`` (its label), ``frames``, ``vectors``; each number of `agreement` and the scale from A to B,
        followed by the ends of its 95 % interval.
    """
    numbers = {**_numbers(unit), _FACTOR: factor}
    rows = []
    for cell in np.unique(np.concatenate([np.unique(pair.cells[pair.cells != 0]) for pair in pairs])):
        blocks = block_sums(pairs, int(cell))
        whole = blocks.sum(axis=0)
        frames = sum(bool((pair.cells == cell).any()) for pair in pairs)
        row: dict[str, float] = {"cell": int(cell), "frames": frames, "vectors": int(whole[0])}
        ends = intervals(blocks, numbers, seed)
        for i, (name, number) in enumerate(numbers.items()):
            row |= {name: float(number(whole))}
            row |= {f"{name}, 95 % {end}": float(ends[k][i]) for k, end in enumerate(("from", "to"))}
        rows.append(row)
    return pd.DataFrame(rows)


def _numbers(unit: str) -> dict[str, Callable[[Sums], Array]]:
    absolute = {name.format(unit=unit): number for name, number in _ABSOLUTE.items()} if unit else {}
    return _SCALE_FREE | absolute
