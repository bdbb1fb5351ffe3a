"""Potentials of any field, predicted or measured, written frame by frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from napari_cellforce.errors import CellForceError
from napari_cellforce.explain.config import Written
from napari_cellforce.explain.decompose import decompose, unit_of
from napari_cellforce.explain.spool import Spool
from napari_cellforce.fields import (
    BoolArray,
    FloatArray,
    FrameResult,
    PixelSize,
    Provenance,
    ScalarField,
    Unit,
    VectorField,
    in_memory,
)
from napari_cellforce.io.write import write_scalar, write_table
from napari_cellforce.predict import Prediction, Progress
from napari_cellforce.preprocess.normalise import Baselines


@dataclass(frozen=True)
class FieldSource:
    """A field to take apart, read frame by frame.

    Attributes
    ----------
    name, unit, pixel_size, frame_interval, provenance
        As in a `VectorField`.
    n_frames : int
    shape : tuple of int
    frames : iterator of ((2, Y, X) array, (Y, X) bool array or None)
        Every frame's field and mask.
    """

    name: str
    unit: Unit
    pixel_size: PixelSize
    frame_interval: float | None
    provenance: Provenance
    n_frames: int
    shape: tuple[int, int]
    frames: Iterator[tuple[FloatArray, BoolArray | None]]


def source_of_field(field: VectorField) -> FieldSource:
    """Return a field in memory or on disk as a source.

    Raises
    ------
    CellForceError
        If its pixel size is unknown: potentials are integrals over µm.
    """
    if not field.pixel_size.known:
        raise CellForceError(
            f"{field.name or 'the field'} has no pixel size",
            "potentials are integrals over lengths",
            "Give it in µm.",
            topic="pixel size",
        )

    def frames() -> Iterator[tuple[FloatArray, BoolArray | None]]:
        for t in range(field.data.shape[0]):
            mask = None if field.mask is None else in_memory(field.mask[t], dtype=np.bool_)
            yield in_memory(field.data[t], dtype=np.float32), mask

    n_frames, _, height, width = field.data.shape
    return FieldSource(
        field.name or "field", field.unit, field.pixel_size, field.frame_interval, field.provenance, n_frames,
        (height, width), frames(),
    )  # fmt: skip


def source_of_prediction(job: Prediction, baselines: Baselines | None) -> FieldSource:
    """Return the tractions that a job predicts as a source."""
    results = (r for r in job.run(None, baselines) if isinstance(r, FrameResult))
    return FieldSource(
        job.stack.name, job.unit, job.pixel_size, job.stack.frame_interval, job.provenance(),
        job.stack.n_frames, job.stack.shape, ((r.traction, r.mask) for r in results),
    )  # fmt: skip


def write_decomposition(source: FieldSource, folder: Path, iterations: int) -> Iterator[Progress | Written]:
    """Write the potentials as OME-TIFF and the shares of the parts as CSV."""
    rows: list[dict[str, float]] = []
    spacing = source.pixel_size.micron
    spool = Spool(source.n_frames, source.shape)
    try:
        for t, (field, mask) in enumerate(source.frames):
            yield Progress("Taking the field apart", t, source.n_frames)
            found = decompose(field, spacing, mask, iterations)
            spool.append(found.scalars)
            rows.append({"frame": t, **found.shares})
    except BaseException:  # also a stop: the frames that are done are kept
        list(_save(source, spool, rows, folder))
        raise
    yield from _save(source, spool, rows, folder)


def _save(source: FieldSource, spool: Spool, rows: list[dict[str, float]], folder: Path) -> Iterator[Written]:
    """Write the frames that are done; nothing where there is none."""
    for name, values in spool.fields():
        unit, size = unit_of(name, source.unit), source.pixel_size
        scalar = ScalarField(values, name, unit, size, source.frame_interval, source.provenance)
        path = write_scalar(folder / f"{source.name}_{_spelled(name)}.ome.tif", scalar)
        yield Written("decomposition", path)
    if rows:
        path = write_table(folder / f"{source.name}_decomposition.csv", pd.DataFrame(rows))
        yield Written("decomposition", path)


def _spelled(name: str) -> str:
    """Return a potential's name as part of a file's: Clebsch's are told from those of a GFNN."""
    return name if name.startswith("helmholtz") else f"clebsch_{name}"
