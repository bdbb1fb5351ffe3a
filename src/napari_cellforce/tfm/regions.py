"""Numbers for each cell or region of a traction field."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_cellforce import metrics
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import NORMALISED, VectorField, X, Y, to_numpy
from napari_cellforce.results import frame_row

REGION = "region"


def region_rows(
    traction: VectorField, labels: npt.NDArray[np.integer[Any]], displacement: VectorField | None = None
) -> Iterator[list[dict[str, float]]]:
    """Yield the rows of `region_table`, a list a frame.

    Raises
    ------
    CellForceError
        If the labels do not fit the field.
    """
    stack = labels if labels.ndim == 3 else labels[None]
    if stack.shape[1:] != traction.data.shape[2:] or len(stack) not in (1, len(traction.frames)):
        raise CellForceError(
            f"the regions are {' x '.join(str(n) for n in labels.shape)}",
            f"the traction is {' x '.join(str(n) for n in traction.data.shape[2:])}, "
            f"in {len(traction.frames)} frames",
            "Draw the regions on the bead images.",
            topic=Topic.REGIONS,
        )
    for i, frame in enumerate(traction.frames):
        image = stack[i if len(stack) > 1 else 0]
        vectors = to_numpy(traction.data[i])
        moved = None if displacement is None else to_numpy(displacement.data[i])
        rows = []
        for label in np.unique(image[image != 0]):
            inside = image == label
            row = frame_row(
                frame, vectors, inside, traction.pixel_size, traction.unit, traction.frame_interval, moved
            )
            rows.append({REGION: int(label), **row, **_more(traction, vectors, inside)})
        yield rows


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
        A row a frame and region: the columns of `napari_cellforce.results`; the 99th percentile of |F|; the
        force dipole, which is `napari_cellforce.metrics.moment_matrix` in x to the right and y down; its two
        principal moments (their sum is the contractile moment) and the direction of the first, in degrees
        counter-clockwise from the right, as seen on screen, 0 to 180.

    Raises
    ------
    CellForceError
        If the labels do not fit the field.
    """
    return pd.DataFrame([row for rows in region_rows(traction, labels, displacement) for row in rows])


def _more(
    field: VectorField, vectors: npt.NDArray[np.floating[Any]], inside: npt.NDArray[np.bool_]
) -> dict[str, float]:
    dipole = metrics.moment_matrix(vectors, inside, field.pixel_size)
    moments, axes = metrics.principal_axes(dipole)
    relative = field.unit == NORMALISED
    pascal, unit = (NORMALISED, NORMALISED) if relative else ("Pa", "nN·µm")
    angle = math.degrees(math.atan2(-axes[0, Y], axes[0, X])) % 180
    return {
        f"99th percentile traction [{pascal}]": float(metrics.percentile_traction(vectors, inside, 99)),
        f"force dipole xx [{unit}]": float(dipole[X, X]),
        f"force dipole yy [{unit}]": float(dipole[Y, Y]),
        f"force dipole xy [{unit}]": float(dipole[Y, X]),
        f"first principal moment [{unit}]": float(moments[0]),
        f"second principal moment [{unit}]": float(moments[1]),
        "direction of first [°]": angle,
    }
