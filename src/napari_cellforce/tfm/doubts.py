"""What a user would want to be asked about."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from napari_cellforce import metrics
from napari_cellforce.fields import BoolArray, PixelSize, Substrate

_SOFTEST, _STIFFEST = 50.0, 5e5
"""Pa; gels for traction force microscopy lie between."""


def doubt_about_substrate(substrate: Substrate) -> str:
    """Return what speaks against the stiffness of a gel; empty if nothing does."""
    if substrate.young < _SOFTEST:
        return (
            f"The gel's stiffness is {substrate.young:g} Pa: is that meant in kPa? "
            f"Then type {1000 * substrate.young:g}. Tractions are proportional to it."
        )
    if substrate.young > _STIFFEST:
        return f"The gel's stiffness is {substrate.young:g} Pa, which no cell deforms: check the unit."
    return ""


def doubt_about_direction(traction: npt.ArrayLike, mask: BoolArray, pixel_size: PixelSize) -> str:
    """Return what speaks against the direction of a ``(2, Y, X)`` traction; empty if nothing does.

    Cells contract: their contractile moment is positive. Exchanged components or a wrong sign make it
    small or negative.
    """
    moment = float(metrics.contractile_moment(traction, mask, pixel_size))
    swapped = float(metrics.contractile_moment(np.asarray(traction)[::-1], mask, pixel_size))
    if not moment < 0:
        return "" if not swapped > 2 * moment else _SWAPPED
    return _SWAPPED if swapped > abs(moment) / 2 else _OUTWARD


_OUTWARD = (
    "The forces point outward: cells pull inward. Are reference and loaded image exchanged, or a sign turned?"
)
_SWAPPED = "The forces point inward only if x and y are exchanged: check the order of the components."
