"""Potentials of any field, predicted or measured, written frame by frame."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from napari_cellforce.errors import CellForceError, CellForceWarning, Topic
from napari_cellforce.explain.config import WrittenFile
from napari_cellforce.fields import (
    BoolArray,
    FloatArray,
    FrameResult,
    PixelSize,
    Progress,
    Provenance,
    ScalarField,
    ShortRepr,
    Unit,
    VectorField,
    to_numpy,
)
from napari_cellforce.io.temp_arrays import FrameAccumulator
from napari_cellforce.io.write import write_scalar, write_table
from napari_cellforce.physics.decomposition import clebsch, helmholtz
from napari_cellforce.predict import Prediction
from napari_cellforce.preprocess.mask import touches_border
from napari_cellforce.preprocess.normalise import Baselines


@dataclass(frozen=True, eq=False, repr=False)
class Decomposition(ShortRepr):
    """One frame, taken apart.

    Attributes
    ----------
    scalars : mapping of str to (Y, X) float32 array
        ``helmholtz_phi``, ``helmholtz_stream``, ``phi``, ``psi``, ``chi``; 0 outside the mask.
    shares : mapping of str to float
        Shares of the sum of |F|²: ``curl-free``, ``divergence-free``, ``harmonic``; and what the Clebsch form
        leaves, ``clebsch residual``.
    """

    scalars: dict[str, FloatArray]
    shares: dict[str, float]


def decompose(
    field: FloatArray, spacing: float, mask: BoolArray | None, iterations: int = 150
) -> Decomposition:
    """Take a frame's field ``(2, Y, X)`` apart.

    Parameters
    ----------
    field : (2, Y, X) array
        (y, x); a traction or a displacement.
    spacing : float
        Side of the pixels in µm.
    mask : (Y, X) bool array or None
        The cell; without one the field is taken for periodic.
    iterations : int
        At most, of the Clebsch potentials.

    Raises
    ------
    CellForceError
        If the field has gaps in the mask or the mask is empty.

    Warns
    -----
    CellForceWarning
        If the cell is cut by the border: potentials there depend on what is not seen.
    """
    if mask is not None and touches_border(mask):
        warnings.warn(
            "The cell is cut by the frame's border: the field is taken to end there, so potentials near it,"
            " and a balance of forces found so, are artificial.",
            CellForceWarning,
            stacklevel=2,
        )
    parts = helmholtz(field, spacing, mask)
    forms = clebsch(field, spacing, mask, iterations=iterations)
    scalars = {
        "helmholtz_phi": parts.phi,
        "helmholtz_stream": parts.stream,
        "phi": forms.phi,
        "psi": forms.psi,
        "chi": forms.chi,
    }
    names = ("curl-free", "divergence-free", "harmonic")
    shares = {name: float(share) for name, share in zip(names, parts.fractions, strict=True)}
    return Decomposition(
        {name: np.asarray(values, dtype=np.float32) for name, values in scalars.items()},
        shares | {"clebsch residual": forms.residual_fraction},
    )


def potential_unit(name: str, unit: Unit) -> str:
    """Return the unit of one of `Decomposition.scalars`, for a field in `unit`."""
    product = f"{unit} µm"
    return f"({product})^½" if name in ("psi", "chi") else product


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


def source_from_field(field: VectorField) -> FieldSource:
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
            topic=Topic.PIXEL_SIZE,
        )

    def frames() -> Iterator[tuple[FloatArray, BoolArray | None]]:
        for t in range(field.data.shape[0]):
            mask = None if field.mask is None else to_numpy(field.mask[t], dtype=np.bool_)
            yield to_numpy(field.data[t], dtype=np.float32), mask

    n_frames, _, height, width = field.data.shape
    return FieldSource(
        field.name or "field", field.unit, field.pixel_size, field.frame_interval, field.provenance, n_frames,
        (height, width), frames(),
    )  # fmt: skip


def source_from_prediction(job: Prediction, baselines: Baselines | None) -> FieldSource:
    """Return the tractions that a job predicts as a source."""
    results = (r for r in job.run(None, baselines) if isinstance(r, FrameResult))
    return FieldSource(
        job.stack.name, job.unit, job.pixel_size, job.stack.frame_interval, job.provenance(),
        job.stack.n_frames, job.stack.shape, ((r.traction, r.mask) for r in results),
    )  # fmt: skip


def write_decomposition(
    source: FieldSource, folder: Path, iterations: int
) -> Iterator[Progress | WrittenFile]:
    """Write the potentials as OME-TIFF and the shares of the parts as CSV."""
    rows: list[dict[str, float]] = []
    spacing = source.pixel_size.micron
    accumulator = FrameAccumulator(source.n_frames, source.shape)
    try:
        for t, (field, mask) in enumerate(source.frames):
            yield Progress("Taking the field apart", t, source.n_frames)
            found = decompose(field, spacing, mask, iterations)
            accumulator.append(found.scalars)
            rows.append({"frame": t, **found.shares})
    except BaseException:  # also a stop: the frames that are done are kept
        list(_save_decomposition(source, accumulator, rows, folder))
        raise
    yield from _save_decomposition(source, accumulator, rows, folder)


def _save_decomposition(
    source: FieldSource, accumulator: FrameAccumulator, rows: list[dict[str, float]], folder: Path
) -> Iterator[WrittenFile]:
    """Write the frames that are done; nothing where there is none."""
    for name, values in accumulator.fields():
        unit, size = potential_unit(name, source.unit), source.pixel_size
        scalar = ScalarField(values, name, unit, size, source.frame_interval, source.provenance)
        path = write_scalar(folder / f"{source.name}_{_file_part(name)}.ome.tif", scalar)
        yield WrittenFile("decomposition", path)
    if rows:
        path = write_table(folder / f"{source.name}_decomposition.csv", pd.DataFrame(rows))
        yield WrittenFile("decomposition", path)


def _file_part(name: str) -> str:
    """Return a potential's name for a file name; the prefix separates Clebsch from GFNN potentials."""
    return name if name.startswith("helmholtz") else f"clebsch_{name}"
