"""Write predictions to files while they are computed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import FrameResult, Progress, ScalarField
from napari_cellforce.files import remove
from napari_cellforce.io.partial_writer import BaseFieldWriter
from napari_cellforce.io.scalar import ScalarWriter
from napari_cellforce.io.write import field_writer, write_table
from napari_cellforce.predict.job import Prediction
from napari_cellforce.predict.prefetch import BackgroundWriter
from napari_cellforce.preprocess.normalise import Baselines

_TRACTION = "_traction.ome.tif"
_TRACTION_ZARR = "_traction.ome.zarr"
_SUMMARY = "_summary.csv"
_UNCERTAINTY = "_uncertainty.ome.tif"


@dataclass(frozen=True)
class OutputPaths:
    """Output files of one input.

    Attributes
    ----------
    traction : Path
        OME-TIFF (or OME-Zarr, by its name) of the traction, (T, 2, Y, X).
    summary : Path
        CSV table with one row per frame.
    uncertainty : Path
        OME-TIFF of the standard deviation, (T, Y, X), if the predictor provides one.
    """

    traction: Path
    summary: Path
    uncertainty: Path

    @classmethod
    def of(cls, folder: Path, stem: str, *, zarr: bool = False) -> OutputPaths:
        """Return the paths for an input called `stem`, with the traction as OME-Zarr if `zarr`."""
        traction = _TRACTION_ZARR if zarr else _TRACTION
        return cls(*(folder / f"{stem}{ending}" for ending in (traction, _SUMMARY, _UNCERTAINTY)))

    @classmethod
    def beside(cls, traction: Path) -> OutputPaths:
        """Return the paths that belong to a traction file chosen by the user."""
        stem = traction.name.removesuffix(_TRACTION).removesuffix(".ome.tif").removesuffix(".tif")
        return cls(traction, *(traction.with_name(f"{stem}{ending}") for ending in (_SUMMARY, _UNCERTAINTY)))


def predict_to_files(
    job: Prediction,
    paths: OutputPaths,
    frames: range | None = None,
    baselines: Baselines | None = None,
) -> Generator[Progress | FrameResult, None, None]:
    """Run a job and write its results; finished frames are on disk however the job ends.

    While a frame is predicted, the next one is read and the previous one is written. Existing files are
    replaced; an existing uncertainty is removed if the predictor provides none.

    Parameters
    ----------
    job : Prediction
    paths : OutputPaths
    frames, baselines
        See `Prediction.run`.

    Yields
    ------
    Progress or FrameResult
        Records of `Prediction.run`; each result when its writing starts.

    Raises
    ------
    CellForceError
        If a frame cannot be predicted or a file cannot be written; the latter is raised with the next
        frame, at the latest when the generator ends or is closed.
    """
    n_frames = job.stack.n_frames if frames is None else len(frames)
    with (
        _files(job, paths, n_frames) as write,
        BackgroundWriter() as writer_thread,
        contextlib.closing(job.run(frames, baselines, read_ahead=True)) as records,
    ):
        for record in records:
            if isinstance(record, FrameResult):
                writer_thread.submit(write, record)
            yield record


@contextlib.contextmanager
def _files(job: Prediction, paths: OutputPaths, n_frames: int) -> Iterator[Callable[[FrameResult], None]]:
    """Yield the function that writes a result; the files are valid however the block ends."""
    rows: list[dict[str, float]] = []
    spread: ScalarWriter | None = None
    writer = _traction_writer(job, paths, n_frames)

    def write(result: FrameResult) -> None:
        nonlocal spread
        rows.append(job.row(result))
        writer.append(result.frame, result.traction, result.mask)
        if result.uncertainty is not None:
            spread = spread or spreads.enter_context(_uncertainty_writer(job, paths, n_frames))
            spread.append(result.uncertainty)

    def remove_former_uncertainty() -> None:
        if writer.frames and spread is None:
            remove(paths.uncertainty)

    with contextlib.ExitStack() as stack:
        stack.callback(remove_former_uncertainty)
        stack.enter_context(_summary(paths.summary, rows, writer))
        stack.enter_context(writer)
        spreads = stack.enter_context(contextlib.ExitStack())
        yield write


def _traction_writer(job: Prediction, paths: OutputPaths, n_frames: int) -> BaseFieldWriter:
    return field_writer(paths.traction)(
        paths.traction,
        quantity="traction",
        unit=job.unit,
        pixel_size=job.pixel_size,
        shape=job.stack.shape,
        frame_interval=job.stack.frame_interval,
        name=job.stack.name,
        provenance=job.provenance(),
        n_frames=n_frames,
    )


def _uncertainty_writer(job: Prediction, paths: OutputPaths, n_frames: int) -> ScalarWriter:
    placeholder = np.broadcast_to(np.float32(0), (n_frames, *job.stack.shape))
    like = ScalarField(
        placeholder, "uncertainty", job.unit, job.pixel_size, job.stack.frame_interval, job.provenance()
    )
    return ScalarWriter(paths.uncertainty, like)


@contextlib.contextmanager
def _summary(path: Path, rows: list[dict[str, float]], writer: BaseFieldWriter) -> Iterator[None]:
    """Write the table when the block ends, however it ends.

    A frame that was not written to the traction file is left out of the table. If both writers fail, for
    example on a full disk, the first error is raised.
    """
    suppressed: tuple[type[CellForceError], ...] = ()
    try:
        yield
    except CellForceError:
        suppressed = (CellForceError,)
        raise
    finally:
        with contextlib.suppress(*suppressed):
            if writer.frames:
                write_table(path, pd.DataFrame(rows[: len(writer.frames)]))
