"""Concatenate the results of consecutive frames into one file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from napari_cellforce.fields import ScalarField, VectorField, to_numpy
from napari_cellforce.files import remove
from napari_cellforce.io import FieldWriter, ScalarWriter, read, read_field
from napari_cellforce.predict.writing import OutputPaths


def concatenate_fields(parts: Sequence[OutputPaths], final: OutputPaths, like: OutputPaths) -> None:
    """Concatenate tractions, and uncertainties if present, into one file each, one frame at a time.

    Tables are left to the caller.

    Parameters
    ----------
    parts : sequence of OutputPaths
        Parts in the order of their frames.
    final : OutputPaths
        Paths of the result; may be one of the parts, which is then replaced when the result is complete.
    like : OutputPaths
        Part from which unit, pixel size and provenance are taken.

    Raises
    ------
    CellForceError
        If a file cannot be read or written.
    """
    metadata = read_field(like.traction)
    _concatenate_tractions(parts, final.traction, metadata)
    if like.uncertainty.is_file():
        _concatenate_uncertainties(parts, final.uncertainty, metadata)
    else:
        remove(final.uncertainty)


def _concatenate_tractions(parts: Sequence[OutputPaths], final: Path, metadata: VectorField) -> None:
    fields = [read_field(part.traction) for part in parts]
    with FieldWriter.like(final, metadata, sum(len(field.frames) for field in fields)) as writer:
        for field in fields:
            for i, frame in enumerate(field.frames):
                writer.append(frame, to_numpy(field.data[i]), to_numpy(field.mask[i]))


def _concatenate_uncertainties(parts: Sequence[OutputPaths], final: Path, metadata: VectorField) -> None:
    stacks = [read(part.uncertainty) for part in parts]
    placeholder = np.broadcast_to(np.float32(0), (sum(stack.n_frames for stack in stacks), *stacks[0].shape))
    like = ScalarField(
        placeholder,
        "uncertainty",
        metadata.unit,
        metadata.pixel_size,
        metadata.frame_interval,
        metadata.provenance,
    )
    with ScalarWriter(final, like) as writer:
        for stack in stacks:
            for t in range(stack.n_frames):
                writer.append(stack.frame(t)[0])
