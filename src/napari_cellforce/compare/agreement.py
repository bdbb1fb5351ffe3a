"""Numbers for the agreement of two fields, with bootstrap intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_cellforce.compare.alignment import FieldPair
from napari_cellforce.compare.maps import angle_between
from napari_cellforce.errors import CellForceError

Array = npt.NDArray[np.float64]
Vectors = tuple[Array, Array]
"""Of both fields, (2, N)."""

_RESAMPLES = 500
_INTERVAL = (2.5, 97.5)
_BLOCK = 5.0
"""Side in µm of the blocks that are drawn: about the size of an adhesion's traction, within which vectors are
not independent."""


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
    numbers = _SCALE_FREE | ({name.format(unit=unit): f for name, f in _ABSOLUTE.items()} if unit else {})
    blocks = _blocks(pairs)
    whole = _joined(blocks)
    drawn = _bootstrap(blocks, lambda v: np.array([f(v) for f in numbers.values()]), seed)
    low, high = np.nanpercentile(drawn, _INTERVAL, axis=0)
    return [
        Agreement(name, float(f(whole)), float(low[i]), float(high[i]))
        for i, (name, f) in enumerate(numbers.items())
    ]


def calibration(pairs: Sequence[FieldPair], *, seed: int = 0) -> Calibration:
    """Fit one scale, first to second, by least squares over all vectors of all frames.

    With several cells, give the pairs of all: the interval is then over their blocks, too.

    Raises
    ------
    CellForceError
        If the first field is 0, or points against the second.
    """
    blocks = _blocks(pairs)
    a, b = _joined(blocks)
    factor = _factor((a, b))
    if not (np.isfinite(factor) and factor > 0):
        raise CellForceError(
            "no positive scale brings the first field to the second",
            "both must point the same way, on the whole",
            "Check the order of x and y and the signs, and that both show the same cell.",
            topic="calibration",
        )
    low, high = np.nanpercentile(_bootstrap(blocks, lambda v: np.array([_factor(v)]), seed), _INTERVAL)
    explained = 1 - float(((factor * a - b) ** 2).sum() / (b**2).sum())
    return Calibration(factor, float(low), float(high), explained)


def _blocks(pairs: Sequence[FieldPair]) -> list[Vectors]:
    """Cut the cells into squares; vectors inside the mask only."""
    blocks = []
    for pair in pairs:
        side = max(1, round(_BLOCK / pair.spacing))
        rows, columns = np.nonzero(pair.mask)
        number = rows // side * (pair.mask.shape[1] // side + 1) + columns // side
        order = np.argsort(number, kind="stable")
        cuts = np.flatnonzero(np.diff(number[order])) + 1
        for some in np.split(order, cuts):
            at = (slice(None), rows[some], columns[some])
            blocks.append((pair.first[at], pair.second[at]))
    return blocks


def _joined(blocks: Sequence[Vectors]) -> Vectors:
    return np.concatenate([a for a, _ in blocks], axis=1), np.concatenate([b for _, b in blocks], axis=1)


def _bootstrap(blocks: list[Vectors], statistic: Callable[[Vectors], Array], seed: int) -> Array:
    """Return the statistic of blocks drawn with replacement, (resamples, numbers)."""
    rng = np.random.default_rng(seed)
    first, second = _joined(blocks)
    ends = np.cumsum([a.shape[1] for a, _ in blocks])
    starts = np.concatenate([[0], ends[:-1]])
    results = []
    for _ in range(_RESAMPLES):
        drawn = rng.integers(len(blocks), size=len(blocks))
        places = np.concatenate([np.arange(starts[k], ends[k]) for k in drawn])
        results.append(statistic((first[:, places], second[:, places])))
    return np.array(results)


def _factor(vectors: Vectors) -> float:
    a, b = vectors
    norm = float((a**2).sum())
    return float((a * b).sum()) / norm if norm > 0 else float("nan")


def _correlation(vectors: Vectors) -> float:
    """Return the cosine between both fields taken as one long vector each."""
    a, b = vectors
    norm = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float((a * b).sum()) / norm if norm > 0 else float("nan")


def _size_correlation(vectors: Vectors) -> float:
    a, b = (np.hypot(*v) for v in vectors)
    return float(np.corrcoef(a, b)[0, 1]) if a.std() > 0 and b.std() > 0 else float("nan")


def _angle(vectors: Vectors) -> float:
    """Return the mean |angle| between vectors, each counted by the second's length."""
    a, b = vectors
    weight = np.hypot(*b)
    return (
        float((np.abs(angle_between(a, b)) * weight).sum() / weight.sum()) if weight.any() else float("nan")
    )


def _force_ratio(vectors: Vectors) -> float:
    a, b = (float(np.hypot(*v).sum()) for v in vectors)
    return a / b if b > 0 else float("nan")


def _rms(vectors: Vectors) -> float:
    a, b = vectors
    return float(np.sqrt(((a - b) ** 2).sum(axis=0).mean()))


def _bias(vectors: Vectors) -> float:
    a, b = (np.hypot(*v) for v in vectors)
    return float((a - b).mean())


_SCALE_FREE: dict[str, Callable[[Vectors], float]] = {
    "correlation of vectors": _correlation,
    "correlation of magnitudes": _size_correlation,
    "mean angle error, weighted by B [°]": _angle,
}
_ABSOLUTE: dict[str, Callable[[Vectors], float]] = {
    "total A / total B": _force_ratio,
    "root mean square difference [{unit}]": _rms,
    "mean |A| - mean |B| [{unit}]": _bias,
}
