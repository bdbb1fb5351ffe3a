"""Polygonal outlines of masks for meshing: smooth, with suitable spacing of corners and the area of the mask.

Positions are in pixels, (y, x), with pixel centres at integers. A polygon is an ``(n, 2)`` array of corners.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.spatial import KDTree
from skimage.measure import find_contours

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import BoolArray
from napari_cellforce.physics.linear_algebra import Array

SMOOTHING = 0.35
"""Standard deviation of the smoothing of contours, in edge lengths."""
GRADING = 0.4
"""Maximum growth of the spacing per distance: 0.4 keeps angles large."""
MAX_REMOVED_SHARE = 0.1
"""Maximum fraction of a mask that may change by removing threads and specks and filling pinholes."""


def outlines(mask: BoolArray, edge: float) -> list[tuple[Array, ...]]:
    """Return the outlines of the connected parts of a mask.

    Parameters
    ----------
    mask : (Y, X) bool array
    edge : float
        Target distance between corners in pixels; it is smaller where the part or a gap is narrower.

    Returns
    -------
    list of tuple of (n, 2) array
        Outline and holes of every part, as polygons.

    Raises
    ------
    CellForceError
        If the mask is empty, consists mostly of threads, or has no outline without crossings.
    """
    if not mask.any():
        raise CellForceError(
            "the cell mask is empty",
            "a mesh needs a nonempty mask",
            "Lower the threshold of the mask, or draw the cell.",
            topic=Topic.MASK,
        )
    thick = _without_threads(np.pad(mask, 1), edge)
    # The removed and filled area is compensated along the outlines: the area is that of the mask.
    gain = mask.sum() / thick.sum()
    labels, count = ndimage.label(thick)
    parts = (_outline(labels == label, edge, float(gain)) for label in range(1, count + 1))
    return [tuple(polygon - 1 for polygon in part) for part in parts]


def _without_threads(mask: BoolArray, edge: float) -> BoolArray:
    """Remove one-pixel bridges and spurs and parts below an edge squared; fill holes below half an edge."""
    thick = np.asarray(ndimage.binary_opening(mask), dtype=np.bool_)
    specks = _smaller(thick, edge**2, diagonal=False)
    if (thick & ~specks).any():
        thick &= ~specks
    thick |= _smaller(~thick, edge**2 / 4, diagonal=True)
    changed = (thick ^ mask).sum() / mask.sum()
    if changed > MAX_REMOVED_SHARE:
        raise CellForceError(
            f"threads of 1-2 pixels, specks and pinholes make up {100 * changed:.0f} % of the cell mask",
            f"at most {100 * MAX_REMOVED_SHARE:.0f} % can be omitted from a mesh",
            "Smooth the mask, draw it at a higher resolution, or choose a shorter edge length.",
            topic=Topic.MASK,
        )
    return thick


def _smaller(mask: BoolArray, area: float, *, diagonal: bool) -> BoolArray:
    """Return the connected parts of a mask with fewer than 4 or than `area` pixels.

    The background around the cell, which includes the first pixel, is neither a speck nor a hole.
    """
    labels, _ = ndimage.label(mask, structure=ndimage.generate_binary_structure(2, 2 if diagonal else 1))
    small = np.bincount(labels.ravel()) < max(area, 4)
    small[[0, labels[0, 0]]] = False
    return np.asarray(small[labels], dtype=np.bool_)


def _outline(mask: BoolArray, edge: float, gain: float) -> tuple[Array, ...]:
    """Return the outlines of one part, with less smoothing if outlines cross."""
    steps = [np.asarray(c[:-1], dtype=np.float64) for c in find_contours(mask, 0.5, fully_connected="low")]
    steps.sort(key=lambda contour: -abs(signed_area(contour)))
    areas = [_pixel_area(contour) for contour in steps]
    areas[0] += (gain - 1) * mask.sum()
    for finer in (1.0, 0.5, 0.25):
        smooth = [with_area(_smoothed(c, edge * finer), a) for c, a in zip(steps, areas, strict=True)]
        spaced = _spaced(smooth, edge * finer)
        polygons = tuple(blunted(with_area(c, a), a) for c, a in zip(spaced, areas, strict=True))
        if not crossing(polygons):
            return polygons
    raise CellForceError(
        "the outline of the cell mask crosses itself",
        "a cell needs a simple outline at the mesh's edge length",
        "Smooth the mask, or choose a shorter edge length.",
        topic=Topic.MASK,
    )


def _pixel_area(steps: Array) -> float:
    """Return the number of pixels inside a contour, which cuts an eighth of a pixel at each convex corner."""
    return abs(signed_area(steps)) + 0.5


def _smoothed(steps: Array, edge: float) -> Array:
    """Smooth along the contour, sampled at ten points per edge or two per pixel."""
    length = float(side_lengths(steps).sum())
    n = max(int(length / max(edge / 10, 0.5)), 24)
    even = resampled(steps, np.arange(n) * length / n)
    sigma = min(max(SMOOTHING * edge, 1.0), length / 20)
    smooth: Array = ndimage.gaussian_filter1d(even, sigma * n / length, axis=0, mode="wrap")
    return smooth


def _spaced(contours: list[Array], edge: float) -> list[Array]:
    """Place corners along the contours at a distance `edge`, closer where the part or a gap is narrow."""
    return [
        _corners(contour, width) for contour, width in zip(contours, _widths(contours, edge), strict=True)
    ]


def _corners(contour: Array, width: Array) -> Array:
    """Place corners along one contour, at distances of the local width."""
    along = np.concatenate([[0.0], np.cumsum(side_lengths(contour))])
    steps = np.diff(along) / _graded(width, along)
    count = np.concatenate([[0.0], np.cumsum(steps)])
    n = max(round(count[-1]), 8)
    return resampled(contour, np.interp(np.arange(n) * count[-1] / n, count, along))


def _graded(width: Array, along: Array) -> Array:
    """Limit the growth of the spacing: ``min_j (width_j + GRADING * distance_ij)``."""
    slope = GRADING * np.concatenate([along[:-1] + turn * along[-1] for turn in (0, 1, 2)])
    width = np.tile(width, 3)
    forward = np.minimum.accumulate(width - slope) + slope
    backward = np.minimum.accumulate((width + slope)[::-1])[::-1] - slope
    n = width.size // 3
    graded: Array = np.minimum(forward, backward)[n : 2 * n]
    return graded


def _widths(contours: list[Array], edge: float) -> list[Array]:
    """Return at every point the width of the adjacent part or gap, between one pixel and `edge`.

    It is the diameter of the largest circle that is tangent to the contour here and reaches it again
    elsewhere: ``|d|^2 / |d . n|`` for the vector d to the other point and the normal n.
    """
    points, normals = np.vstack(contours), np.vstack([outward_normals(c) for c in contours])
    widths = np.full(len(points), edge)
    pairs = _facing(contours, KDTree(points).query_pairs(edge, output_type="ndarray"))
    for i, j in (pairs.T, pairs.T[::-1]):
        d = points[j] - points[i]
        across = np.maximum(np.abs((d * normals[i]).sum(axis=1)), 1e-12)
        np.minimum.at(widths, i, np.maximum((d**2).sum(axis=1) / across, 1.0))
    return np.split(widths, np.cumsum([len(c) for c in contours])[:-1])


def _facing(contours: list[Array], pairs: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Keep pairs of points that are much closer than their distance along the contour."""
    points = np.vstack(contours)
    which = np.repeat(np.arange(len(contours)), [len(c) for c in contours])
    along = np.concatenate([np.cumsum(side_lengths(c)) for c in contours])
    total = np.array([side_lengths(c).sum() for c in contours])[which]
    i, j = pairs.T
    way = np.abs(along[i] - along[j])
    way = np.minimum(way, total[i] - way)
    facing: npt.NDArray[np.intp] = pairs[
        (which[i] != which[j]) | (way > 2 * np.hypot(*(points[i] - points[j]).T))
    ]
    return facing


