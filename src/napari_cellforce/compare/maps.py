"""Where two fields differ, and how."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_cellforce.compare.alignment import FieldPair
from napari_cellforce.fields import X, Y


@dataclass(frozen=True, eq=False)
class Maps:
    """Differences of two fields on their common grid, NaN outside the cell.

    Attributes
    ----------
    difference : (2, Y, X) float32 array
        Second minus first.
    length : (Y, X) float32 array
        Of the difference.
    angle : (Y, X) float32 array
        From the first to the second vector in degrees, counter-clockwise as seen on screen, -180 to 180; NaN
        where the shorter is below the threshold.
    ratio : (Y, X) float32 array
        Length of the second over the first; NaN where the first is below the threshold.
    """

    difference: npt.NDArray[np.float32]
    length: npt.NDArray[np.float32]
    angle: npt.NDArray[np.float32]
    ratio: npt.NDArray[np.float32]


def difference_maps(pair: FieldPair, threshold: float = 0.1) -> Maps:
    """Compare two fields vector by vector.

    Parameters
    ----------
    pair : FieldPair
    threshold : float
        Vectors shorter than this share of their field's 99th percentile have no angle and no ratio.
    """
    a, b = np.where(pair.mask, pair.first, np.nan), np.where(pair.mask, pair.second, np.nan)
    sizes = [np.hypot(*field) for field in (a, b)]
    strong = [size > threshold * np.nanpercentile(size, 99) for size in sizes]
    angle = angle_between(a, b)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(strong[0], sizes[1] / sizes[0], np.nan)
    difference = (b - a).astype(np.float32)
    return Maps(
        difference,
        np.hypot(*difference),
        np.where(strong[0] & strong[1], angle, np.nan).astype(np.float32),
        ratio.astype(np.float32),
    )


def angle_between(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the angle from a to b ``(2, ...)`` in degrees, counter-clockwise on screen (y is down)."""
    cross = a[Y] * b[X] - a[X] * b[Y]
    angle: npt.NDArray[np.float64] = np.degrees(np.arctan2(cross, a[Y] * b[Y] + a[X] * b[X]))
    return angle
