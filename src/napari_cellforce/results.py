"""Tables of results: one row per frame, with the unit in the name of every column.

In normalised units, the force, moment and energy columns become nN, nN·µm and fJ when multiplied by the
traction, in Pa, of one normalised unit.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_cellforce import metrics
from napari_cellforce.fields import NORMALISED, BoolArray, Mask, PixelSize, Unit, VectorField
from napari_cellforce.preprocess.regrid import Window

_QUANTITIES = (
    ("mean traction", "Pa"),
    ("95th percentile traction", "Pa"),
    ("maximum traction", "Pa"),
    ("total force", "nN"),
    ("net force", "nN"),
    ("net / total force", ""),
    ("contractile moment", "nN·µm"),
)
_ENERGY = ("strain energy", "fJ")


def column_names(unit: Unit, *, energy: bool = False) -> list[str]:
    """Return the columns of a table, in order.

    Parameters
    ----------
    unit : {"Pa", "normalised"}
        Unit of the traction.
    energy : bool
        Include the strain energy, which needs a displacement.
    """
    quantities = (*_QUANTITIES, _ENERGY) if energy else _QUANTITIES
    return ["frame", "time [min]", "area [µm²]", *(_column(*quantity, unit) for quantity in quantities)]


def frame_row(
    frame: int,
    traction: npt.ArrayLike,
    mask: BoolArray,
    pixel_size: PixelSize,
    unit: Unit,
    frame_interval: float | None = None,
    displacement: npt.ArrayLike | None = None,
) -> dict[str, float]:
    """Return the summary statistics of one frame.

    Parameters
    ----------
    frame : int
        Index in the movie, from 0.
    traction : (2, Y, X) array
        In `unit`.
    mask : (Y, X) bool array
        Only pixels inside the mask count.
    pixel_size : PixelSize
    unit : {"Pa", "normalised"}
    frame_interval : float, optional
        Minutes between frames; without it the time is NaN.
    displacement : (2, Y, X) array, optional
        Displacement of the gel surface in µm; adds the strain energy.

    Returns
    -------
    dict
        Numbers by column, see `column_names`.
    """
    window = Window.around(mask) if mask.any() else Window(0, 0, *mask.shape)
    traction, mask = window.cut(np.asarray(traction, dtype=np.float64)), window.cut(mask)
    total = float(metrics.total_force(traction, mask, pixel_size))
    net = float(np.linalg.norm(metrics.net_force(traction, mask, pixel_size)))
    values = [
        frame,
        math.nan if frame_interval is None else frame * frame_interval,
        float(mask.sum()) * pixel_size.area,
        float(metrics.mean_traction(traction, mask)),
        float(metrics.percentile_traction(traction, mask, 95)),
        float(metrics.percentile_traction(traction, mask, 100)),
        total,
        net,
        net / total if total > 0 else math.nan,
        float(metrics.contractile_moment(traction, mask, pixel_size)),
    ]
    if displacement is not None:
        u = window.cut(np.asarray(displacement))
        values.append(float(metrics.strain_energy(traction, u, mask, pixel_size)))
    names = column_names(unit, energy=displacement is not None)
    return dict(zip(names, values, strict=True))


def frame_table(
    field: VectorField, mask: Mask | BoolArray | None = None, displacement: VectorField | None = None
) -> pd.DataFrame:
    """Return the summary statistics of a traction field, one row per frame.

    Parameters
    ----------
    field : VectorField
        Traction.
    mask : Mask or (Y, X) or (T, Y, X) bool array, optional
        One mask for all frames, or one for each frame of the field or of the original movie. Default: the
        mask of the field.
    displacement : VectorField, optional
        Displacement in µm, with at least the frames of `field`; adds the strain energy.

    Returns
    -------
    DataFrame
        Its columns are those of `column_names`.
    """
    if field.quantity != "traction":
        raise ValueError(f"expected a traction field, got {field.quantity}")
    masks = _as_mask(field.mask if mask is None else mask)
    rows = []
    for i, frame in enumerate(field.frames):
        moved = None if displacement is None else displacement.data[displacement.frames.index(frame)]
        inside = masks.frame(i if len(masks.data) == len(field.frames) else frame)
        row = frame_row(
            frame, field.data[i], inside, field.pixel_size, field.unit, field.frame_interval, moved
        )
        rows.append(row)
    return pd.DataFrame(rows, columns=column_names(field.unit, energy=displacement is not None))


def _column(name: str, absolute: str, unit: Unit) -> str:
    """Return a column's name with its unit: `absolute`, or ``normalised``; a pure number has none."""
    if not absolute:
        return name
    return f"{name} [{NORMALISED if unit == NORMALISED else absolute}]"


def _as_mask(mask: Mask | BoolArray | None) -> Mask:
    if mask is None:
        raise ValueError("the field has no mask: give one")
    if isinstance(mask, Mask):
        return mask
    return Mask(mask if mask.ndim == 3 else mask[None])
