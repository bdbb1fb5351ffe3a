"""Interpolation between the grids of windows and pixels, and deformation of images."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline
from scipy.ndimage import map_coordinates, spline_filter

from napari_cellforce.physics._grid import RealArray

_ROWS = 128
"""Number of image rows resampled at once by a thread."""


def window_centres(side: int, window: int, step: int) -> RealArray:
    """Return the centres, in pixels, of the windows along a side."""
    centres: RealArray = np.arange(0, side - window + 1, step, dtype=np.float64) + (window - 1) / 2
    return centres


def to_pixels(vectors: npt.ArrayLike, y: RealArray, x: RealArray, shape: tuple[int, int]) -> RealArray:
    """Interpolate ``(..., Yw, Xw)`` values at y, x to all pixels by cubic splines, constant outside."""
    along_y, along_x = _weights(y, np.arange(shape[0])), _weights(x, np.arange(shape[1]))
    pixels: RealArray = along_y @ np.asarray(vectors, dtype=np.float64) @ along_x.T
    return pixels


def from_pixels(image: npt.ArrayLike, y: RealArray, x: RealArray) -> RealArray:
    """Interpolate ``(..., Y, X)`` values on pixels linearly to the positions y, x."""
    values = np.asarray(image, dtype=np.float64)
    for axis, places in ((-2, y), (-1, x)):
        below = np.floor(places).astype(int)
        above = np.minimum(below + 1, values.shape[axis] - 1)
        rest = (places - below).reshape((-1, 1) if axis == -2 else -1)
        values = (1 - rest) * values.take(below, axis) + rest * values.take(above, axis)
    return values


def _weights(known: RealArray, wanted: npt.ArrayLike) -> RealArray:
    """Return the interpolation matrix from the positions `known` to `wanted`."""
    places = np.clip(wanted, known[0], known[-1])
    if len(known) < 4:  # too few for a cubic
        return np.array([np.interp(places, known, row) for row in np.eye(len(known))]).T
    weights: RealArray = CubicSpline(known, np.eye(len(known)))(places)
    return weights


class DeformedImage:
    """An image that is evaluated at displaced positions by cubic splines.

    Parameters
    ----------
    image : (Y, X) array
    threads : int
    """

    def __init__(self, image: npt.NDArray[np.float32], threads: int) -> None:
        self._coefficients = spline_filter(image, order=3, output=np.float32, mode="mirror")
        self._threads = threads

    def at(self, displacement: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Return the image at r + u(r) for all pixels r, NaN outside; u ``(2, Y, X)`` in pixels."""
        result = np.empty(self._coefficients.shape, np.float32)

        def fill(start: int) -> None:
            rows = slice(start, start + _ROWS)
            moved = displacement[:, rows].astype(np.float64)
            moved[0] += np.arange(start, start + moved.shape[1])[:, None]
            moved[1] += np.arange(moved.shape[2])
            map_coordinates(
                self._coefficients,
                moved,
                output=result[rows],
                order=3,
                mode="constant",
                cval=np.nan,
                prefilter=False,
            )

        with ThreadPoolExecutor(self._threads) as pool:
            list(pool.map(fill, range(0, len(result), _ROWS)))
        return result
