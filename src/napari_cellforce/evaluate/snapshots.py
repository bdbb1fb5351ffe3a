"""Small pictures of frames: what was seen, what was measured, and what the models said."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_cellforce.fields import BoolArray, FloatArray, ShortRepr

LARGEST = 160
"""Longest side of a snapshot in pixels: enough for a page, little enough to keep for many cells."""


@dataclass(frozen=True, eq=False, repr=False)
class Snapshot(ShortRepr):
    """A frame, small.

    Attributes
    ----------
    cell : str
    frame : int
    image : (Y, X) array
        Its first protein, in counts.
    mask : (Y, X) bool array
    measured : (2, Y, X) array
        Traction (y, x) in Pa.
    model : str
        Empty where nothing is predicted.
    predicted : (2, Y, X) array or None
        (y, x) in the model's unit; without directions, the first component is 0.
    """

    cell: str
    frame: int
    image: FloatArray
    mask: BoolArray
    measured: FloatArray
    model: str = ""
    predicted: FloatArray | None = None


def snapshot(
    cell: str,
    frame: int,
    image: npt.NDArray[np.generic],
    mask: BoolArray,
    measured: npt.NDArray[np.generic],
    model: str = "",
    predicted: npt.NDArray[np.generic] | None = None,
) -> Snapshot:
    """Return a frame, cut to its cell and made small by means over squares of pixels; see `Snapshot`."""
    window = _around(mask)
    factor = max(math.ceil(max(mask[window].shape) / LARGEST), 1)

    def small(array: npt.NDArray[np.generic]) -> FloatArray:
        return _binned(array[..., *window], factor)

    small_prediction = None if predicted is None else small(np.where(mask, predicted, 0))
    return Snapshot(
        cell,
        frame,
        small(image),
        small(mask) >= 0.5,
        small(np.where(mask, measured, 0)),
        model,
        small_prediction,
    )


def _around(mask: BoolArray) -> tuple[slice, slice]:
    """Return the rows and columns that hold the mask, and a tenth more."""
    slices = []
    for axis in (1, 0):
        hit = np.flatnonzero(mask.any(axis=axis))
        low, high = (hit[0], hit[-1] + 1) if len(hit) else (0, mask.shape[1 - axis])
        rim = math.ceil((high - low) / 10)
        slices.append(slice(max(low - rim, 0), high + rim))
    return slices[0], slices[1]


def _binned(array: npt.NDArray[np.generic], factor: int) -> FloatArray:
    """Return means over squares of `factor` pixels; what does not fill a square is cut off."""
    height, width = (side // factor for side in array.shape[-2:])
    cut = np.asarray(array, dtype=np.float32)[..., : height * factor, : width * factor]
    means: FloatArray = cut.reshape(*cut.shape[:-2], height, factor, width, factor).mean(axis=(-3, -1))
    return means
