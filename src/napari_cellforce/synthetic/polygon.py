"""Polygons as arrays of corners ``(N, 2)``, (y, x): what an outline is computed with."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline

from napari_cellforce.fields import BoolArray

Array = npt.NDArray[np.float64]

_OBLIQUE = np.array([1.0, 0.618])


def principal_axis(points: Array) -> float:
    """Return the direction, atan2(y, x), along which ``(N, 2)`` points spread most."""
    offsets = points - points.mean(axis=0)
    y, x = np.linalg.eigh(offsets.T @ offsets)[1][:, -1]
    return math.atan2(y, x)


def filled(points: Array, shape: tuple[int, int]) -> BoolArray:
    """Return which pixel centres lie inside a polygon (in pixels): those with an odd number of edges before.

    `skimage.draw.polygon` does the same an order of magnitude slower.
    """
    end = np.roll(points, -1, axis=0)
    low, high = np.minimum(points, end), np.maximum(points, end)
    first, last = (np.ceil(edge[:, 0]).astype(int) for edge in (low, high))
    edge = np.repeat(np.arange(len(points)), last - first)
    row = np.arange(len(edge)) - np.repeat(np.cumsum(last - first) - last, last - first)
    step = (end - points)[edge]
    column = points[edge, 1] + (row - points[edge, 0]) * step[:, 1] / step[:, 0]
    crossings = np.zeros((shape[0], shape[1] + 1), dtype=np.int32)
    np.add.at(crossings, (row, np.ceil(column).astype(int)), 1)
    inside: BoolArray = crossings.cumsum(axis=1)[:, : shape[1]] % 2 == 1
    return inside


def edges(points: Array) -> Array:
    """Return the steps from each corner to the next, the last to the first, ``(N, 2)``."""
    return np.roll(points, -1, axis=0) - points


def signed_area(points: Array) -> float:
    """Return the area by the shoelace formula, positive when y turns towards x."""
    y, x = points.T
    return 0.5 * float((y * np.roll(x, -1) - x * np.roll(y, -1)).sum())


def without_repeats(points: Array) -> Array:
    """Drop points that repeat the one before, and a last point that repeats the first."""
    if len(points) < 2:
        return points
    distinct: Array = points[np.hypot(*edges(points).T) > 1e-9]
    return distinct


def smooth_ring(corners: Array, count: int) -> Array:
    """Return `count` points of a closed cubic spline through the corners, parametrised by chord length."""
    ring = np.concatenate([corners, corners[:1]])
    chord = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(ring, axis=0).T))])
    spline = CubicSpline(chord, ring, bc_type="periodic")
    points: Array = spline(np.linspace(0, chord[-1], count, endpoint=False))
    return points


def meets_itself(points: Array) -> bool:
    """Say whether any two edges that are not neighbours cross or touch: each reaches the line of the other.

    Two edges along one line are left to their neighbours, which meet where these overlap.
    """
    following = np.roll(points, -1, axis=0)
    one, other = _side_by_side(points, following)
    between = np.abs(one - other)
    apart = (between > 1) & (between < len(points) - 1)
    one, other = one[apart], other[apart]
    rounding = 1e-9 * np.ptp(points)

    def reaches(a: npt.NDArray[np.intp], b: npt.NDArray[np.intp]) -> BoolArray:
        """Say which edges b have an end on either side of the line of edge a, or one end on it."""
        step = following[a] - points[a]
        step = step / np.maximum(np.hypot(*step.T), 1e-12)[:, None]
        start, end = (
            step[:, 0] * (ends[b, 1] - points[a, 1]) - step[:, 1] * (ends[b, 0] - points[a, 0])
            for ends in (points, following)
        )
        low, high = np.minimum(start, end), np.maximum(start, end)
        on_line = (low > -rounding) & (high < rounding)
        found: BoolArray = (low <= rounding) & (high >= -rounding) & ~on_line
        return found

    return bool((reaches(one, other) & reaches(other, one)).any())


def _side_by_side(start: Array, end: Array) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Return the pairs of edges whose shadows on a line overlap: of a painted cell's thousands, a small part.

    The line is oblique, so that the many edges along one row or column do not share their shadow.
    """
    shadows = start @ _OBLIQUE, end @ _OBLIQUE
    low, high = np.minimum(*shadows), np.maximum(*shadows)
    order = np.argsort(low)
    n = np.arange(len(order))
    count = np.searchsorted(low[order], high[order], side="right") - n - 1
    one = np.repeat(n, count)
    other = one + 1 + np.arange(len(one)) - np.repeat(np.cumsum(count) - count, count)
    return order[one], order[other]
