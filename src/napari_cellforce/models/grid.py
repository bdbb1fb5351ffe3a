"""A frame on a model's own pixels, cut out around the cell, and the way back to the image."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import BoolArray, FloatArray, PixelSize
from napari_cellforce.models.record import ModelRecord
from napari_cellforce.preprocess.mask import distance_margin
from napari_cellforce.preprocess.regrid import Regrid, Window

_LARGEST_GRID = 1 << 27
"""Model pixels beyond which the pixel size must be wrong: 2 mm across at 0.17 µm."""

_OUTLINE = 1.0
"""How well an outline is known, in model pixels: results are kept this far beyond the mask."""


@dataclass(frozen=True, eq=False)
class FrameGrid:
    """What a model sees of a frame; made by `on_model_grid`.

    Attributes
    ----------
    inputs : (C, Y', X') float32 array
        On the model's pixels, 0 farther from the cell than the record's margin.
    shown : (Y, X) bool array
        Pixels of the image where results are kept.
    """

    inputs: FloatArray
    shown: BoolArray
    regrid: Regrid
    window: Window

    def to_model(self, array: npt.NDArray[Any]) -> FloatArray:
        """Bring a ``(..., Y, X)`` image to the model's pixels, ``(..., Y', X')``."""
        cut: FloatArray = self.window.cut(self.regrid.to_model(array))
        return cut

    def mask_to_model(self, mask: BoolArray) -> BoolArray:
        """Bring a ``(Y, X)`` mask to the model's pixels."""
        cut: BoolArray = self.window.cut(self.regrid.mask_to_model(mask))
        return cut

    def to_image(self, array: FloatArray) -> FloatArray:
        """Bring a result ``(..., Y', X')`` back to the image, ``(..., Y, X)``; 0 outside the cell."""
        whole = self.regrid.to_image(self.window.paste(array, self.regrid.target_shape))
        return np.where(self.shown, whole, np.float32(0))


def on_model_grid(
    image: FloatArray, mask: BoolArray, pixel_size: PixelSize, record: ModelRecord, multiple: int = 1
) -> FrameGrid:
    """Check a frame and bring it to a model's pixels.

    Parameters
    ----------
    image : (C, Y, X) array
    mask : (Y, X) bool array
    pixel_size : PixelSize
    record : ModelRecord
        Its pixel size, inputs, mask margin and grid.
    multiple : int
        Sides of the result are multiples of this, unless the record has a fixed grid.

    Raises
    ------
    CellForceError
        If channels are missing or have holes, the mask is empty, or the cell does not fit the grid.
    """
    _check_frame(image, mask, record)
    near = _near(mask, record.mask_margin, pixel_size)
    _check_pixels(image, near)
    regrid = Regrid((mask.shape[0], mask.shape[1]), pixel_size.micron, record.pixel_size)
    _check_size(regrid)
    _check_fits(Window.around(mask), pixel_size, record)
    window = Window.around(regrid.mask_to_model(near), multiple=multiple, side=record.grid)
    inputs = window.cut(regrid.to_model(np.where(near, image, 0)))
    return FrameGrid(inputs, _near(mask, _OUTLINE * record.pixel_size, pixel_size), regrid, window)


def low_pass(image: FloatArray, modes: int) -> FloatArray:
    """Keep the Fourier modes of a ``(..., Y, X)`` image with at most so many waves across it."""
    waves_y = np.fft.fftfreq(image.shape[-2]) * image.shape[-2]
    waves_x = np.fft.rfftfreq(image.shape[-1]) * image.shape[-1]
    spectrum = np.fft.rfft2(image)
    spectrum[..., np.hypot(waves_y[:, None], waves_x) > modes] = 0
    return np.fft.irfft2(spectrum, s=image.shape[-2:]).astype(np.float32)


def _near(mask: BoolArray, micron: float, pixel_size: PixelSize) -> BoolArray:
    """Return the mask widened by a distance in µm, looking only where that can reach."""
    reach = math.ceil(micron / pixel_size.micron) + 1
    window = Window.around(mask, margin=reach)
    shape = (mask.shape[0], mask.shape[1])
    return window.paste(distance_margin(window.cut(mask), micron, pixel_size), shape)


