"""Results of consecutive frames, copied into one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from napari_cellforce.fields import ScalarField, VectorField, to_numpy
from napari_cellforce.files import remove
from napari_cellforce.io import FieldWriter, ScalarWriter, read, read_field
from napari_cellforce.predict.writing import OutputPaths


def concatenate_fields(parts: Sequence[OutputPaths], final: OutputPaths, like: OutputPaths) -> None:
    """Copy tractions, and uncertainties where there are any, into one file of each, a frame at a time.

    Tables are left to the caller.

    Parameters
    ----------
    parts : sequence of OutputPaths
        In the order of their frames.
    final : OutputPaths
        May be one of the parts: it is replaced when the joined one is whole.
    like : OutputPaths
        The part whose unit, pixel size and provenance the whole is given.

    Raises
    ------
    CellForceError
        If a file cannot be read or written.
    """
    about = read_field(like.traction)
    _concatenate_tractions(parts, final.traction, about)
    if like.uncertainty.is_file():
        _concatenate_uncertainties(parts, final.uncertainty, about)
    else:
        remove(final.uncertainty)


def _concatenate_tractions(parts: Sequence[OutputPaths], final: Path, about: VectorField) -> None:
    fields = [read_field(part.traction) for part in parts]
    with FieldWriter.like(final, about, sum(len(field.frames) for field in fields)) as writer:
        for field in fields:
            for i, frame in enumerate(field.frames):
                writer.append(frame, to_numpy(field.data[i]), to_numpy(field.mask[i]))


def _concatenate_uncertainties(parts: Sequence[OutputPaths], final: Path, about: VectorField) -> None:
    stacks = [read(part.uncertainty) for part in parts]
    none_yet = np.broadcast_to(np.float32(0), (sum(stack.n_frames for stack in stacks), *stacks[0].shape))
    like = ScalarField(
        none_yet, "uncertainty", about.unit, about.pixel_size, about.frame_interval, about.provenance
    )
    with ScalarWriter(final, like) as writer:
        for stack in stacks:
            for t in range(stack.n_frames):
                writer.append(stack.frame(t)[0])
