"""Channels, mask and pixel size of a prediction, chosen and validated before it starts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import FloatArray, ImageStack, Mask, PixelSize
from napari_cellforce.io.validate import check_pixel_size, require_pixel_size
from napari_cellforce.models.record import ModelRecord
from napari_cellforce.predict.config import PredictConfig
from napari_cellforce.predict.lazy_mask import LazyCellMask


def check_mask(mask: Mask, stack: ImageStack) -> None:
    """Refuse a mask whose size or number of frames differs from that of the stack.

    Raises
    ------
    CellForceError
        If the sizes differ; the error contains both.
    """
    frames, height, width = mask.data.shape
    if (height, width) != stack.shape or frames not in (1, stack.n_frames):
        raise CellForceError(
            f"the mask ({mask.source}) has {frames} frames of {height} x {width} pixels",
            f"the image has {stack.n_frames} frames of {stack.shape[0]} x {stack.shape[1]}",
            "Use a mask of the same size, with one frame or as many as the image.",
            topic=Topic.MASK,
        )


def check_calibration(calibration: float | None, record: ModelRecord) -> None:
    """Refuse a calibration that a model in Pa does not need.

    Raises
    ------
    CellForceError
    """
    if calibration is None:
        return
    if record.output_unit != "normalised":
        raise CellForceError(
            f"a calibration of {calibration:g} Pa is given",
            f"the model {record.name} already predicts in {record.output_unit}",
            "Leave the calibration empty.",
            topic=Topic.CALIBRATION,
        )


def check_traction(traction: FloatArray, record: ModelRecord, name: str, frame: int) -> None:
    """Refuse a traction that is not finite everywhere.

    Parameters
    ----------
    traction : (2, Y, X) array
    record : ModelRecord
        Record of the model.
    name : str
        Name of the image.
    frame : int
        Number of the frame, from 0.

    Raises
    ------
    CellForceError
        If a value is NaN or infinite.
    """
    if not np.isfinite(traction).all():
        raise CellForceError(
            f"the traction of frame {frame} of {name or 'the image'} is NaN or infinite",
            f"the model {record.name} must give a number everywhere",
            "Choose another model, and check whether the file of this one is damaged.",
            topic=Topic.MODEL,
        )


_PIXEL_SIZE_RANGE = (1e-3, 1e3)
"""Smallest and largest plausible pixel size in µm; values outside are probably in another unit."""


def choose_channels(
    stack: ImageStack, record: ModelRecord, wanted: Sequence[int | str] = ()
) -> tuple[int, ...]:
    """Return the stack's channel for each protein the model reads.

    Parameters
    ----------
    stack : ImageStack
    record : ModelRecord
    wanted : sequence of (int or str)
        Channels chosen by the user; if empty, channels are matched by name, or by order if there are
        exactly as many channels as proteins.

    Raises
    ------
    CellForceError
        If a channel does not exist or cannot be identified.
    """
    proteins = record.proteins
    if wanted:
        if len(wanted) != len(proteins):
            raise CellForceError(
                f"{len(wanted)} channels are chosen",
                f"the model {record.name} reads {len(proteins)}: {', '.join(proteins)}",
                "Choose one channel for each of these, in this order.",
                topic=Topic.CHANNEL,
            )
        return tuple(stack.channel(which) for which in wanted)
    named = [_channel_of(protein, stack) for protein in proteins]
    if None not in named:
        return tuple(c for c in named if c is not None)
    if len(stack.channel_names) == len(proteins):
        return tuple(range(len(proteins)))
    listed = ", ".join(f"{i}: {name}" for i, name in enumerate(stack.channel_names))
    raise CellForceError(
        f"{stack.name or 'the image'} has the channels {listed}",
        f"the model {record.name} reads {', '.join(proteins)}, and no channel name identifies it",
        "Choose the channel.",
        topic=Topic.CHANNEL,
    )


def choose_pixel_size(stack: ImageStack, record: ModelRecord, given: PixelSize | None) -> PixelSize:
    """Return the pixel size to use: the given one, else that of the stack; it is never guessed."""
    pixel_size = require_pixel_size(given or stack.pixel_size)
    low, high = _PIXEL_SIZE_RANGE
    if not low <= pixel_size.micron <= high:
        raise CellForceError(
            f"the pixel size is {pixel_size.micron:g} µm",
            f"images of cells have pixels of {low:g} to {high:g} µm",
            "Type in camera pixel divided by magnification.",
            topic=Topic.PIXEL_SIZE,
        )
    check_pixel_size(pixel_size, record.pixel_size)
    return PixelSize.square(pixel_size.micron, pixel_size.source)


def automatic_mask(stack: ImageStack, channel: int, pixel_size: PixelSize, config: PredictConfig) -> Mask:
    """Return a mask that is computed from `channel` frame by frame, on access."""
    found = LazyCellMask(
        stack, channel, pixel_size=pixel_size, sensitivity=config.sensitivity, at=config.cell_at
    )
    return Mask(found, "automatic")


def _channel_of(protein: str, stack: ImageStack) -> int | None:
    """Return the only channel whose name contains that of the protein, or None."""
    matches = [i for i, name in enumerate(stack.channel_names) if protein.lower() in name.lower()]
    return matches[0] if len(matches) == 1 else None
