"""``cellforce predict``: images in, traction fields and tables out."""

from __future__ import annotations

import contextlib
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from napari_cellforce.cli.console import errors, frame_progress, output, print_error
from napari_cellforce.cli.hints import with_option
from napari_cellforce.cli.options import Given, with_settings
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import FrameResult, ImageStack, Mask

if TYPE_CHECKING:
    from napari_cellforce.models.record import Predictor
    from napari_cellforce.predict import OutputPaths, PredictConfig, Prediction

SOME_FAILED = 3
"""Exit code when some inputs were predicted and others could not be."""


@with_settings("napari_cellforce.predict:PredictConfig")
def predict(
    inputs: Annotated[
        list[Path],
        typer.Argument(
            help="Images: TIFF, OME-TIFF, ImageJ, OME-Zarr, folders of single frames, the authors' .npy "
            "frames or folders; `movie.lif/2` for one of several images in a file."
        ),
    ],
    given: Given,
    mask: Annotated[str, typer.Option(help="Mask file, or `auto` to find the cell.")] = "auto",
    label: Annotated[
        int | None,
        typer.Option(help="Label of the cell in the mask file; becomes part of the results' names."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Output folder; beside each input by default.")] = None,
    as_zarr: Annotated[
        bool, typer.Option("--zarr", help="Write the traction as OME-Zarr, not as OME-TIFF.")
    ] = False,
) -> None:
    """Predict the traction of every frame; writes STEM_traction.ome.tif and STEM_summary.csv."""
    from napari_cellforce.io.paths import stem

    _require_different_names(inputs, out)
    config: PredictConfig = given.build()
    predictor = config.run.load()
    failed = 0
    for path in inputs:
        try:
            predict_one(path, predictor, config, mask=mask, label=label, out=out, zarr=as_zarr)
        except CellForceError as error:
            if len(inputs) == 1:
                raise
            text = with_option(error)
            print_error(text if stem(path) in text else f"{path.name}: {text}")
            failed += 1
    if failed:
        raise typer.Exit(2 if failed == len(inputs) else SOME_FAILED)


def predict_one(
    path: Path,
    predictor: Predictor,
    config: PredictConfig,
    *,
    mask: str = "auto",
    label: int | None = None,
    out: Path | None = None,
    zarr: bool = False,
) -> OutputPaths:
    """Predict one input and write its files, with a progress bar; returns where they are."""
    from napari_cellforce.io import read
    from napari_cellforce.io.paths import split
    from napari_cellforce.predict import OutputPaths, prepare

    stack = read(path, z=config.run.z)
    for note in stack.notes:
        output.print(f"{path.name}: {note}")
    job = prepare(stack, predictor, read_mask_option(mask, label, stack), config=config)
    stem = (
        stack.name if label is None else f"{stack.name}_label{label}"
    )  # cells of one image, one after the other
    paths = OutputPaths.of(out or split(path)[0].parent, stem, zarr=zarr)
    with _report_when_stopped(job, paths), _terminate_as_interrupt():
        _write_with_progress(job, paths, path.name)
    for written in (paths.traction, paths.summary, paths.uncertainty):
        if written.exists():
            output.print(str(written))
    return paths


def _write_with_progress(job: Prediction, paths: OutputPaths, title: str) -> None:
    from napari_cellforce.predict import predict_to_files

    # Closing the records, come what may, is what keeps the finished frames.
    with frame_progress(title) as update, contextlib.closing(predict_to_files(job, paths)) as records:
        for record in records:
            if isinstance(record, FrameResult):
                update("", record.frame + 1, job.stack.n_frames)
            else:
                update(record.what, record.done, record.total)


@contextlib.contextmanager
def _report_when_stopped(job: Prediction, paths: OutputPaths) -> Iterator[None]:
    """Tell what a Ctrl-C has left, after the files are closed."""
    try:
        yield
    except KeyboardInterrupt:
        kept = _frames_kept(job, paths)
        where = f"{kept} of {job.stack.n_frames} frames are in {paths.traction}"
        errors.print(f"[yellow]Stopped:[/] {escape(where) if kept else 'no frame was finished'}.")
        raise


def _frames_kept(job: Prediction, paths: OutputPaths) -> int:
    """Return how many frames of this job its file holds; one of before may still lie there."""
    from napari_cellforce.io import read_field

    if not paths.traction.exists():
        return 0
    field = read_field(paths.traction)
    return len(field.frames) if field.provenance.date == job.started else 0


@contextlib.contextmanager
def _terminate_as_interrupt() -> Iterator[None]:
    """Let the end of a cluster's job (SIGTERM) or a closed terminal (SIGHUP) act as Ctrl-C in this block."""
    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    # A signal that is already ignored, for example under nohup, stays ignored.
    former = {number: signal.getsignal(number) for number in numbers}
    ours = [number for number, handler in former.items() if handler is signal.SIG_DFL]
    for number in ours:
        signal.signal(number, signal.default_int_handler)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)


def read_mask_option(mask: str, label: int | None, stack: ImageStack) -> Mask | None:
    """Return what ``--mask`` and ``--label`` mean; None where the cell is to be found."""
    if mask == "auto" and label is not None:
        raise CellForceError(
            f"--label is {label}",
            "it chooses a cell of a mask file, and none is given",
            "Give the file with --mask, or leave --label out.",
        )
    if mask == "auto":
        return None
    from napari_cellforce.io import read_mask

    return read_mask(Path(mask), shape=stack.shape, frames=stack.n_frames, label=label, every_frame=True)


def _require_different_names(inputs: list[Path], out: Path | None) -> None:
    """Refuse two inputs whose results would overwrite each other."""
    from napari_cellforce.io.paths import split, stem

    results = Counter((out or split(path.resolve())[0].parent) / stem(path.resolve()) for path in inputs)
    result, count = results.most_common(1)[0]
    if count > 1:
        raise CellForceError(
            f"{count} of the inputs are called {result.name}",
            "they would overwrite each other's results",
            "Give each input once, or predict them into different folders.",
            topic=Topic.OUTPUT,
        )
