"""Segmentation of the cell, tracking over time, and outlines of masks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from skimage import filters, measure

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import BoolArray, PixelSize
from napari_cellforce.preprocess.normalise import recorded_area

_NOISE_RATIO = 5.0
"""Minimum contrast of an object, as a multiple of the smoothed noise."""


def find_cell(
    image: npt.ArrayLike,
    *,
    pixel_size: PixelSize | None = None,
    sensitivity: float = 1.0,
    smooth: float = 1.0,
    at: tuple[float, float] | None = None,
) -> BoolArray:
    """Segment the cell in one frame.

    The image is smoothed, its square root taken (which stabilises shot noise and gives weight to the dim
    cell body next to bright adhesions), and thresholded by Li's minimum cross-entropy method (Li & Lee
    1993, Pattern Recognition 26:617). Holes are filled. A black border of drift correction is excluded.

    Parameters
    ----------
    image : (Y, X) array
        Intensities of one channel, any unit.
    pixel_size : PixelSize, optional
        Without it, `smooth` is in pixels.
    sensitivity : float
        Divides the height of the threshold above the background: values above 1 give a larger mask.
    smooth : float
        Standard deviation of the Gaussian, in µm.
    at : (y, x), optional
        A point in pixels; the object there is selected. Default: the largest object.

    Returns
    -------
    (Y, X) bool array

    Raises
    ------
    CellForceError
        If no object has sufficient contrast, or there is none at `at`; if the image has values that are not
        finite, or is narrower than `smooth`.
    """
    objects = _objects(np.asarray(image, dtype=np.float64), pixel_size, sensitivity, smooth)
    return _only(objects, _largest(objects) if at is None else _label_at(objects, at))


def find_cell_over_time(
    frames: Iterable[npt.ArrayLike],
    *,
    pixel_size: PixelSize | None = None,
    sensitivity: float = 1.0,
    smooth: float = 1.0,
    at: tuple[float, float] | None = None,
) -> Iterator[BoolArray]:
    """Segment the cell in the first frame and track it as the object with the largest overlap.

    Parameters
    ----------
    frames : iterable of (Y, X) array
    pixel_size, sensitivity, smooth, at
        See `find_cell`; `at` is a point in the cell in the first frame.

    Yields
    ------
    (Y, X) bool array
        One mask per frame.

    Raises
    ------
    CellForceError
        If the cell is not found, or lost; the message states the frame.
    """
    previous: BoolArray | None = None
    for t, frame in enumerate(frames):
        try:
            objects = _objects(np.asarray(frame, dtype=np.float64), pixel_size, sensitivity, smooth)
            if previous is not None:
                label = _most_overlapping(objects, previous)
            else:
                label = _largest(objects) if at is None else _label_at(objects, at)
        except CellForceError as error:
            value = f"frame {t}: {error.value}"
            raise CellForceError(value, error.rule, error.remedy, topic=error.topic) from error
        previous = _only(objects, label)
        yield previous


def split_cells(labels: npt.NDArray[Any]) -> list[tuple[int, BoolArray]]:
    """Split an integer label image into ``(label, mask)`` pairs, by increasing label; 0 is background.

    Parameters
    ----------
    labels : (..., Y, X) integer or bool array
        Labels; a label identifies the same cell in all frames.
    """
    return [(int(label), labels == label) for label in np.unique(labels) if label]


def touches_border(mask: BoolArray) -> bool:
    """Return whether a ``(Y, X)`` mask touches the edge of the image: the cell is then incomplete."""
    return bool(mask[[0, -1]].any() or mask[:, [0, -1]].any())


def outline(mask: BoolArray) -> list[npt.NDArray[np.float64]]:
    """Return the closed outlines of a ``(Y, X)`` mask, each an ``(N, 2)`` array of (y, x) in pixels."""
    return [contour - 1 for contour in measure.find_contours(np.pad(mask, 1).astype(float), 0.5)]


def distance_margin(mask: BoolArray, micron: float, pixel_size: PixelSize) -> BoolArray:
    """Return the ``(Y, X)`` mask dilated by a distance in µm, measured between pixel centres."""
    if not mask.any():
        return mask.copy()
    distance = ndimage.distance_transform_edt(~mask, sampling=(pixel_size.y, pixel_size.x))
    # The tolerance keeps distances of whole pixels in spite of rounding.
    return np.asarray(distance <= micron * (1 + 1e-9))


def _objects(
    image: npt.NDArray[np.float64], pixel_size: PixelSize | None, sensitivity: float, smooth: float
) -> npt.NDArray[np.int32]:
    """Label the objects that are brighter than the background."""
    if not sensitivity > 0:
        raise CellForceError(
            f"the sensitivity is {sensitivity:g}",
            "it must be positive",
            "Use 1 by default, 2 for a larger and 0.5 for a smaller mask.",
            topic=Topic.SENSITIVITY,
        )
    sigma = (smooth, smooth) if pixel_size is None else (smooth / pixel_size.y, smooth / pixel_size.x)
    _require_room(image.shape, sigma, smooth)
    _require_numbers(image)
    within = recorded_area(image)
    foreground = np.zeros(image.shape, bool)
    foreground[within] = _foreground(image[within], sigma, sensitivity)
    return _label(ndimage.binary_fill_holes(foreground))


def _foreground(image: npt.NDArray[np.float64], sigma: tuple[float, float], sensitivity: float) -> BoolArray:
    """Return the foreground mask."""
    smoothed = ndimage.gaussian_filter(image, sigma)
    root = np.sqrt(smoothed - smoothed.min())
    threshold = filters.threshold_li(root)
    background = root[root <= threshold].mean()
    foreground = root > background + (threshold - background) / sensitivity
    if not (foreground.any() and _stands_out(image, smoothed, root > threshold, sigma)):
        raise CellForceError(
            "no cell is visible above the background",
            "the cell must be brighter than its surroundings",
            "Raise the sensitivity, choose another channel, or draw the cell as a mask.",
            topic=Topic.MASK,
        )
    return np.asarray(foreground)


def _require_room(shape: tuple[int, ...], sigma: tuple[float, float], smooth: float) -> None:
    """Refuse an image narrower than the Gaussian filter, which would need excessive memory."""
    if sigma[0] > shape[0] or sigma[1] > shape[1]:
        raise CellForceError(
            f"with this pixel size the image is less than {smooth:g} µm high or wide",
            "it must be large enough for a cell",
            "Correct the pixel size: camera pixel divided by magnification.",
            topic=Topic.PIXEL_SIZE,
        )


def _require_numbers(image: npt.NDArray[np.float64]) -> None:
    if not np.isfinite(image).all():
        raise CellForceError(
            "the image has pixels that are NaN or infinite",
            "every pixel must be a number",
            "Omit the frame, or fill the pixels (Fiji: Process > Noise > Remove NaNs...).",
            topic=Topic.INPUT,
        )


def _stands_out(
    image: npt.NDArray[np.float64],
    smoothed: npt.NDArray[np.float64],
    foreground: BoolArray,
    sigma: tuple[float, float],
) -> bool:
    """Return whether the foreground is an object and not just thresholded noise.

    White noise of standard deviation s has s / (2 sqrt(pi) sigma) after a Gaussian filter (sigma in pixels);
    the means of its halves differ by less than twice that.
    """
    if not foreground.any():
        return False
    background = ~foreground
    residual = (image - smoothed)[background]
    noise = 1.4826 * np.median(np.abs(residual - np.median(residual)))
    noise /= max(1.0, 2 * math.sqrt(math.pi * sigma[0] * sigma[1]))
    return bool(smoothed[foreground].mean() - smoothed[background].mean() > _NOISE_RATIO * noise)


def _label(mask: BoolArray) -> npt.NDArray[np.int32]:
    return np.asarray(ndimage.label(mask)[0], dtype=np.int32)


def _only(objects: npt.NDArray[np.int32], label: int) -> BoolArray:
    return np.asarray(objects == label)


def _largest(objects: npt.NDArray[np.int32]) -> int:
    return 1 + int(np.argmax(np.bincount(objects.ravel())[1:]))


def _label_at(objects: npt.NDArray[np.int32], at: tuple[float, float]) -> int:
    y, x = (round(c) for c in at)
    inside = 0 <= y < objects.shape[0] and 0 <= x < objects.shape[1]
    label = int(objects[y, x]) if inside else 0
    if label == 0:
        raise CellForceError(
            f"there is no cell at row {y}, column {x}",
            "the point must be in the cell",
            "Click on the centre of the cell, or raise the sensitivity.",
            topic=Topic.MASK,
        )
    return label


def _most_overlapping(objects: npt.NDArray[np.int32], previous: BoolArray) -> int:
    counts = np.bincount(objects[previous])
    counts[0] = 0
    if not counts.any():
        raise CellForceError(
            "the cell was lost: no object overlaps with its previous mask",
            "a cell is tracked by its overlap between frames",
            "Raise the sensitivity, or draw the mask by hand from this frame on.",
            topic=Topic.MASK,
        )
    return int(np.argmax(counts))
