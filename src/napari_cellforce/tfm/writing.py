"""Tractions straight to files, while they are computed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from napari_cellforce.fields import MICROMETRE, PASCAL, Quantity, Unit
from napari_cellforce.files import write_text
from napari_cellforce.io import FieldWriter, write_table
from napari_cellforce.physics.regularisation import Choice
from napari_cellforce.predict.config import Progress
from napari_cellforce.results import frame_row
from napari_cellforce.tfm.job import TfmJob
from napari_cellforce.tfm.records import TfmDisplacement, TfmFrame

Record = Progress | TfmDisplacement | Choice | TfmFrame


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
            if isinstance(record, Choice):
                write_table(paths.regularisation, choice_table(record))
            elif isinstance(record, TfmFrame):
                traction.append(record.frame, record.traction, record.mask)
                displacement.append(record.frame, record.displacement, record.mask)
                rows.append(_row(job, record))
            yield record


def choice_table(choice: Choice) -> pd.DataFrame:
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
