"""What is worth knowing of a cell drawn by hand, though it can be used."""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from skimage.measure import label

from napari_cellforce.fields import BoolArray

_PART = 0.01
"""Of a cell's area; less is not worth a word."""


def remarks(mask: BoolArray, painted: BoolArray | None = None) -> str:
    """Say what of a cell is left out, or comes apart in the mechanics; empty if nothing is to be said.

    Parameters
    ----------
    mask : (Y, X) bool array
        The cell as it is drawn.
    painted : (Y, X) bool array, optional
        What was painted, on whatever grid.
    """
    found = []
    if painted is not None:
        pieces = int(label(painted).max())
        if pieces > 1:
            found.append(f"{pieces} pieces are painted: the largest is the cell.")
        if _holes(painted) > _PART:
            found.append("Holes are filled: a cell is what its outer edge encloses.")
    parts = _parts(mask)
    if parts > 1:
        found.append(
            f"Threads of 1 to 2 pixels hold the cell together: the mechanics takes it for {parts} cells."
            " Widen them."
        )
    return " ".join(found)


def _holes(painted: BoolArray) -> float:
    """Return the area of the holes, relative to what is painted."""
    return float(ndimage.binary_fill_holes(painted).sum() / max(painted.sum(), 1)) - 1


def _parts(mask: BoolArray) -> int:
    """Return the number of parts that a mesh sees, which does without threads."""
    thick, _ = ndimage.label(ndimage.binary_opening(mask))
    areas = np.bincount(thick.ravel())[1:]
    return int((areas > _PART * mask.sum()).sum())
