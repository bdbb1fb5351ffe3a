"""Frames on the pixel grid of a model, cropped around the cell, and tiled prediction of large frames."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import BoolArray, FloatArray, PixelSize, ShortRepr
from napari_cellforce.models.record import ModelRecord
from napari_cellforce.preprocess.mask import distance_margin
from napari_cellforce.preprocess.regrid import Regrid, Window

_LARGEST_GRID = 1 << 27
"""Number of model pixels above which the pixel size must be wrong: 2 mm across at 0.17 µm."""

_OUTLINE = 1.0
"""Precision of an outline in model pixels: results are kept up to this distance from the mask."""


@dataclass(frozen=True, eq=False, repr=False)
class FrameGrid(ShortRepr):
    """Input of a model for one frame; created by `on_model_grid`.

    Attributes
    ----------
    inputs : (C, Y', X') float32 array
        Channels on the pixels of the model, 0 beyond the mask margin of the record.
    shown : (Y, X) bool array
        True for pixels of the image where results are kept.
    """

    inputs: FloatArray
    shown: BoolArray
    regrid: Regrid
    window: Window

    def to_model(self, array: npt.NDArray[Any]) -> FloatArray:
        """Resample a ``(..., Y, X)`` image to the pixels of the model, ``(..., Y', X')``."""
        cut: FloatArray = self.window.cut(self.regrid.to_model(array))
        return cut

    def mask_to_model(self, mask: BoolArray) -> BoolArray:
        """Resample a ``(Y, X)`` mask to the pixels of the model."""
        cut: BoolArray = self.window.cut(self.regrid.mask_to_model(mask))
        return cut

    def to_image(self, array: FloatArray) -> FloatArray:
        """Resample a result ``(..., Y', X')`` to the image, ``(..., Y, X)``; 0 outside the cell."""
        whole = self.regrid.to_image(self.window.paste(array, self.regrid.target_shape))
        return np.where(self.shown, whole, np.float32(0))


def on_model_grid(
    image: FloatArray, mask: BoolArray, pixel_size: PixelSize, record: ModelRecord, multiple: int = 1
) -> FrameGrid:
    """Validate a frame and resample it to the pixels of a model.

    Parameters
    ----------
    image : (C, Y, X) array
    mask : (Y, X) bool array
    pixel_size : PixelSize
    record : ModelRecord
        Provides pixel size, inputs, mask margin and grid.
    multiple : int
        Divisor of the sides of the result, unless the record has a fixed grid.

    Raises
    ------
    CellForceError
        If channels are missing or not finite, the mask is empty, or the cell does not fit the grid.
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
    """Keep the Fourier modes of a ``(..., Y, X)`` image with at most `modes` waves across it."""
    waves_y = np.fft.fftfreq(image.shape[-2]) * image.shape[-2]
    waves_x = np.fft.rfftfreq(image.shape[-1]) * image.shape[-1]
    spectrum = np.fft.rfft2(image)
    spectrum[..., np.hypot(waves_y[:, None], waves_x) > modes] = 0
    return np.fft.irfft2(spectrum, s=image.shape[-2:]).astype(np.float32)


def _near(mask: BoolArray, micron: float, pixel_size: PixelSize) -> BoolArray:
    """Return the mask dilated by a distance in µm, computed only in a window around it."""
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
            "Choose one channel for each, or a model for the available proteins.",
            topic=Topic.CHANNEL,
        )


def _check_pixels(image: FloatArray, near: BoolArray) -> None:
    holes = int(np.count_nonzero(~np.isfinite(image) & near))
    if holes:
        raise CellForceError(
            f"{holes} pixels in or near the cell are NaN or infinite",
            "every pixel must be a number",
            "Crop the image, or fill the pixels.",
            topic=Topic.CHANNEL,
        )


def _check_size(regrid: Regrid) -> None:
    height, width = regrid.target_shape
    if height * width > _LARGEST_GRID:
        micron = max(regrid.shape) * regrid.source
        raise CellForceError(
            f"with pixels of {regrid.source:g} µm the image is {micron:.0f} µm across",
            f"this gives {height} x {width} pixels of {regrid.target:g} µm for the model, which are too many",
            "Correct the pixel size, or crop the image to the cell.",
            topic=Topic.PIXEL_SIZE,
        )


def _check_fits(cell: Window, pixel_size: PixelSize, record: ModelRecord) -> None:
    height, width = (side * pixel_size.micron for side in (cell.height, cell.width))
    if record.grid is not None and max(height, width) > record.grid * record.pixel_size:
        raise CellForceError(
            f"the cell is {height:.0f} x {width:.0f} µm",
            f"the field of view of {record.name} is {record.grid * record.pixel_size:.0f} µm",
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
        Maps ``(..., y, x)`` to ``(K, y, x)``, or more leading axes.
    side : int
        Maximum side of a tile in pixels.
    overlap : int
        Minimum overlap of neighbouring tiles in pixels, smaller than `side`.
    multiple : int
        Tiles start and end at multiples of this, so that the coarse grids of a network are aligned.

    Returns
    -------
    (K, Y, X) float32 array
        With the leading axes of the result of `run`.
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
    """Return evenly spaced intervals ``[start, stop)`` that cover ``[0, length)``."""
    if length <= side:
        return [(0, length)]
    side -= side % multiple
    count = -(-(length - overlap) // max(side - overlap, multiple))
    starts = [round(i * (length - side) / (count - 1) / multiple) * multiple for i in range(count)]
    return [(start, start + side) for start in starts]


def _weights(spans: list[tuple[int, int]], length: int) -> list[FloatArray]:
    """Return the weights of the spans: linear in overlaps, with the sum 1 everywhere."""
    tents = [np.interp(np.arange(a, b) + 0.5, [a, (a + b) / 2, b], [0.0, 1.0, 0.0]) for a, b in spans]
    total = np.zeros(length)
    for (a, b), tent in zip(spans, tents, strict=True):
        total[a:b] += tent
    return [(tent / total[a:b]).astype(np.float32) for (a, b), tent in zip(spans, tents, strict=True)]
