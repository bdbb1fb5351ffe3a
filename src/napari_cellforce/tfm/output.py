"""Tractions straight to files, while they are computed."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from napari_cellforce.fields import (
    MICROMETRE,
    PASCAL,
    FloatArray,
    PixelSize,
    Progress,
    Quantity,
    Unit,
    VectorField,
    to_numpy,
)
from napari_cellforce.files import write_text
from napari_cellforce.io import FieldWriter, write_field, write_table
from napari_cellforce.io.measured import ORIGIN
from napari_cellforce.physics.displacement import DisplacementResult, to_pixels
from napari_cellforce.physics.regularisation import RegularisationChoice
from napari_cellforce.results import frame_row
from napari_cellforce.tfm.config import TfmConfig
from napari_cellforce.tfm.job import TfmDisplacement, TfmFrame, TfmJob, displacement_on_pixels

Record = Progress | TfmDisplacement | RegularisationChoice | TfmFrame


@dataclass(frozen=True)
class TfmPaths:
    """Where the results go.

    Attributes
    ----------
    traction, displacement : Path
        OME-TIFF, (T, 2, Y, X) in Pa and µm.
    summary : Path
        CSV, a row a frame.
    regularisation : Path
        CSV: the curve that lambda was chosen on.
    preset : Path
        JSON: the settings.
    """

    traction: Path
    displacement: Path
    summary: Path
    regularisation: Path
    preset: Path

    @classmethod
    def of(cls, folder: Path, stem: str) -> TfmPaths:
        """Return the paths for an input called `stem`."""
        return cls(
            folder / f"{stem}_measured_traction.ome.tif",
            folder / f"{stem}_measured_displacement.ome.tif",
            folder / f"{stem}_measured_summary.csv",
            folder / f"{stem}_regularisation.csv",
            folder / f"{stem}_tfm_preset.json",
        )


def tfm_to_files(job: TfmJob, paths: TfmPaths) -> Iterator[Record]:
    """Run a job and write what it yields; whatever ends it, the finished frames are on disk.

    Yields
    ------
    As `TfmJob.run`, each frame after it was written.

    Raises
    ------
    CellForceError
        If a frame cannot be measured, or a file not be written.
    """
    yield from write_records(job, paths, job.run())


def write_records(job: TfmJob, paths: TfmPaths, records: Iterator[Record]) -> Iterator[Record]:
    """Write what a job yields, as `tfm_to_files`, but given what it yields."""
    rows: list[dict[str, float]] = []
    write_text(paths.preset, job.config.to_json())
    with contextlib.ExitStack() as stack:
        traction = stack.enter_context(_writer(job, paths.traction, "traction", PASCAL))
        displacement = stack.enter_context(_writer(job, paths.displacement, "displacement", MICROMETRE))
        stack.callback(lambda: rows and write_table(paths.summary, pd.DataFrame(rows)))
        for record in records:
            if isinstance(record, RegularisationChoice):
                write_table(paths.regularisation, choice_table(record))
            elif isinstance(record, TfmFrame):
                traction.append(record.frame, record.traction, record.mask)
                displacement.append(record.frame, record.displacement, record.mask)
                rows.append(_row(job, record))
            yield record


def choice_table(choice: RegularisationChoice) -> pd.DataFrame:
    """Return the curve of a regularisation, the chosen point marked."""
    best = int(np.abs(np.log(choice.candidates / max(choice.regularisation, 1e-300))).argmin())
    return pd.DataFrame(
        {
            "lambda [µm/Pa]": choice.candidates,
            f"criterion ({choice.criterion})": choice.curve,
            "residual [µm]": choice.residual,
            "traction [Pa]": choice.norm,
            "chosen": np.arange(len(choice.candidates)) == best,
        }
    )


def _writer(job: TfmJob, path: Path, quantity: Quantity, unit: Unit) -> FieldWriter:
    return FieldWriter(
        path,
        quantity=quantity,
        unit=unit,
        pixel_size=job.pixel_size,
        shape=job.loaded.shape,
        frame_interval=job.loaded.frame_interval,
        name=job.loaded.name,
        provenance=job.provenance(),
        n_frames=job.loaded.n_frames,
    )


def _row(job: TfmJob, record: TfmFrame) -> dict[str, float]:
    inside = np.ones(job.loaded.shape, bool) if record.mask is None else record.mask
    row = frame_row(
        record.frame,
        record.traction,
        inside,
        job.pixel_size,
        PASCAL,
        job.loaded.frame_interval,
        record.displacement,
    )
    noise = {"traction noise [Pa]": record.choice.traction_noise}
    return row | noise | {"lambda [µm/Pa]": record.choice.regularisation}


@dataclass(frozen=True, eq=False)
class TfmResult:
    """Traction and displacement of all frames, on one grid.

    Attributes
    ----------
    traction, displacement : VectorField
        In Pa and µm; the displacement is None where only the traction is known.
    choice : Choice or None
        The regularisation, of the first frame if each has its own.
    """

    traction: VectorField
    displacement: VectorField | None = None
    choice: RegularisationChoice | None = None

    @classmethod
    def of(
        cls,
        job: TfmJob,
        tractions: Sequence[FloatArray],
        found: Sequence[DisplacementResult],
        choice: RegularisationChoice,
    ) -> TfmResult:
        """Return the frames of a job as fields, with the cell's mask if it is known.

        Displacements are interpolated to the images when they are asked for: a movie's are large.
        """
        mask = None if job.mask is None else np.stack([job.mask.frame(t) for t in range(len(tractions))])
        traction = VectorField(
            np.stack(tractions),
            "traction",
            PASCAL,
            job.pixel_size,
            job.loaded.frame_interval,
            mask=mask,
            name=job.loaded.name,
            provenance=job.provenance(),
        )
        moved = dataclasses.replace(
            traction, data=_lazy(job, found), quantity="displacement", unit=MICROMETRE
        )
        return cls(traction, moved, choice)

    def on_pixels(self, size: PixelSize, shape: tuple[int, int]) -> TfmResult:
        """Interpolate to the pixels of an image of the same place, by cubic splines, held at the edge."""
        fields = [
            None if field is None else _on_pixels(field, size.micron, shape)
            for field in (self.traction, self.displacement)
        ]
        assert fields[0] is not None
        return TfmResult(fields[0], fields[1], self.choice)

    def save(self, folder: Path, config: TfmConfig | None = None) -> TfmPaths:
        """Write the fields, the curve of the regularisation, and the settings as a preset.

        Raises
        ------
        CellForceError
            If they cannot be written there.
        """
        paths = TfmPaths.of(folder, self.traction.name or "cell")
        write_field(paths.traction, self.traction)
        if self.displacement is not None:
            write_field(paths.displacement, self.displacement)
        if self.choice is not None:
            write_table(paths.regularisation, choice_table(self.choice))
        if config is not None:
            write_text(paths.preset, config.to_json())
        return paths


def _lazy(job: TfmJob, found: Sequence[DisplacementResult]) -> Any:
    """Return the displacements on the grid of the images, (T, 2, Y, X), as dask with a frame a chunk."""
    import dask
    import dask.array as da  # takes 0.6 s to load

    on_pixels = dask.delayed(displacement_on_pixels)
    shape = (2, *found[0].shape)
    return da.stack(
        [da.from_delayed(on_pixels(job, t, result), shape, np.float32) for t, result in enumerate(found)]
    )


def _on_pixels(field: VectorField, micron: float, shape: tuple[int, int]) -> VectorField:
    origin = field.provenance.settings.get(ORIGIN, (0.0, 0.0))
    places = [
        (start + (np.arange(n) + 0.5) * field.pixel_size.micron) / micron - 0.5
        for start, n in zip(origin, field.data.shape[2:], strict=True)
    ]
    data: FloatArray = np.stack(
        [to_pixels(to_numpy(frame), places[0], places[1], shape) for frame in field.data]
    ).astype(np.float32)
    settings = {name: value for name, value in field.provenance.settings.items() if name != ORIGIN}
    return dataclasses.replace(
        field,
        data=data,
        pixel_size=PixelSize.square(micron),
        mask=None,
        provenance=dataclasses.replace(field.provenance, settings=settings),
    )
