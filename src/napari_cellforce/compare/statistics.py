"""Numbers for the agreement of two fields, with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_cellforce.compare.alignment import FieldPair
from napari_cellforce.compare.maps import angle_between
from napari_cellforce.errors import CellForceError, Topic

Array = npt.NDArray[np.float64]
Sums = Array
"""(..., 8): see `_of_vectors`."""

_BLOCK = 5.0
"""Side in µm of the blocks that are drawn: about the size of an adhesion's traction, within which vectors are
not independent."""
_RESAMPLES = 500
_INTERVAL = (2.5, 97.5)
_COUNT, A_SQUARED, B_SQUARED, _AB, _A, _B, _LENGTHS, _TURNED = range(8)


def block_sums(pairs: Sequence[FieldPair], cell: int | None = None) -> Sums:
    """Return the sums of each square of 5 µm, ``(blocks, 8)``; vectors inside the mask only.

    Parameters
    ----------
    pairs : sequence of FieldPair
    cell : int, optional
        Only vectors in this cell.
    """
    return np.concatenate(
        [_blocks(pair, pair.mask if cell is None else pair.cells == cell) for pair in pairs]
    )


def bootstrap_intervals(
    blocks: Sums, numbers: Mapping[str, Callable[[Sums], Array]], seed: int
) -> tuple[Array, Array]:
    """Return the ends of the 95 % intervals of numbers, from blocks drawn with replacement.

    Blocks, not vectors, as neighbouring vectors are not independent (block bootstrap).
    """
    rng = np.random.default_rng(seed)
    drawn = np.stack(
        [
            np.bincount(rng.integers(len(blocks), size=len(blocks)), minlength=len(blocks)) @ blocks
            for _ in range(_RESAMPLES)
        ]
    )
    values = np.stack([number(drawn) for number in numbers.values()])
    known = np.isfinite(values).any(axis=1)
    low, high = np.full((2, len(values)), np.nan)
    low[known], high[known] = np.nanpercentile(values[known], _INTERVAL, axis=1)
    return low, high


def factor(sums: Sums) -> Array:
    """Return the scale that brings A closest to B, by least squares."""
    return _ratio(sums[..., _AB], sums[..., A_SQUARED])


def vector_correlation(sums: Sums) -> Array:
    """Return the cosine between both fields taken as one long vector each."""
    return _ratio(sums[..., _AB], np.sqrt(sums[..., A_SQUARED] * sums[..., B_SQUARED]))


def magnitude_correlation(sums: Sums) -> Array:
    """Return the correlation coefficient of the magnitudes."""
    n, a, b = (sums[..., i] for i in (_COUNT, _A, _B))
    spread = [np.maximum(n * sums[..., i] - s**2, 0) for i, s in ((A_SQUARED, a), (B_SQUARED, b))]
    return _ratio(n * sums[..., _LENGTHS] - a * b, np.sqrt(spread[0] * spread[1]))


def mean_angle(sums: Sums) -> Array:
    """Return the mean |angle| between vectors in degrees, each counted by the second's length."""
    return _ratio(sums[..., _TURNED], sums[..., _B])


def force_ratio(sums: Sums) -> Array:
    """Return the total of the first over that of the second."""
    return _ratio(sums[..., _A], sums[..., _B])


def rms_difference(sums: Sums) -> Array:
    """Return the root mean square of the difference's length."""
    square = sums[..., A_SQUARED] + sums[..., B_SQUARED] - 2 * sums[..., _AB]
    return np.sqrt(np.maximum(_ratio(square, sums[..., _COUNT]), 0))


def mean_difference(sums: Sums) -> Array:
    """Return the mean length of the first less that of the second."""
    return _ratio(sums[..., _A] - sums[..., _B], sums[..., _COUNT])


def explained(sums: Sums) -> Array:
    """Return the share of the second's mean square that the first, scaled by `factor`, explains."""
    return vector_correlation(sums) ** 2


def _blocks(pair: FieldPair, inside: npt.NDArray[np.bool_]) -> Sums:
    side = max(1, round(_BLOCK / pair.spacing))
    rows, columns = np.nonzero(inside)
    number = rows // side * (inside.shape[1] // side + 1) + columns // side
    _, place = np.unique(number, return_inverse=True)
    vectors = _of_vectors(pair.first[:, rows, columns], pair.second[:, rows, columns])
    blocks = int(place.max()) + 1 if len(place) else 0
    sums: Array = np.stack([np.bincount(place, values, blocks) for values in vectors], axis=1)
    return sums


def _of_vectors(a: Array, b: Array) -> list[Array]:
    """Return, for vectors ``(2, N)``: 1, a², b², a·b, |a|, |b|, |a||b|, and |angle| |b|."""
    lengths = [np.hypot(*vectors) for vectors in (a, b)]
    turned = np.abs(angle_between(a, b)) * lengths[1]
    return [
        np.ones(a.shape[1]),
        lengths[0] ** 2,
        lengths[1] ** 2,
        (a * b).sum(axis=0),
        *lengths,
        lengths[0] * lengths[1],
        turned,
    ]


def _ratio(numerator: Array, denominator: Array) -> Array:
    """Return a ratio, NaN where there is nothing below."""
    some = np.asarray(denominator) > 0
    ratio: Array = np.divide(numerator, denominator, out=np.full(np.shape(some), np.nan), where=some)
    return ratio


@dataclass(frozen=True)
class Estimate:
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
    "correlation of vectors": vector_correlation,
    "correlation of magnitudes": magnitude_correlation,
    "mean angle error, weighted by B [°]": mean_angle,
}
_ABSOLUTE: dict[str, Callable[[Sums], Array]] = {
    "total A / total B": force_ratio,
    "root mean square difference [{unit}]": rms_difference,
    "mean |A| - mean |B| [{unit}]": mean_difference,
}
_FACTOR = "scale from A to B"


def agreement(pairs: Sequence[FieldPair], unit: str, *, seed: int = 0) -> list[Estimate]:
    """Return how well two fields agree inside the cell, all frames together.

    Parameters
    ----------
    pairs : sequence of FieldPair
    unit : str
        Unit of both fields, for the names; empty if they differ: then only scale-free numbers are given.
    seed : int
        Seed of the bootstrap, which draws blocks of 5 µm, as neighbouring vectors are not independent.
    """
    numbers, blocks = _numbers(unit), block_sums(pairs)
    whole = blocks.sum(axis=0)
    low, high = bootstrap_intervals(blocks, numbers, seed)
    return [
        Estimate(name, float(number(whole)), float(low[i]), float(high[i]))
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
                topic=Topic.CALIBRATION,
            )
    if not (np.isfinite(found) and found > 0):
        raise CellForceError(
            "no positive scale brings the first field to the second",
            "both must point the same way, on the whole",
            "Check the order of x and y and the signs, and that both show the same cell.",
            topic=Topic.CALIBRATION,
        )
    (low,), (high,) = bootstrap_intervals(blocks, {_FACTOR: factor}, seed)
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
        ends = bootstrap_intervals(blocks, numbers, seed)
        for i, (name, number) in enumerate(numbers.items()):
            row |= {name: float(number(whole))}
            row |= {f"{name}, 95 % {end}": float(ends[k][i]) for k, end in enumerate(("from", "to"))}
        rows.append(row)
    return pd.DataFrame(rows)


def _numbers(unit: str) -> dict[str, Callable[[Sums], Array]]:
    absolute = {name.format(unit=unit): number for name, number in _ABSOLUTE.items()} if unit else {}
    return _SCALE_FREE | absolute
