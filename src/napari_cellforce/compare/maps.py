"""Where two fields differ, and how."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.ndimage import distance_transform_edt

from napari_cellforce.compare.alignment import FieldPair
from napari_cellforce.fields import ShortRepr, X, Y


@dataclass(frozen=True, eq=False, repr=False)
class DifferenceMaps(ShortRepr):
    """Differences of two fields on their common grid, NaN outside the cell.

    Attributes
    ----------
    difference : (2, Y, X) float32 array
        Second minus first.
    length : (Y, X) float32 array
        Length of the difference.
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


def difference_maps(pair: FieldPair, threshold: float = 0.1) -> DifferenceMaps:
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
    return DifferenceMaps(
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


Array = npt.NDArray[np.float64]

_POINTS = 4000
_SECTORS = 36


@dataclass(frozen=True, eq=False, repr=False)
class Overview(ShortRepr):
    """Magnitudes and angles of all frames of a comparison.

    Attributes
    ----------
    sizes : (2, N) array
        |A| and |B| of vectors drawn at random, at most 4000.
    top : float
        What only 0.5 % of all magnitudes exceed: the end of the colours.
    angles : (36,) array of int
        How many angles from A to B lie in each sector, from -180° on.
    """

    sizes: Array
    top: float
    angles: npt.NDArray[np.int64]

    @classmethod
    def of(cls, pairs: Sequence[FieldPair], maps: Sequence[DifferenceMaps]) -> Overview:
        """Look through all frames."""
        sizes = np.concatenate(
            [np.hypot(*np.stack([pair.first, pair.second], axis=1)[:, :, pair.mask]) for pair in pairs],
            axis=1,
        )
        some = np.random.default_rng(0).permutation(sizes.shape[1])[:_POINTS]
        angles = np.concatenate([part.angle[np.isfinite(part.angle)] for part in maps])
        counts = np.histogram(angles, bins=_SECTORS, range=(-180, 180))[0]
        return cls(sizes[:, some], float(np.percentile(sizes, 99.5)) or 1.0, counts)


def edge_profile(pairs: Sequence[FieldPair], width: float = 2.0) -> pd.DataFrame:
    """Return the mean magnitudes of both fields at each distance from the cell's edge.

    Parameters
    ----------
    pairs : sequence of FieldPair
    width : float
        Width of the rings in µm; not narrower than a pixel of the common grid.

    Returns
    -------
    DataFrame
        ``distance from edge [µm]`` (middle of the ring), ``mean |A|``, ``mean |B|``, ``vectors``.
    """
    width = max(width, *(pair.spacing for pair in pairs))
    deepest = max(max(pair.mask.shape) * pair.spacing for pair in pairs) / 2
    sums = np.zeros((3, int(deepest // width) + 1))
    for pair in pairs:
        inside = np.pad(pair.mask, 1)  # the image's border counts as edge
        depth = distance_transform_edt(inside)[1:-1, 1:-1][pair.mask] * pair.spacing
        ring = (np.maximum(depth - pair.spacing / 2, 0) // width).astype(int)
        lengths = [np.hypot(*field[:, pair.mask]) for field in (pair.first, pair.second)]
        sums += [np.bincount(ring, each, sums.shape[1]) for each in (np.ones(len(ring)), *lengths)]
    count = sums[0].astype(int)
    means = sums[1:] / np.maximum(count, 1)
    table = pd.DataFrame(
        {
            "distance from edge [µm]": (np.arange(len(count)) + 0.5) * width,
            "mean |A|": means[0],
            "mean |B|": means[1],
            "vectors": count,
        }
    )
    return table[table["vectors"] > 0].reset_index(drop=True)
