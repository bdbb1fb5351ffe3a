"""The edge of a cell: drawn by hand, taken from a mask, or made by a rule.

Lengths are in µm; the centre of pixel (i, j) lies at (i, j) times the pixel size, as in napari's world.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline
from skimage.measure import find_contours, label, points_in_poly

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import BoolArray, ShortRepr

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


__all__ = ["Array", "Outline"]

_POINTS = 360


@dataclass(frozen=True, eq=False, repr=False)
class Outline(ShortRepr):
    """The closed edge of a cell.

    Attributes
    ----------
    points : (N, 2) array
        Corners (y, x) in µm, in order; the last joins the first.

    Raises
    ------
    CellForceError
        If it has fewer than three corners or one that is no number, encloses no area, or crosses or touches
        itself.
    """

    points: Array

    def __post_init__(self) -> None:
        points = np.asarray(self.points, dtype=np.float64)
        if points.ndim != 2 or points.shape[1] != 2:
            raise ValueError(f"an outline has points of shape (N, 2), not {points.shape}")
        object.__setattr__(self, "points", points)
        _require_numbers(points)
        if len(points) > 3 and meets_itself(without_repeats(points)):
            raise CellForceError(
                "the outline crosses itself or touches itself",
                "it must go round the cell once",
                "Draw it again without a loop, or move the corners where it meets itself.",
                topic=Topic.OUTLINE,
            )
        if len(points) < 3 or not self.area > 0:
            raise CellForceError(
                f"the outline has {len(points)} points and encloses no area",
                "it must go round a cell",
                "Draw at least three corners.",
                topic=Topic.OUTLINE,
            )

    @classmethod
    def from_drawing(cls, points: npt.ArrayLike, *, closed: bool = True, smooth: bool = False) -> Outline:
        """Return the outline drawn by hand.

        Parameters
        ----------
        points : (N, 2) array-like
            (y, x) in µm; points on top of each other count once.
        closed : bool
            Whether the drawing tool closes the line (a polygon does, a path does not). If not, the end of the
            line is taken for its beginning.
        smooth : bool
            Lay a smooth closed spline through the points.

        Raises
        ------
        CellForceError
            If the ends of an unclosed line lie further apart than a twentieth of its length,
            and as the class does.
        """
        drawn = np.asarray(points, dtype=np.float64).reshape(-1, 2)
        _require_numbers(drawn)
        if not closed and len(drawn) > 1:
            _require_meeting_ends(drawn)
            drawn = drawn[:-1]
        corners = without_repeats(drawn)
        return cls(smooth_ring(corners, _POINTS) if smooth and len(corners) > 2 else corners)

    @classmethod
    def from_mask(cls, mask: BoolArray, pixel_size: float) -> Outline:
        """Return the outer edge of the largest piece of a ``(Y, X)`` mask; `pixel_size` in µm."""
        pieces = label(mask)
        if not pieces.any():
            raise CellForceError(
                "the mask is empty",
                "it must show a cell",
                "Paint the cell, or choose another mask.",
                topic=Topic.MASK,
            )
        largest = pieces == 1 + int(np.argmax(np.bincount(pieces.ravel())[1:]))
        contours = find_contours(np.pad(largest, 1).astype(np.float64), 0.5)
        longest = max(contours, key=len)
        return cls((longest[:-1] - 1) * pixel_size)

    @cached_property
    def area(self) -> float:
        """Enclosed area in µm²."""
        return abs(signed_area(self.points))

    @cached_property
    def length(self) -> float:
        """Length of the edge in µm."""
        return float(np.hypot(*edges(self.points).T).sum())

    @cached_property
    def centroid(self) -> Array:
        """Centre of the enclosed area, (y, x) in µm."""
        following = np.roll(self.points, -1, axis=0)
        cross = self.points[:, 0] * following[:, 1] - self.points[:, 1] * following[:, 0]
        centre: Array = ((self.points + following) * cross[:, None]).sum(axis=0) / (3 * cross.sum())
        return centre

    @cached_property
    def long_axis(self) -> float:
        """Direction of the longest axis, atan2(y, x), in radians of points evenly spaced on it."""
        return principal_axis(self.along(np.linspace(0, 1, _POINTS, endpoint=False)))

    def along(self, fraction: Array) -> Array:
        """Return the points ``(N, 2)`` at the given fractions (0 to 1) of the way round."""
        steps = np.hypot(*edges(self.points).T)
        distance = np.concatenate([[0], np.cumsum(steps)]) / steps.sum()
        ring = np.concatenate([self.points, self.points[:1]])
        return np.stack([np.interp(fraction, distance, ring[:, axis]) for axis in (0, 1)], axis=1)

    def inward_normal(self, fraction: Array) -> Array:
        """Return the unit vectors ``(N, 2)`` pointing into the cell at fractions of the way round."""
        tangent = self.along((fraction + 1e-3) % 1) - self.along((fraction - 1e-3) % 1)
        normal = np.stack([-tangent[:, 1], tangent[:, 0]], axis=1) * np.sign(signed_area(self.points))
        unit: Array = normal / np.maximum(np.hypot(*normal.T), 1e-12)[:, None]
        return unit

    def contains(self, points: Array) -> BoolArray:
        """Return which of the ``(N, 2)`` points in µm lie inside."""
        inside: BoolArray = points_in_poly(points, self.points)
        return inside

    def mask(self, shape: tuple[int, int], pixel_size: float) -> BoolArray:
        """Return the ``(Y, X)`` mask on an image of `shape` pixels of `pixel_size` µm.

        Raises
        ------
        CellForceError
            If the outline leaves the image.
        """
        last = (np.asarray(shape) - 1) * pixel_size
        beyond = max(float(np.max(-self.points)), float(np.max(self.points - last)))
        if beyond > 0:
            height, width = np.ptp(self.points, axis=0)
            image = f"the image ({last[0]:.0f} x {last[1]:.0f} µm)"
            raise CellForceError(
                f"the outline ({height:.0f} x {width:.0f} µm) leaves {image} by {beyond:.3g} µm",
                "the whole cell must be in the image",
                "Move or shrink the cell, or enlarge the image.",
                topic=Topic.OUTLINE,
            )
        return filled(self.points / pixel_size, shape)


def _require_numbers(points: Array) -> None:
    wrong = int((~np.isfinite(points)).any(axis=1).sum())
    if wrong:
        raise CellForceError(
            f"{wrong} of the {len(points)} points of the outline are NaN or infinite",
            "each must be a number",
            "Draw it again.",
            topic=Topic.OUTLINE,
        )


def _require_meeting_ends(points: Array) -> None:
    gap = float(np.hypot(*(points[-1] - points[0])))
    length = float(np.hypot(*np.diff(points, axis=0).T).sum())
    if gap > length / 20:
        raise CellForceError(
            f"the outline is open: its ends are {gap:.1f} µm apart",
            "it must go round the cell",
            "End the line where it began, or draw a polygon.",
            topic=Topic.OUTLINE,
        )
