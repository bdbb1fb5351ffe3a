"""``cellforce predict``: images in, traction fields and tables out."""

from __future__ import annotations

import contextlib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from napari_cellforce.cli.console import complain, frame_progress, output, with_option
from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import FrameResult, ImageStack, Mask, PixelSize

if TYPE_CHECKING:
    from napari_cellforce.models.record import Predictor
    from napari_cellforce.predict import OutputPaths, PredictConfig

SOME_FAILED = 3
"""Exit code when some inputs were predicted and others could not be."""


def predict(
    inputs: Annotated[
        list[Path],
        typer.Argument(
            help="Images: TIFF, OME-TIFF, ImageJ, OME-Zarr, folders of single frames, the authors' .npy "
            "frames or folders; `movie.lif/2` for one of several images in a file."
        ),
    ],
    model: Annotated[str, typer.Option(help="Name in `cellforce models list`, or a weights file.")],
    channel: Annotated[
        list[str] | None,
        typer.Option(help="Channel of each protein, by name or number from 0; repeat for several."),
    ] = None,
    mask: Annotated[str, typer.Option(help="Mask file, or `auto` to find the cell.")] = "auto",
    label: Annotated[
        int | None, typer.Option(help="Which label of the mask file is the cell, if it has several.")
    ] = None,
    pixel_size: Annotated[
        float | None, typer.Option(help="Side of a pixel in µm, if the file does not say or is wrong.")
    ] = None,
    z: Annotated[str | None, typer.Option(help="For z-stacks: `max`, or a plane counted from 0.")] = None,
    already_normalised: Annotated[
        bool, typer.Option("--already-normalised", help="Intensities are normalised, not camera counts.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Output folder; beside each input by default.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    backend: Annotated[
        str, typer.Option(help="What computes a network: auto, eager, openvino, compile or amp.")
    ] = "auto",
    threads: Annotated[
        int | None, typer.Option(min=1, help="How many threads compute; all cores by default.")
    ] = None,
    samples: Annotated[
        int, typer.Option(min=0, help="Dropout passes for an uncertainty map; 0 for one plain pass.")
    ] = 0,
    calibration: Annotated[
        float | None,
        typer.Option(help="Mean traction magnitude in Pa of comparable cells: gives results in Pa."),
    ] = None,
    sensitivity: Annotated[float, typer.Option(help="Of `--mask auto`; above 1 gives a larger cell.")] = 1.0,
    as_zarr: Annotated[
        bool, typer.Option("--zarr", help="Write the traction as OME-Zarr, not as OME-TIFF.")
    ] = False,
) -> None:
    """Predict the traction of every frame; writes STEM_traction.ome.tif and STEM_summary.csv."""
    from napari_cellforce.predict import PredictConfig
    from napari_cellforce.zoo import load_predictor

    _refuse_same_names(inputs, out)
    config = PredictConfig(
        channels=tuple(channel or ()),
        already_normalised=already_normalised,
        calibration=calibration,
        sensitivity=sensitivity,
    )
    size = None if pixel_size is None else PixelSize.square(pixel_size, "typed")
    if threads is not None:
        from napari_cellforce.models.device import use_threads

        use_threads(threads)
    predictor = load_predictor(model, device=device, samples=samples, backend=backend)
    failed = 0
    for path in inputs:
        try:
            predict_one(
                path,
                predictor,
                config,
                mask=mask,
                label=label,
                pixel_size=size,
                z=plane(z),
                out=out,
                zarr=as_zarr,
            )
        except CellForceError as error:
            if len(inputs) == 1:
                raise
            complain(with_option(error))
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
    pixel_size: PixelSize | None = None,
    z: Literal["max"] | int | None = None,
    out: Path | None = None,
    zarr: bool = False,
) -> OutputPaths:
    """Predict one input and write its files, with a progress bar; returns where they are."""
    from napari_cellforce.io import read
    from napari_cellforce.io.paths import split
    from napari_cellforce.predict import OutputPaths, predict_to_files, prepare

    stack = read(path, z=z)
    for note in stack.notes:
        output.print(f"{path.name}: {note}", highlight=False)
    job = prepare(stack, predictor, mask_from(mask, label, stack), pixel_size, config)
    paths = OutputPaths.of(out or split(path)[0].parent, stack.name, zarr=zarr)
    # Closing the records, come what may, is what keeps the finished frames.
    with frame_progress(path.name) as update, contextlib.closing(predict_to_files(job, paths)) as records:
        for record in records:
            if isinstance(record, FrameResult):
                update("", record.frame + 1, stack.n_frames)
            else:
                update(record.what, record.done, record.total)
    output.print(f"{paths.traction}\n{paths.summary}", highlight=False)
    return paths


def plane(z: str | None) -> Literal["max"] | int | None:
    """Return what ``--z`` means.

    Raises
    ------
    CellForceError
        If it is neither ``max`` nor a number.
    """
    if z is None:
        return None
    if z == "max":
        return "max"
    if z.isdigit():
        return int(z)
    raise CellForceError(
        f"--z is {z!r}", "it is `max` or the number of a plane, counted from 0", "Give one of these."
    )


def mask_from(mask: str, label: int | None, stack: ImageStack) -> Mask | None:
    """Return what ``--mask`` means; None where the cell is to be found."""
    if mask == "auto":
        return None
    from napari_cellforce.io import read_mask

    return read_mask(Path(mask), shape=stack.shape, frames=stack.n_frames, label=label)


def _refuse_same_names(inputs: list[Path], out: Path | None) -> None:
    """Refuse two inputs whose results would overwrite each other."""
    from napari_cellforce.io.paths import split, stem

    results = Counter((out or split(path.resolve())[0].parent) / stem(path.resolve()) for path in inputs)
    result, count = results.most_common(1)[0]
    if count > 1:
        raise CellForceError(
            f"{count} of the inputs are called {result.name}",
            "they would overwrite each other's results",
            "Give each input once, or predict them into different folders.",
            topic="output",
        )
