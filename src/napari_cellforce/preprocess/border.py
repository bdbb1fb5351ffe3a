"""The black border that drift correction leaves, where nothing was recorded."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def recorded(image: npt.NDArray[Any]) -> tuple[slice, slice]:
    """Return the rows and columns of an image within a border of zeros.

    Only where nothing else is zero: a background that was clipped at zero is one like any other. Correction
    of drift moves frames, and fills with zeros what comes in from outside; no camera's background is zero
    along a whole edge and nowhere else.

    Parameters
    ----------
    image : (Y, X) array
    """
    whole = slice(0, image.shape[0]), slice(0, image.shape[1])
    if all(edge.any() for edge in (image[0], image[-1], image[:, 0], image[:, -1])):
        return whole
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    if not rows.size:
        return whole
    within = slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
    return within if image[within].all() else whole