MIN_CORNER_ANGLE = 45.0
"""Minimum angle of the corners of an outline, in degrees; sharper tips are cut."""


def signed_area(polygon: Array) -> float:
    """Return the area of a polygon, signed by its orientation."""
    y, x = polygon.T
    return float(0.5 * (y @ np.roll(x, -1) - x @ np.roll(y, -1)))


def side_lengths(polygon: Array) -> Array:
    """Return the lengths of the sides, the first from corner 0 to corner 1."""
    sides: Array = np.hypot(*(np.roll(polygon, -1, axis=0) - polygon).T)
    return sides


def outward_normals(polygon: Array) -> Array:
    """Return the outward unit normals at the corners of a counter-clockwise polygon."""
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
    """Offset the sides of a polygon by a common distance until it encloses `area`."""
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
    """Remove corners sharper than `MIN_CORNER_ANGLE`, the sharpest first, keeping the area."""
    for _ in range(len(polygon) - 3):
        angle = corner_angles(polygon)
        if angle.min() >= MIN_CORNER_ANGLE:
            break
        polygon = with_area(np.delete(polygon, angle.argmin(), axis=0), area)
    return polygon


def crossing(polygons: tuple[Array, ...]) -> bool:
    """Return whether any two sides of the polygons cross."""
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
