"""Validation of input images and pixel sizes."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_cellforce.errors import CellForceError, CellForceWarning, Topic
from napari_cellforce.fields import PixelSize

_LARGEST_FACTOR = 5.0
"""Ratio of the pixel sizes of image and model above which one of them is probably wrong."""


def check_frame(image: npt.NDArray[Any], name: str, frame: int) -> None:
    """Refuse a frame that cannot be used for a prediction.

    Parameters
    ----------
    image : (C, Y, X) array
    name : str
        Name of the file or layer.
    frame : int
        Index, from 0.

    Raises
    ------
    CellForceError
        If there are values that are not finite, or a channel is constant.
    """
    bad = int(image.size - np.isfinite(image).sum())
    if bad:
        raise CellForceError(
            f"frame {frame} of {name} has {bad} pixels that are NaN or infinite",
            "every pixel must be a number",
            "Omit the frame, or fill the pixels (Fiji: Process > Noise > Remove NaNs...).",
            topic=Topic.INPUT,
        )
    for channel, plane in enumerate(image):
        if plane.min() == plane.max():
            raise CellForceError(
                f"channel {channel} of frame {frame} of {name} is {plane.flat[0]:g} everywhere",
                "the image must not be constant",
                "Omit the frame, or choose another channel.",
                topic=Topic.INPUT,
            )


def check_pixel_size(pixel_size: PixelSize | None, model_pixel_size: float) -> PixelSize:
    """Return the pixel size if there is one, with a warning if it is far from that of the model.

    Parameters
    ----------
    pixel_size : PixelSize or None
        Pixel size of the image.
    model_pixel_size : float
        Pixel size of the model in µm.

    Raises
    ------
    CellForceError
        If there is none (topic "pixel size").
    """
    pixel_size = require_pixel_size(pixel_size)
    message = pixel_size_warning(pixel_size, model_pixel_size)
    if message:
        warnings.warn(message, CellForceWarning, stacklevel=2)
    return pixel_size


def require_pixel_size(pixel_size: PixelSize | None) -> PixelSize:
    """Return the pixel size, or raise a `CellForceError` if there is none."""
    if pixel_size is None or not pixel_size.known:
        raise CellForceError(
            "The image has no pixel size",
            "traction depends on it",
            "Type it in (for a 60x objective and a 6.5 µm camera pixel it is about 0.11 µm).",
            topic=Topic.PIXEL_SIZE,
        )
    return pixel_size


def pixel_size_warning(pixel_size: PixelSize, model_pixel_size: float) -> str:
    """Return a warning if a pixel size is far from that of the model (µm); otherwise an empty text."""
    factor = max(pixel_size.micron / model_pixel_size, model_pixel_size / pixel_size.micron)
    if factor <= _LARGEST_FACTOR:
        return ""
    return (
        f"The pixel size is {pixel_size.micron:g} µm, the model's {model_pixel_size:g} µm: {factor:.0f} "
        "times apart. Check it: an image too coarse shows no adhesions, one too fine no cell."
    )
