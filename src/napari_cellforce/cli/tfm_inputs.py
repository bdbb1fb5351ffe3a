"""What ``cellforce tfm`` can begin with: two images of beads, a folder of them, a displacement."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import typer

from napari_cellforce.cli.console import frame_progress, output
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import PASCAL, PixelSize, Progress
from napari_cellforce.io import read, read_mask
from napari_cellforce.io.measured import MeasuredLayout, read_measured
from napari_cellforce.physics.regularisation import RegularisationChoice
from napari_cellforce.tfm import (
    FolderConfig,
    FolderEvent,
    NameTokens,
    TfmConfig,
    TfmPaths,
    TfmResult,
    invert_displacements,
    piv_window,
    prepare,
    read_reference,
    run_folder,
    tfm_to_files,
)

_SOME_FAILED = 3
"""Exit code, as of ``cellforce batch``."""


def measure_pair(
    reference: Path,
    loaded: Path,
    config: TfmConfig,
    channel: str,
    mask: Path | None,
    pixel_size: float | None,
    out: Path,
) -> None:
    """Measure an image or a movie of beads against those at rest."""
    stack = read(loaded)
    cell = None if mask is None else read_mask(mask, shape=stack.shape, frames=stack.n_frames)
    size = None if pixel_size is None else PixelSize.square(pixel_size, "typed")
    at_rest, own_size = read_reference(reference, channel)
    job = prepare(
        at_rest, stack, config, channel=channel, mask=cell, pixel_size=size, reference_size=size or own_size
    )
    paths = TfmPaths.of(out, stack.name)
    with frame_progress(loaded.name) as update:
        for record in tfm_to_files(job, paths):
            if isinstance(record, Progress):
                update(record.what, record.done, record.total)
            elif isinstance(record, RegularisationChoice):
                _print_event(record)
    output.print(f"{paths.traction}\n{paths.displacement}\n{paths.summary}")


def measure_folder(
    folder: Path,
    config: TfmConfig,
    channel: str,
    words: tuple[str, str, str],
    pixel_size: float | None,
    out: Path | None,
) -> None:
    """Measure all bead images of a folder; ends with code 3 if some failed."""
    where = out or folder / "cellforce-tfm"
    job = FolderConfig(str(folder), str(where), config, NameTokens(*words), channel, pixel_size)
    failed = 0
    with frame_progress(folder.name) as update:
        for record in run_folder(job):
            if isinstance(record, Progress):
                update(record.what, record.done, record.total)
            elif isinstance(record, RegularisationChoice):
                _print_event(record)
            elif isinstance(record, FolderEvent) and record.state != "followed":
                failed += record.state == "failed"
                detail = f": {record.words}" if record.words else ""
                output.print(f"{record.name}: {record.state}{detail}")
    output.print(str(where))
    if failed:
        raise typer.Exit(_SOME_FAILED)


def invert(
    path: Path,
    config: TfmConfig,
    unit: str | None,
    pixel_size: float | None,
    spacing: float | None,
    window: int | None,
    out: Path,
) -> None:
    """Compute tractions from a displacement that was measured before, by this or another program.

    `window` is the side of its PIV windows in pixels, where the file does not tell.
    """
    field = read_measured(path, MeasuredLayout(unit=unit, pixel_size=pixel_size, spacing=spacing))
    if field.quantity != "displacement":
        raise CellForceError(
            f"{path.name} holds a traction",
            "tractions are computed from a displacement, or from two images of beads",
            "Give the loaded image as a second file, or the file of a displacement.",
            topic=Topic.INPUT,
        )
    side = piv_window(field) if window is None else window * (pixel_size or 1) / field.pixel_size.micron
    found = invert_displacements(np.asarray(field.data), field.pixel_size.micron, config, side)
    _print_event(found[0][1])
    traction = dataclasses.replace(
        field, data=np.stack([data for data, _ in found]), quantity="traction", unit=PASCAL
    )
    paths = TfmResult(traction, None, found[0][1]).save(out, config)
    output.print(str(paths.traction))


def _print_event(choice: RegularisationChoice) -> None:
    output.print(
        f"lambda = {choice.regularisation:.3g} µm/Pa ({choice.criterion}); "
        f"noise of each traction component {choice.traction_noise:.3g} Pa",
    )
