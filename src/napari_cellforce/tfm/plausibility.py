"""What a user would want to be asked about."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from napari_cellforce import metrics
from napari_cellforce.fields import BoolArray, PixelSize, Substrate

_MOMENT_THRESHOLD = 0.1
"""Moment, as a share of that of the same forces all pointing to one place, that says something."""
_MIN_YOUNG, _MAX_YOUNG = 50.0, 5e5
"""Pa; gels for traction force microscopy lie between."""
_SIZE_TOLERANCE = 0.01
"""Relative difference of pixel sizes that rounding in the files may make."""


def check_substrate(substrate: Substrate) -> str:
    """Return what speaks against the stiffness of a gel; empty if nothing does."""
    if substrate.young < _MIN_YOUNG:
        return (
            f"The gel's stiffness is {substrate.young:g} Pa: is that meant in kPa? "
            f"Then type {1000 * substrate.young:g}. Tractions are proportional to it."
        )
    if substrate.young > _MAX_YOUNG:
        return f"The gel's stiffness is {substrate.young:g} Pa, which no cell deforms: check the unit."
    return ""


def check_pixel_sizes(reference: PixelSize, taken: PixelSize) -> str:
    """Return what speaks against the pixel size of the loaded image; empty if nothing does."""
    if not reference.known or abs(reference.micron / taken.micron - 1) < _SIZE_TOLERANCE:
        return ""
    return (
        f"The reference says {reference.micron:.4g} µm per pixel, the loaded image {taken.micron:.4g} µm, "
        "which is taken for both: check that they belong together. Tractions depend on it."
    )


def check_direction(traction: npt.ArrayLike, mask: BoolArray, pixel_size: PixelSize) -> str:
    """Return what speaks against the direction of a ``(2, Y, X)`` traction; empty if nothing does.

    Cells contract: their contractile moment is positive. Exchanged components or a wrong sign make it
    small or negative. The same holds for displacements. Forces without any order raise no doubt.
    """
    moment = float(metrics.contractile_moment(traction, mask, pixel_size))
    largest = _MOMENT_THRESHOLD * _largest_moment(np.asarray(traction), mask, pixel_size)
    swapped = float(metrics.contractile_moment(np.asarray(traction)[::-1], mask, pixel_size))
    if max(abs(moment), abs(swapped)) < largest:
        return ""
    if not moment < 0:
        return "" if not swapped > 2 * moment else _SWAPPED
    return _SWAPPED if swapped > abs(moment) / 2 else _OUTWARD


def _largest_moment(traction: npt.NDArray[Any], mask: BoolArray, pixel_size: PixelSize) -> float:
    """Return the contractile moment of forces that all point to the centre of the mask."""
    rows, columns = np.nonzero(mask)
    arms = np.hypot((rows - rows.mean()) * pixel_size.y, (columns - columns.mean()) * pixel_size.x)
    return float((np.hypot(*traction[:, mask]) * arms).sum() * pixel_size.area * 1e-3)


_OUTWARD = (
    "The forces point outward: cells pull inward. Are reference and loaded image exchanged, or a sign turned?"
)
_SWAPPED = "The forces point inward only if x and y are exchanged: check the order of the components."
