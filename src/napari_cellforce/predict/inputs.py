"""Which channel, which mask, which pixel size: chosen before the work starts."""

from __future__ import annotations

from collections.abc import Sequence

from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import ImageStack, Mask, PixelSize
from napari_cellforce.io.validate import check_pixel_size, require_pixel_size
from napari_cellforce.models.record import ModelRecord
from napari_cellforce.predict.config import PredictConfig
from napari_cellforce.predict.outline import FoundCell

_MICROSCOPES = (1e-3, 1e3)
"""Smallest and largest pixel size in µm; beyond, it is in another unit."""


def choose_channels(
    stack: ImageStack, record: ModelRecord, wanted: Sequence[int | str] = ()
) -> tuple[int, ...]:
    """Return the stack's channel for each protein the model reads.

    Parameters
    ----------
    stack : ImageStack
    record : ModelRecord
    wanted : sequence of (int or str)
        As the user named them; empty to go by the channels' names, or by their order if there are
        exactly as many channels as proteins.

    Raises
    ------
    CellForceError
        If a channel is not there, or cannot be told.
    """
    proteins = record.proteins
    if wanted:
        if len(wanted) != len(proteins):
            raise CellForceError(
                f"{len(wanted)} channels are chosen",
                f"the model {record.name} reads {len(proteins)}: {', '.join(proteins)}",
                "Choose one channel for each of these, in this order.",
                topic="channel",
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
        f"the model {record.name} reads {', '.join(proteins)}, and no name says which that is",
        "Choose the channel.",
        topic="channel",
    )


def choose_pixel_size(stack: ImageStack, record: ModelRecord, given: PixelSize | None) -> PixelSize:
    """Return the pixel size to use: the given one, else the stack's; refuse to guess."""
    pixel_size = require_pixel_size(given or stack.pixel_size)
    low, high = _MICROSCOPES
    if not low <= pixel_size.micron <= high:
        raise CellForceError(
            f"the pixel size is {pixel_size.micron:g} µm",
            f"images of cells have pixels of {low:g} to {high:g} µm",
            "Type in camera pixel divided by magnification.",
            topic="pixel size",
        )
    check_pixel_size(pixel_size, record.pixel_size)
    return PixelSize.square(pixel_size.micron, pixel_size.source)


def automatic_mask(stack: ImageStack, channel: int, pixel_size: PixelSize, config: PredictConfig) -> Mask:
    """Return a mask that finds the cell in `channel` of a frame when that frame is asked for."""
    found = FoundCell(
        stack, channel, pixel_size=pixel_size, sensitivity=config.sensitivity, at=config.cell_at
    )
    return Mask(found, "automatic")


def _channel_of(protein: str, stack: ImageStack) -> int | None:
    """Return the one channel whose name contains the protein's, or None."""
    matches = [i for i, name in enumerate(stack.channel_names) if protein.lower() in name.lower()]
    return matches[0] if len(matches) == 1 else None
