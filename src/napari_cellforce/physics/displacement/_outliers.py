"""Vectors that do not fit their neighbours: found and replaced."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import convolve

from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import BoolArray
from napari_cellforce.physics._grid import RealArray

_RING = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0)]
_KERNEL = np.array([[1, 2, 1], [2, 0, 2], [1, 2, 1]], dtype=float)


def normalised_median_residual(vectors: RealArray, noise: float) -> RealArray:
    """Return how far each vector is from its eight neighbours, in units of their own scatter.

    r = |u - median(u_i)| / (median |u_i - median(u_i)| + noise), the larger of both components;
    2 is the usual threshold. Neighbours outside the field or NaN do not count.

    Parameters
    ----------
    vectors : (2, Y, X) array
        May hold NaN.
    noise : float
        Scatter that is always allowed for, in the unit of the vectors (0.1 pixels as a rule).

    Returns
    -------
    (Y, X) array
        0 where a vector has no neighbour, NaN where there is no vector.

    References
    ----------
    Westerweel & Scarano (2005), Exp. Fluids 39:1096, doi:10.1007/s00348-005-0016-6.
    """
    around = _neighbours(vectors)
    median = _median(around)
    scatter = _median(np.abs(around - median))
    residual = np.abs(vectors - median) / (scatter + noise)
    residual[np.isnan(median) & ~np.isnan(vectors)] = 0
    worst: RealArray = residual.max(axis=0)
    return worst


def replace(vectors: RealArray, rejected: BoolArray) -> RealArray:
    """Fill rejected vectors with the weighted mean of their neighbours, from the rim of a hole inwards.

    Raises
    ------
    CellForceError
        If all vectors are rejected.
    """
    if rejected.all():
        raise CellForceError(
            "no displacement could be measured: every vector was rejected",
            "the beads of both images must be the same, and seen in most windows",
            "Check that both images show the same place, in focus; take larger windows.",
            topic="displacement",
        )
    filled = np.where(rejected, 0, vectors)
    known = (~rejected).astype(float)
    while not known.all():
        weight = convolve(known, _KERNEL, mode="constant")
        rim = (known == 0) & (weight > 0)
        for part in filled:
            part[rim] = convolve(part, _KERNEL, mode="constant")[rim] / weight[rim]
        known[rim] = 1
    return filled


def _neighbours(vectors: RealArray) -> RealArray:
    """Return the eight neighbours of every vector, (8, 2, Y, X), NaN where there is none."""
    height, width = vectors.shape[1:]
    padded = np.pad(vectors, ((0, 0), (1, 1), (1, 1)), constant_values=np.nan)
    return np.stack([padded[:, 1 + y : 1 + y + height, 1 + x : 1 + x + width] for y, x in _RING])


def _median(values: RealArray) -> RealArray:
    """Return the median over the first axis, leaving out NaN; numpy's own is slow for many short lists."""
    ordered = np.sort(values, axis=0)  # NaN last
    count = np.count_nonzero(~np.isnan(values), axis=0)[None]
    middle = np.maximum((count - 1) // 2, 0), np.minimum(count // 2, len(values) - 1)
    low, high = (np.take_along_axis(ordered, index, axis=0)[0] for index in middle)
    median: RealArray = (low + high) / 2
    return median
