"""``cellforce tfm``: bead images, a folder of them, or a measured displacement in; tractions out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_cellforce.config_io import read_settings
from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import Substrate

if TYPE_CHECKING:
    from napari_cellforce.physics.displacement import DisplacementConfig


def tfm(
    reference: Annotated[
        Path,
        typer.Argument(
            help="Beads at rest, after removing the cell. Alone: a folder of bead images, "
            "or the file of a displacement that was measured before."
        ),
    ],
    loaded: Annotated[
        Path | None, typer.Argument(help="Beads pulled by the cell: an image or a movie.")
    ] = None,
    young: Annotated[float | None, typer.Option(help="Stiffness (Young's modulus) of the gel in Pa.")] = None,
    poisson: Annotated[float, typer.Option(help="Poisson's ratio of the gel.")] = 0.5,
    thickness: Annotated[float | None, typer.Option(help="Of the gel in µm; a half-space without.")] = None,
    channel: Annotated[str, typer.Option(help="Of the beads, by name or number from 0.")] = "0",
    mask: Annotated[Path | None, typer.Option(help="Where the cell is, on the loaded image.")] = None,
    pixel_size: Annotated[
        float | None, typer.Option(help="Side of a pixel in µm, if the file does not say.")
    ] = None,
    window: Annotated[
        list[int] | None,
        typer.Option(
            help="Side of the windows of each pass in pixels; repeat. Of a displacement: of its PIV."
        ),
    ] = None,
    overlap: Annotated[int | None, typer.Option(help="Of the last pass's windows in pixels.")] = None,
    drift: Annotated[str, typer.Option(help="shift, rigid or none.")] = "shift",
    method: Annotated[str, typer.Option(help="piv, tv-l1 or ilk.")] = "piv",
    criterion: Annotated[str, typer.Option(help="evidence, gcv, l-curve or fixed.")] = "evidence",
    regularisation: Annotated[
        float | None, typer.Option(help="Lambda in µm/Pa, for `--criterion fixed`.")
    ] = None,
    noise_outside: Annotated[
        bool, typer.Option("--noise-outside", help="Measure the noise outside the cell (needs --mask).")
    ] = False,
    each: Annotated[
        bool, typer.Option("--each", help="Choose lambda for each frame, not one for all.")
    ] = False,
    keep_borders: Annotated[
        bool, typer.Option("--keep-borders", help="Do not fit opposite borders of the displacement.")
    ] = False,
    preset: Annotated[
        Path | None, typer.Option(help="Settings as JSON, instead of the options above.")
    ] = None,
    words: Annotated[
        tuple[str, str, str],
        typer.Option(help="Of a folder: words in the names of beads at rest, beads pulled, and masks."),
    ] = ("reference", "loaded", "mask"),
    unit: Annotated[str | None, typer.Option(help="Of a displacement: px, µm or nm.")] = None,
    spacing: Annotated[
        float | None, typer.Option(help="Of a displacement without positions: distance of vectors in µm.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Output folder; beside the (loaded) image by default.")
    ] = None,
) -> None:
    """Measure tractions from images of beads: writes displacement, traction, a table and the settings."""
    from napari_cellforce.cli import tfm_inputs
    from napari_cellforce.tfm import TfmConfig

    if preset is not None:
        config = read_settings(preset, TfmConfig)
    else:
        config = TfmConfig(
            Substrate(_stiffness(young), poisson, thickness),
            _beads(window, overlap, drift, method),
            _one_of(criterion, ("evidence", "gcv", "l-curve", "fixed"), "--criterion"),  # type: ignore[arg-type]
            regularisation,
            one_for_all=not each,
            noise_outside=noise_outside,
            fit_borders=not keep_borders,
        )
    if loaded is not None:
        tfm_inputs.measure_pair(reference, loaded, config, channel, mask, pixel_size, out or loaded.parent)
    elif reference.is_dir():
        tfm_inputs.measure_folder(reference, config, channel, words, pixel_size, out)
    else:
        measured_with = window[-1] if window else None
        tfm_inputs.invert(
            reference, config, unit, pixel_size, spacing, measured_with, out or reference.parent
        )


def _beads(window: list[int] | None, overlap: int | None, drift: str, method: str) -> DisplacementConfig:
    from napari_cellforce.physics.displacement import DisplacementConfig

    windows = tuple(window) if window else DisplacementConfig().windows
    return DisplacementConfig(
        windows=windows,
        overlap=3 * windows[-1] // 4 if overlap is None else overlap,
        drift=_one_of(drift, ("shift", "rigid", "none"), "--drift"),  # type: ignore[arg-type]
        method=_one_of(method, ("piv", "tv-l1", "ilk"), "--method"),  # type: ignore[arg-type]
    )


def _stiffness(young: float | None) -> float:
    if young is None:
        raise CellForceError(
            "The gel's stiffness is not given",
            "tractions are proportional to it",
            "Give it in Pa with --young (1 kPa = 1000 Pa).",
        )
    return young


def _one_of(value: str, choices: tuple[str, ...], option: str) -> str:
    if value not in choices:
        raise CellForceError(
            f"{option} is {value!r}", f"the choices are {', '.join(choices)}", "Give one of these."
        )
    return value
