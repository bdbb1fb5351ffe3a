"""Sums that all numbers of a comparison are made of; the bootstrap draws blocks by adding theirs up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from napari_cellforce.compare.alignment import FieldPair
from napari_cellforce.compare.maps import angle_between

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


def intervals(blocks: Sums, numbers: Mapping[str, Callable[[Sums], Array]], seed: int) -> tuple[Array, Array]:
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
    return _over(sums[..., _AB], sums[..., A_SQUARED])


def correlation(sums: Sums) -> Array:
    """Return the cosine between both fields taken as one long vector each."""
    return _over(sums[..., _AB], np.sqrt(sums[..., A_SQUARED] * sums[..., B_SQUARED]))


def size_correlation(sums: Sums) -> Array:
    """Return the correlation coefficient of the magnitudes."""
    n, a, b = (sums[..., i] for i in (_COUNT, _A, _B))
    spread = [np.maximum(n * sums[..., i] - s**2, 0) for i, s in ((A_SQUARED, a), (B_SQUARED, b))]
    return _over(n * sums[..., _LENGTHS] - a * b, np.sqrt(spread[0] * spread[1]))


def angle(sums: Sums) -> Array:
    """Return the mean |angle| between vectors in degrees, each counted by the second's length."""
    return _over(sums[..., _TURNED], sums[..., _B])


def force_ratio(sums: Sums) -> Array:
    """Return the total of the first over that of the second."""
    return _over(sums[..., _A], sums[..., _B])


def rms(sums: Sums) -> Array:
    """Return the root mean square of the difference's length."""
    square = sums[..., A_SQUARED] + sums[..., B_SQUARED] - 2 * sums[..., _AB]
    return np.sqrt(np.maximum(_over(square, sums[..., _COUNT]), 0))


def bias(sums: Sums) -> Array:
    """Return the mean length of the first less that of the second."""
    return _over(sums[..., _A] - sums[..., _B], sums[..., _COUNT])


def explained(sums: Sums) -> Array:
    """Return the share of the second's mean square that the first, scaled by `factor`, explains."""
    return correlation(sums) ** 2


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


def _over(numerator: Array, denominator: Array) -> Array:
    """Return a ratio, NaN where there is nothing below."""
    some = np.asarray(denominator) > 0
    ratio: Array = np.divide(numerator, denominator, out=np.full(np.shape(some), np.nan), where=some)
    return ratio
