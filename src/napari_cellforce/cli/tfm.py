"""``cellforce tfm``: bead images, a folder of them, or a measured displacement in; tractions out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_cellforce.cli.options import Given, with_settings
from napari_cellforce.config_io import read_settings
from napari_cellforce.errors import CellForceError, Topic


@with_settings("napari_cellforce.tfm:TfmConfig")
def tfm(
    reference: Annotated[
        Path,
        typer.Argument(
            help="Beads at rest, after removing the cell. Alone: a folder of bead images, "
            "or the file of a displacement that was measured before."
        ),
    ],
    given: Given,
    loaded: Annotated[
        Path | None, typer.Argument(help="Beads pulled by the cell: an image or a movie.")
    ] = None,
    channel: Annotated[str, typer.Option(help="Channel of the beads, by name or number from 0.")] = "0",
    mask: Annotated[Path | None, typer.Option(help="Mask of the cell, on the loaded image.")] = None,
    pixel_size: Annotated[
        float | None, typer.Option(help="Pixel size in µm; overrides the file metadata.")
    ] = None,
    preset: Annotated[
        Path | None, typer.Option(help="Settings as JSON; options replace them one by one.")
    ] = None,
    words: Annotated[
        tuple[str, str, str],
        typer.Option(help="For a folder: words in the names of beads at rest, beads pulled, and masks."),
    ] = ("reference", "loaded", "mask"),
    unit: Annotated[str | None, typer.Option(help="Unit of a measured displacement: px, µm or nm.")] = None,
    spacing: Annotated[
        float | None,
        typer.Option(help="Distance of vectors in µm, of a measured displacement without positions."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Output folder; beside the (loaded) image by default.")
    ] = None,
) -> None:
    """Measure tractions from images of beads: writes displacement, traction, a table and the settings."""
    from napari_cellforce.cli import tfm_inputs
    from napari_cellforce.tfm import TfmConfig

    if preset is None and "substrate.young" not in given.values:
        raise CellForceError(
            "The gel's stiffness is not given",
            "tractions are proportional to it",
            "Give it in Pa with --young (1 kPa = 1000 Pa).",
            topic=Topic.GEL,
        )
    config: TfmConfig = given.build(None if preset is None else read_settings(preset, TfmConfig))
    if loaded is not None:
        tfm_inputs.measure_pair(reference, loaded, config, channel, mask, pixel_size, out or loaded.parent)
    elif reference.is_dir():
        tfm_inputs.measure_folder(reference, config, channel, words, pixel_size, out)
    else:
        windows = given.values.get("displacement.windows")
        measured_with = windows[-1] if windows else None
        tfm_inputs.invert(
            reference, config, unit, pixel_size, spacing, measured_with, out or reference.parent
        )
