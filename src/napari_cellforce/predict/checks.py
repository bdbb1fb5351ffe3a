"""What is refused before the work starts, and what must not come out of it."""

from __future__ import annotations

import numpy as np

from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import FloatArray, ImageStack, Mask
from napari_cellforce.models.record import ModelRecord

_TRACTIONS = (1.0, 1e5)
"""Smallest and largest mean traction magnitude of a cell in Pa; beyond, it is in another unit."""


def check_mask(mask: Mask, stack: ImageStack) -> None:
    """Refuse a mask of another size or length than the stack.

    Raises
    ------
    CellForceError
        Naming both sizes.
    """
    frames, height, width = mask.data.shape
    if (height, width) != stack.shape or frames not in (1, stack.n_frames):
        raise CellForceError(
            f"the mask ({mask.source}) has {frames} frames of {height} x {width} pixels",
            f"the image has {stack.n_frames} frames of {stack.shape[0]} x {stack.shape[1]}",
            "Use a mask of the same size, with one frame or as many as the image.",
            topic="mask",
        )


def check_calibration(calibration: float | None, record: ModelRecord) -> None:
    """Refuse a calibration that cannot be a cell's mean traction, or that a model in Pa does not need.

    Raises
    ------
    CellForceError
    """
    if calibration is None:
        return
    low, high = _TRACTIONS
    if not low <= calibration <= high:
        raise CellForceError(
            f"the calibration is {calibration:g} Pa",
            f"it is the mean traction magnitude of comparable cells, {low:g} to {high:g} Pa",
            "Type it in, in Pa (published cells: 196-444), or leave it empty for normalised tractions.",
            topic="calibration",
        )
    if record.output_unit != "normalised":
        raise CellForceError(
            f"a calibration of {calibration:g} Pa is given",
            f"the model {record.name} already predicts in {record.output_unit}",
            "Leave the calibration empty.",
            topic="calibration",
        )


def check_traction(traction: FloatArray, record: ModelRecord, name: str, frame: int) -> None:
    """Refuse a traction that is not finite everywhere: weights that blew up, or a predictor with a mistake.

    Parameters
    ----------
    traction : (2, Y, X) array
    record : ModelRecord
        Of the model that gave it.
    name : str
        Of the image.
    frame : int
        Counted from 0.

    Raises
    ------
    CellForceError
    """
    if not np.isfinite(traction).all():
        raise CellForceError(
            f"the traction of frame {frame} of {name or 'the image'} is NaN or infinite",
            f"the model {record.name} must give a number everywhere",
            "Choose another model, and look whether this one is damaged.",
            topic="model",
        )
