"""``cellforce tfm``: bead images, or a measured displacement, in; tractions out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_cellforce.cli.console import frame_progress, output
from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import FloatArray, PixelSize, Substrate

if TYPE_CHECKING:
    from napari_cellforce.physics.displacement import DisplacementConfig


def tfm(
    reference: Annotated[Path, typer.Argument(help="Beads at rest, after removing the cell.")],
    loaded: Annotated[Path, typer.Argument(help="Beads pulled by the cell: an image or a movie.")],
    young: Annotated[float | None, typer.Option(help="Stiffness (Young's modulus) of the gel in Pa.")] = None,
    poisson: Annotated[float, typer.Option(help="Poisson's ratio of the gel.")] = 0.5,
    thickness: Annotated[float | None, typer.Option(help="Of the gel in µm; a half-space without.")] = None,
    channel: Annotated[str, typer.Option(help="Of the beads, by name or number from 0.")] = "0",
    mask: Annotated[Path | None, typer.Option(help="Where the cell is, on the loaded image.")] = None,
    pixel_size: Annotated[
        float | None, typer.Option(help="Side of a pixel in µm, if the file does not say.")
    ] = None,
    window: Annotated[
        list[int] | None, typer.Option(help="Side of the windows of each pass in pixels; repeat.")
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
    preset: Annotated[
        Path | None, typer.Option(help="Settings as JSON, instead of the options above.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Output folder; beside the loaded image by default.")
    ] = None,
) -> None:
    """Measure tractions from images of beads: writes displacement, traction, a table and the settings."""
    from napari_cellforce.io import read, read_mask
    from napari_cellforce.physics.regularisation import Choice
    from napari_cellforce.predict.config import Progress
    from napari_cellforce.tfm import TfmConfig, TfmPaths, prepare, tfm_to_files

    if preset is not None:
        config = TfmConfig.from_json(preset.read_text(encoding="utf-8"))
    else:
        config = TfmConfig(
            Substrate(_stiffness(young), poisson, thickness),
            _beads(window, overlap, drift, method),
            _one_of(criterion, ("evidence", "gcv", "l-curve", "fixed"), "--criterion"),  # type: ignore[arg-type]
            regularisation,
            one_for_all=not each,
            noise_outside=noise_outside,
        )
    stack = read(loaded)
    cell = None if mask is None else read_mask(mask, shape=stack.shape, frames=stack.n_frames)
    size = None if pixel_size is None else PixelSize.square(pixel_size, "typed")
    job = prepare(
        _beads_at_rest(reference, channel), stack, config, channel=channel, mask=cell, pixel_size=size
    )
    paths = TfmPaths.of(out or loaded.parent, stack.name)
    with frame_progress(loaded.name) as update:
        for record in tfm_to_files(job, paths):
            if isinstance(record, Progress):
                update(record.what, record.done, record.total)
            elif isinstance(record, Choice):
                output.print(
                    f"lambda = {record.regularisation:.3g} µm/Pa ({record.criterion}); "
                    f"noise of each traction component {record.traction_noise:.3g} Pa",
                    highlight=False,
                )
    output.print(f"{paths.traction}\n{paths.displacement}\n{paths.summary}", highlight=False)


def _beads_at_rest(path: Path, channel: str) -> FloatArray:
    from napari_cellforce.io import read

    stack = read(path)
    which = stack.channel(channel) if len(stack.channel_names) > 1 else 0
    beads: FloatArray = stack.frame(0, (which,))[0]
    return beads


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
