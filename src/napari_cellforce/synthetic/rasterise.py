"""Ellipses and lines on a pixel grid, with soft edges."""

from __future__ import annotations

import math

import numpy as np

from napari_cellforce.synthetic.adhesions import Adhesions
from napari_cellforce.synthetic.outline import Array

Window = tuple[slice, slice]
Segment = tuple[Array, Array]


def ellipse(
    shape: tuple[int, int], pixel_size: float, centre: Array, length: float, width: float, angle: float
) -> tuple[Window, Array]:
    """Return the window of an image that holds an ellipse, and how much of each pixel there it covers.

    Parameters
    ----------
    shape : (int, int)
        Of the image.
    pixel_size : float
        In µm, as all lengths.
    centre : (2,) array
        (y, x).
    length, width : float
        Full axes.
    angle : float
        Direction of the long axis, atan2(y, x).
    """
    window, y, x = _around(shape, pixel_size, centre - length / 2, centre + length / 2)
    along = (y - centre[0]) * math.sin(angle) + (x - centre[1]) * math.cos(angle)
    across = (y - centre[0]) * math.cos(angle) - (x - centre[1]) * math.sin(angle)
    distance = np.hypot(along / (length / 2), across / (width / 2)) - 1
    return window, np.clip(0.5 - distance * width / 2 / pixel_size, 0, 1)


def line(shape: tuple[int, int], pixel_size: float, segment: Segment, width: float) -> tuple[Window, Array]:
    """Return the window of an image that holds a line of Gaussian profile, and the line, 1 on its axis.

    A line thinner than a pixel is drawn a pixel wide and fainter in proportion.
    `segment` holds its ends (y, x) in µm; `width` is the full width at half maximum in µm.
    """
    start, end = segment
    window, y, x = _around(shape, pixel_size, np.minimum(start, end) - width, np.maximum(start, end) + width)
    step = end - start
    length = max(float(np.hypot(*step)), 1e-9)
    along = ((y - start[0]) * step[0] + (x - start[1]) * step[1]) / length
    across = ((y - start[0]) * step[1] - (x - start[1]) * step[0]) / length
    beyond = np.maximum(np.abs(along - length / 2) - length / 2, 0)
    drawn = max(width, pixel_size)
    return window, width / drawn * np.exp(-4 * math.log(2) * (across**2 + beyond**2) / drawn**2)


def draw_adhesions(shape: tuple[int, int], pixel_size: float, adhesions: Adhesions) -> Array:
    """Return the intensity of adhesions as a ``(Y, X)`` image; where they overlap the brighter counts."""
    image = np.zeros(shape)
    ellipses = zip(
        adhesions.centre, adhesions.length, adhesions.width, adhesions.angle, adhesions.intensity, strict=True
    )
    for centre, length, width, angle, intensity in ellipses:
        window, cover = ellipse(shape, pixel_size, centre, length, width, angle)
        image[window] = np.maximum(image[window], intensity * cover)
    return image


def draw_lines(
    shape: tuple[int, int], pixel_size: float, segments: list[Segment], widths: Array, values: Array
) -> Array:
    """Return lines as a ``(Y, X)`` image; where they cross they add up."""
    image = np.zeros(shape)
    for segment, width, value in zip(segments, widths, values, strict=True):
        window, profile = line(shape, pixel_size, segment, width)
        image[window] += value * profile
    return image


def _around(
    shape: tuple[int, int], pixel_size: float, low: Array, high: Array
) -> tuple[Window, Array, Array]:
    """Return the window of an image from `low` to `high` (µm) and a margin, and its y and x in µm."""
    first = np.clip(np.floor(low / pixel_size).astype(int) - 1, 0, shape)
    last = np.clip(np.ceil(high / pixel_size).astype(int) + 2, 0, shape)
    window = slice(first[0], last[0]), slice(first[1], last[1])
    y, x = np.ogrid[window]
    return window, y * pixel_size, x * pixel_size
