"""Closed polygons: their area, sides and corners; shifted, blunted, and checked for crossings.

A polygon is an ``(n, 2)`` array of its corners, (y, x).
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

from napari_cellforce.physics.banded import Array

SHARPEST = 45.0
"""Angle of the outline's corners, in degrees, below which a tip is cut: its triangles would be too narrow."""


def signed_area(polygon: Array) -> float:
    """Return the area of a polygon, with the sign of its sense of rotation."""
    y, x = polygon.T
    return float(0.5 * (y @ np.roll(x, -1) - x @ np.roll(y, -1)))


def side_lengths(polygon: Array) -> Array:
    """Return the lengths of the sides, the first from corner 0 to corner 1."""
    sides: Array = np.hypot(*(np.roll(polygon, -1, axis=0) - polygon).T)
    return sides


def outward_normals(polygon: Array) -> Array:
    """Return unit vectors at the corners, to the side on which a counter-clockwise polygon grows."""
    tangent = np.roll(polygon, -1, axis=0) - np.roll(polygon, 1, axis=0)
    tangent /= np.maximum(np.hypot(*tangent.T), 1e-12)[:, None]
    outward = np.stack([tangent[:, 1], -tangent[:, 0]], axis=1)
    outward *= np.sign(signed_area(polygon))
    return outward


def resampled(polygon: Array, at: Array) -> Array:
    """Return the points at the given distances along a closed polygon."""
    closed = np.vstack([polygon, polygon[:1]])
    along = np.concatenate([[0.0], np.cumsum(side_lengths(polygon))])
    return np.stack([np.interp(at, along, closed[:, c]) for c in (0, 1)], axis=1)


def with_area(polygon: Array, area: float) -> Array:
    """Shift the sides of a polygon, all by the same distance, until it encloses `area`."""
    for _ in range(4):
        missing = area - abs(signed_area(polygon))
        polygon = polygon + missing / side_lengths(polygon).sum() * outward_normals(polygon)
    return polygon


def corner_angles(polygon: Array) -> Array:
    """Return the angles between neighbouring sides in degrees, at most 180, ``(n,)``."""
    forth, back = np.roll(polygon, -1, axis=0) - polygon, np.roll(polygon, 1, axis=0) - polygon
    turn = forth[:, 0] * back[:, 1] - forth[:, 1] * back[:, 0]
    angles: Array = np.degrees(np.arctan2(np.abs(turn), (forth * back).sum(axis=1)))
    return angles


def blunted(polygon: Array, area: float) -> Array:
    """Remove corners sharper than `SHARPEST`, the sharpest first, keeping the area."""
    for _ in range(len(polygon) - 3):
        angle = corner_angles(polygon)
        if angle.min() >= SHARPEST:
            break
        polygon = with_area(np.delete(polygon, angle.argmin(), axis=0), area)
    return polygon


def crossing(polygons: tuple[Array, ...]) -> bool:
    """Tell whether any two sides of the polygons cross."""
    start = np.vstack(polygons)
    end = np.vstack([np.roll(p, -1, axis=0) for p in polygons])
    longest = float(np.hypot(*(end - start).T).max())
    i, j = KDTree((start + end) / 2).query_pairs(longest, output_type="ndarray").T

    def side(a: Array, b: Array, c: Array) -> Array:
        turn: Array = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
        return turn

    apart = side(start[i], end[i], start[j]) * side(start[i], end[i], end[j]) < 0
    across = side(start[j], end[j], start[i]) * side(start[j], end[j], end[i]) < 0
    return bool((apart & across).any())
