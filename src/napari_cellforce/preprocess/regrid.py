"""Resampling between the pixel sizes of image and model, and rectangular windows of images."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import BoolArray, FloatArray

_SAME = 1e-6
"""Tolerance within which the ratio of two pixel sizes is taken as an integer."""


@dataclass(frozen=True)
class Regrid:
    """Resampling between the pixel grids of an image and of a model.

    Both grids start at the same corner: the centre of pixel i is at ``(i + 0.5) * size``.

    Attributes
    ----------
    shape : tuple of int
        Height and width of the image in pixels.
    source, target : float
        Pixel size of the image and of the model, in µm.
    """

    shape: tuple[int, int]
    source: float
    target: float

    @property
    def ratio(self) -> float:
        """Size of a model pixel in image pixels; rounded to an integer within 1e-6."""
        ratio = self.target / self.source
        return float(round(ratio)) if abs(ratio - round(ratio)) < _SAME * ratio else ratio

    @property
    def target_shape(self) -> tuple[int, int]:
        """Height and width on the grid of the model: those of the image, rounded up to whole pixels."""
        height, width = (max(1, math.ceil(n / self.ratio - _SAME)) for n in self.shape)
        return height, width

    def to_model(self, array: npt.ArrayLike) -> FloatArray:
        """Resample an image to the pixels of the model.

        To coarser pixels, every value is the mean over the area of the new pixel (for integer ratios the
        block mean, as in the authors' code): the integral over the image is preserved, and structures
        finer than a new pixel keep at most a third of their contrast, usually much less. A last pixel that
        extends beyond the image is the mean over the part inside. To finer pixels: linear.

        Parameters
        ----------
        array : (..., Y, X) array
            Array of `shape`.

        Returns
        -------
        (..., Y', X') float32 array
            Array of `target_shape`.
        """
        return _resample(array, self.shape, self.target_shape, self.ratio)

    def mask_to_model(self, mask: npt.ArrayLike) -> BoolArray:
        """Resample a ``(Y, X)`` mask: ``(Y', X')`` bool, True where more than half is covered."""
        covered: BoolArray = self.to_model(mask) > 0.5
        return covered

    def to_image(self, array: npt.ArrayLike) -> FloatArray:
        """Resample a result of the model to the pixels of the image; linear, with the edges extended.

        If the pixels of the image are coarser, the mean over each image pixel.

        Parameters
        ----------
        array : (..., Y', X') array
            Array of `target_shape`.

        Returns
        -------
        (..., Y, X) float32 array
            Array of `shape`.
        """
        return _resample(array, self.target_shape, self.shape, 1 / self.ratio)


@dataclass(frozen=True)
class Window:
    """A rectangle of an image, which may extend beyond it.

    Attributes
    ----------
    top, left : int
        Row and column of the first pixel; may be negative.
    height, width : int
        Size in pixels.
    """

    top: int
    left: int
    height: int
    width: int

    @classmethod
    def around(
        cls, mask: BoolArray, *, margin: int = 0, multiple: int = 1, side: int | None = None
    ) -> Window:
        """Return the window centred on the bounding box of a mask.

        Parameters
        ----------
        mask : (Y, X) bool array
        margin : int
            Pixels to add on every side.
        multiple : int
            Height and width are rounded up to a multiple of this.
        side : int, optional
            Height and width, independent of the mask; `margin` and `multiple` are then ignored.

        Raises
        ------
        CellForceError
            If the mask is empty.
        """
        (top, bottom), (left, right) = (_extent(mask, axis) for axis in (1, 0))
        height, width = (
            side or _round_up(size + 2 * margin, multiple) for size in (bottom - top, right - left)
        )
        return cls((top + bottom - height) // 2, (left + right - width) // 2, height, width)

    def cut(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return the window of a ``(..., Y, X)`` array, ``(..., height, width)``; 0 beyond the array."""
        out = np.zeros((*array.shape[:-2], self.height, self.width), array.dtype)
        (y, own_y), (x, own_x) = self._overlap(array.shape[-2:])
        out[..., own_y, own_x] = array[..., y, x]
        return out

    def paste(self, array: npt.NDArray[Any], shape: tuple[int, int]) -> npt.NDArray[Any]:
        """Return ``(..., *shape)`` zeros with a ``(..., height, width)`` array in the window."""
        out = np.zeros((*array.shape[:-2], *shape), array.dtype)
        (y, own_y), (x, own_x) = self._overlap(shape)
        out[..., y, x] = array[..., own_y, own_x]
        return out

    def _overlap(self, shape: tuple[int, ...]) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
        """Return the shared rows, then columns, each as a slice of the image and one of the window."""
        return _shared(self.top, self.height, shape[0]), _shared(self.left, self.width, shape[1])


def _resample(array: npt.ArrayLike, old: tuple[int, int], new: tuple[int, int], ratio: float) -> FloatArray:
    """Resample the last two axes from `old` to `new` sizes; `ratio` is new pixel size / old."""
    data = np.asarray(array, dtype=np.float32)
    if data.shape[-2:] != old:
        raise ValueError(f"expected (..., {old[0]}, {old[1]}), got an array of shape {data.shape}")
    if ratio == 1:
        return data.copy()
    along_y, along_x = (_weights(n, m, ratio) for n, m in zip(old, new, strict=True))
    planes = [(along_x @ (along_y @ plane).T).T for plane in data.reshape(-1, *old)]
    return np.array(planes, dtype=np.float32).reshape(*data.shape[:-2], *new)


@lru_cache(maxsize=16)
def _weights(old: int, new: int, ratio: float) -> sparse.csr_array[np.float32, tuple[int, int]]:
    """Return the ``(new, old)`` matrix that resamples along one axis; sparse, so that NaNs stay local."""
    dense = (_area_weights if ratio > 1 else _linear_weights)(old, new, ratio)
    return sparse.csr_array(dense.astype(np.float32))


def _area_weights(old: int, new: int, ratio: float) -> npt.NDArray[np.float64]:
    """Return the weight of every old pixel in the mean over a new one: the overlap of the two."""
    edges = np.minimum(np.arange(new + 1) * ratio, old)
    pixels = np.arange(old)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    overlap = np.maximum(overlap, 0)
    return np.asarray(overlap / overlap.sum(axis=1, keepdims=True))


def _linear_weights(old: int, new: int, ratio: float) -> npt.NDArray[np.float64]:
    """Return the hat functions of the old pixels' centres at the new ones', constant beyond the last."""
    centres = np.clip((np.arange(new) + 0.5) * ratio - 0.5, 0, old - 1)
    return np.asarray(np.maximum(1 - np.abs(centres[:, None] - np.arange(old)), 0))


def _shared(start: int, size: int, n: int) -> tuple[slice, slice]:
    """Return the overlap of ``[start, start + size)`` with ``[0, n)``, relative to 0 and to `start`."""
    first = max(0, start)
    last = max(first, min(n, start + size))
    return slice(first, last), slice(first - start, last - start)


def _extent(mask: BoolArray, axis: int) -> tuple[int, int]:
    """Return the first True index and one past the last, along the axis other than `axis`."""
    indices = np.flatnonzero(mask.any(axis=axis))
    if indices.size == 0:
        raise CellForceError(
            "the mask is empty",
            "it must mark at least one pixel as cell",
            "Draw the cell, or find it automatically.",
            topic=Topic.MASK,
        )
    return int(indices[0]), int(indices[-1]) + 1


def _round_up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple
