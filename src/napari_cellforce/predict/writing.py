"""Predictions straight to files, while they are made."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from napari_cellforce.fields import FrameResult
from napari_cellforce.io.write import FieldWriter, write_table
from napari_cellforce.predict.config import Progress
from napari_cellforce.predict.job import Prediction
from napari_cellforce.preprocess.normalise import Baselines

_TRACTION = "_traction.ome.tif"
_SUMMARY = "_summary.csv"


@dataclass(frozen=True)
class OutputPaths:
    """Where the results of one input go.

    Attributes
    ----------
    traction : Path
        OME-TIFF of the traction, (T, 2, Y, X).
    summary : Path
        CSV, a row a frame.
    """

    traction: Path
    summary: Path

    @classmethod
    def of(cls, folder: Path, stem: str) -> OutputPaths:
        """Return the paths for an input called `stem`."""
        return cls(folder / f"{stem}{_TRACTION}", folder / f"{stem}{_SUMMARY}")

    @classmethod
    def beside(cls, traction: Path) -> OutputPaths:
        """Return the paths for a traction file that the user named."""
        stem = traction.name.removesuffix(_TRACTION).removesuffix(".ome.tif").removesuffix(".tif")
        return cls(traction, traction.with_name(f"{stem}{_SUMMARY}"))


def predict_to_files(
    job: Prediction,
    paths: OutputPaths,
    frames: range | None = None,
    baselines: Baselines | None = None,
) -> Generator[Progress | FrameResult, None, None]:
    """Run a job and write what it yields; whatever ends or closes it, the finished frames are on disk.

    Parameters
    ----------
    job : Prediction
    paths : OutputPaths
    frames, baselines
        See `Prediction.run`.

    Yields
    ------
    Progress or FrameResult
        As `Prediction.run` does, each result after it was written.

    Raises
    ------
    CellForceError
        If a frame cannot be predicted, or a file not be written.
    """
    rows: list[dict[str, float]] = []
    writer = FieldWriter(
        paths.traction,
        quantity="traction",
        unit=job.unit,
        pixel_size=job.pixel_size,
        shape=job.stack.shape,
        frame_interval=job.stack.frame_interval,
        name=job.stack.name,
        provenance=job.provenance(),
        n_frames=job.stack.n_frames if frames is None else len(frames),
    )
    with contextlib.ExitStack() as stack:
        # A frame whose row was made but which did not reach the file is in neither.
        stack.callback(lambda: _write_rows(paths.summary, rows[: len(writer.frames)]))
        stack.enter_context(writer)
        for record in job.run(frames, baselines):
            if isinstance(record, FrameResult):
                rows.append(job.row(record))
                writer.append(record.frame, record.traction, record.mask)
            yield record


def _write_rows(path: Path, rows: list[dict[str, float]]) -> None:
    if rows:
        write_table(path, pd.DataFrame(rows))
