"""Validation of fields on grids, and wave vectors, for Fourier and finite-difference methods."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.fft

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import ShortRepr

RealArray = npt.NDArray[np.float64]


def vector_field(field: npt.ArrayLike, what: str) -> RealArray:
    """Return `field` as float64, having checked that it is a finite ``(..., 2, Y, X)`` array.

    Raises
    ------
    ValueError
        If the axes are wrong.
    CellForceError
        If a value is missing or infinite.
    """
    array = np.asarray(field, dtype=np.float64)
    if array.ndim < 3 or array.shape[-3] != 2 or array.size == 0:
        raise ValueError(f"expected axes (..., 2, Y, X), got an array of shape {array.shape}")
    if not np.isfinite(array).all():
        holes = np.count_nonzero(~np.isfinite(array))
        raise CellForceError(
            f"the {what} field has {holes} missing or infinite values",
            "every vector must be a number",
            "Fill the gaps (interpolate, or set them to 0 where nothing was measured).",
            topic=Topic.INPUT,
        )
    return array


def pixel_side(spacing: npt.ArrayLike) -> float:
    """Return the side of the square pixels in µm, having checked that it is one positive number."""
    if np.ndim(spacing) > 0:
        raise CellForceError(
            f"the pixel size is {np.asarray(spacing).tolist()}",
            "this computation needs square pixels, hence a single number in µm",
            "Resample the field to square pixels.",
            topic=Topic.PIXEL_SIZE,
        )
    return positive(
        spacing, "pixel size", "µm", "Type in the size of a pixel on the sample.", Topic.PIXEL_SIZE
    )


def positive(number: npt.ArrayLike, name: str, unit: str, remedy: str, topic: Topic) -> float:
    """Return `number` as a float, having checked that it is positive and finite."""
    value = float(np.asarray(number))
    if not (math.isfinite(value) and value > 0):
        rule = "it must be a positive number"
        raise CellForceError(f"the {name} is {value:g} {unit}", rule, remedy, topic=topic)
    return value


@dataclass(frozen=True, eq=False, repr=False)
class WaveVectors(ShortRepr):
    """The wave vectors of a real Fourier transform (`scipy.fft.rfft2`).

    Attributes
    ----------
    y, x : (Y, 1) and (1, X // 2 + 1) array
        Components in radians per µm.
    nyquist_y, nyquist_x : bool arrays of the same shapes
        True at the highest frequency of an even side, whose sign is not defined on a grid.
    """

    y: RealArray
    x: RealArray
    nyquist_y: npt.NDArray[np.bool_]
    nyquist_x: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, shape: tuple[int, int], spacing: float) -> WaveVectors:
        """Return the wave vectors of a grid of `shape` pixels with sides of `spacing` µm."""
        rows, columns = np.arange(shape[0])[:, None], np.arange(shape[1] // 2 + 1)[None, :]
        return cls(
            2 * np.pi * scipy.fft.fftfreq(shape[0], spacing)[:, None],
            2 * np.pi * scipy.fft.rfftfreq(shape[1], spacing)[None, :],
            2 * rows == shape[0],
            2 * columns == shape[1],
        )