def _check_frame(image: FloatArray, mask: BoolArray, record: ModelRecord) -> None:
    if image.ndim != 3 or image.shape[1:] != mask.shape:
        raise ValueError(f"an image of shape {image.shape} and a mask of shape {mask.shape} do not match")
    if len(image) != len(record.inputs):
        raise CellForceError(
            f"the image has {len(image)} channel{'s' * (len(image) != 1)}",
            f"{record.name} needs {len(record.inputs)}: {', '.join(record.inputs)}",
            "Choose one channel for each, or a model for the proteins that you have.",
            topic=Topic.CHANNEL,
        )


def _check_pixels(image: FloatArray, near: BoolArray) -> None:
    holes = int(np.count_nonzero(~np.isfinite(image) & near))
    if holes:
        raise CellForceError(
            f"{holes} pixels in or near the cell are NaN or infinite",
            "a network needs a number everywhere",
            "Crop the image, or fill the holes.",
            topic=Topic.CHANNEL,
        )


def _check_size(regrid: Regrid) -> None:
    height, width = regrid.target_shape
    if height * width > _LARGEST_GRID:
        micron = max(regrid.shape) * regrid.source
        raise CellForceError(
            f"with pixels of {regrid.source:g} µm the image is {micron:.0f} µm across",
            f"that makes {height} x {width} pixels of {regrid.target:g} µm for the model, too many",
            "Correct the pixel size, or crop the image to the cell.",
            topic=Topic.PIXEL_SIZE,
        )


def _check_fits(cell: Window, pixel_size: PixelSize, record: ModelRecord) -> None:
    height, width = (side * pixel_size.micron for side in (cell.height, cell.width))
    if record.grid is not None and max(height, width) > record.grid * record.pixel_size:
        raise CellForceError(
            f"the cell is {height:.0f} x {width:.0f} µm",
            f"{record.name} sees {record.grid * record.pixel_size:.0f} µm at most",
            "Check the pixel size and the mask, or choose a model without a fixed grid.",
            topic=Topic.PIXEL_SIZE,
        )


def in_tiles(
    image: FloatArray, run: Callable[[FloatArray], FloatArray], side: int, overlap: int, multiple: int = 1
) -> FloatArray:
    """Apply a function to overlapping tiles of an image and blend the results linearly.

    Parameters
    ----------
    image : (..., Y, X) array
        Y and X multiples of `multiple`.
    run : callable
        Takes ``(..., y, x)`` to ``(K, y, x)``, or with more axes before.
    side : int
        Largest side of a tile in pixels.
    overlap : int
        Least overlap of neighbouring tiles in pixels, smaller than `side`.
    multiple : int
        Tiles begin and end at multiples of this, so that a network's coarse grids stay in place.

    Returns
    -------
    (K, Y, X) float32 array
        With as many axes before as `run` returns.
    """
    height, width = image.shape[-2:]
    rows, columns = (_spans(n, side, overlap, multiple) for n in (height, width))
    total: FloatArray | None = None
    for (top, bottom), row_weight in zip(rows, _weights(rows, height), strict=True):
        for (left, right), column_weight in zip(columns, _weights(columns, width), strict=True):
            part = run(image[..., top:bottom, left:right])
            if total is None:
                total = np.zeros((*part.shape[:-2], height, width), np.float32)
            total[..., top:bottom, left:right] += part * (row_weight[:, None] * column_weight)
    assert total is not None
    return total


def _spans(length: int, side: int, overlap: int, multiple: int) -> list[tuple[int, int]]:
    """Return the evenly spread stretches ``[start, stop)`` that cover ``[0, length)``."""
    if length <= side:
        return [(0, length)]
    side -= side % multiple
    count = -(-(length - overlap) // max(side - overlap, multiple))
    starts = [round(i * (length - side) / (count - 1) / multiple) * multiple for i in range(count)]
    return [(start, start + side) for start in starts]


def _weights(spans: list[tuple[int, int]], length: int) -> list[FloatArray]:
    """Return every span's weight: 1 alone, a ramp where it overlaps the next; together 1 everywhere."""
    tents = [np.interp(np.arange(a, b) + 0.5, [a, (a + b) / 2, b], [0.0, 1.0, 0.0]) for a, b in spans]
    total = np.zeros(length)
    for (a, b), tent in zip(spans, tents, strict=True):
        total[a:b] += tent
    return [(tent / total[a:b]).astype(np.float32) for (a, b), tent in zip(spans, tents, strict=True)]
