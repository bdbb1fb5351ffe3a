"""A frame on a model's own pixels, cut out around the cell, and the way back to the image."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_cellforce.errors import CellForceError
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
            topic="channel",
        )


def _check_pixels(image: FloatArray, near: BoolArray) -> None:
    holes = int(np.count_nonzero(~np.isfinite(image) & near))
    if holes:
        raise CellForceError(
            f"{holes} pixels in or near the cell are NaN or infinite",
            "a network needs a number everywhere",
            "Crop the image, or fill the holes.",
            topic="channel",
        )


def _check_size(regrid: Regrid) -> None:
    height, width = regrid.target_shape
    if height * width > _LARGEST_GRID:
        micron = max(regrid.shape) * regrid.source
        raise CellForceError(
            f"with pixels of {regrid.source:g} µm the image is {micron:.0f} µm across",
            f"that makes {height} x {width} pixels of {regrid.target:g} µm for the model, too many",
            "Correct the pixel size, or crop the image to the cell.",
            topic="pixel size",
        )


def _check_fits(cell: Window, pixel_size: PixelSize, record: ModelRecord) -> None:
    height, width = (side * pixel_size.micron for side in (cell.height, cell.width))
    if record.grid is not None and max(height, width) > record.grid * record.pixel_size:
        raise CellForceError(
            f"the cell is {height:.0f} x {width:.0f} µm",
            f"{record.name} sees {record.grid * record.pixel_size:.0f} µm at most",
            "Check the pixel size and the mask, or choose a model without a fixed grid.",
            topic="pixel size",
        )
