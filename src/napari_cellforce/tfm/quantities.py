"""Numbers for each cell or region of a traction field."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_cellforce import metrics
from napari_cellforce.fields import NORMALISED, VectorField, X, Y
from napari_cellforce.results import frame_row


def region_table(
    traction: VectorField, labels: npt.NDArray[np.integer[Any]], displacement: VectorField | None = None
) -> pd.DataFrame:
    """Sum up each labelled region of each frame.

    Parameters
    ----------
    traction : VectorField
    labels : (Y, X) or (T, Y, X) array of int
        0 is no region; one image stands for all frames.
    displacement : VectorField, optional
        In µm, on the same grid and frames; adds the strain energy.

    Returns
    -------
    DataFrame
        A row a frame and region: the columns of `napari_cellforce.results`, the two principal contractile
        moments (their sum is the contractile moment) and the direction of the first, in degrees
        counter-clockwise from the right, as seen on screen, 0 to 180.
    """
    stack = labels if labels.ndim == 3 else labels[None]
    rows = []
    for i, frame in enumerate(traction.frames):
        image = stack[i if len(stack) > 1 else 0]
        vectors = np.asarray(traction.data[i])
        moved = None if displacement is None else np.asarray(displacement.data[i])
        for label in np.unique(image[image != 0]):
            inside = image == label
            row = frame_row(
                frame, vectors, inside, traction.pixel_size, traction.unit, traction.frame_interval, moved
            )
            rows.append({"region": int(label), **row, **_dipole(traction, vectors, inside)})
    return pd.DataFrame(rows)


def _dipole(
    field: VectorField, vectors: npt.NDArray[np.floating[Any]], inside: npt.NDArray[np.bool_]
) -> dict[str, float]:
    moments, axes = metrics.principal_axes(metrics.moment_matrix(vectors, inside, field.pixel_size))
    unit = NORMALISED if field.unit == NORMALISED else "nN·µm"
    angle = math.degrees(math.atan2(-axes[0, Y], axes[0, X])) % 180
    return {
        f"first principal moment [{unit}]": float(moments[0]),
        f"second principal moment [{unit}]": float(moments[1]),
        "direction of first [°]": angle,
    }
