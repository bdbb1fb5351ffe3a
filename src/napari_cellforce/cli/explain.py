"""``cellforce explain``: what a model sees, in which fields, over which lengths, by which formula."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_cellforce.cli.console import frame_progress, output
from napari_cellforce.cli.options import Given, with_settings
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import PixelSize

if TYPE_CHECKING:
    from napari_cellforce.explain import ExplainConfig, WrittenFile
    from napari_cellforce.fields import Progress


@with_settings(
    "napari_cellforce.explain:ExplainConfig",
    leave_out=("fit.library", "predict.calibration", "predict.run.samples"),
)
def explain(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="INPUT", help="An image, a field written by this program, or a data set of cells."
        ),
    ],
    given: Given,
    out: Annotated[Path, typer.Option(help="Output folder.")] = Path("cellforce-explain"),
    mask: Annotated[str, typer.Option(help="Mask file, or `auto` to find the cell.")] = "auto",
    lengths: Annotated[
        str | None,
        typer.Option(
            help="Decay lengths of the formula's exponential kernels in µm, comma-separated, or a GFNN model "
            "to take them from.",
            show_default="6.8,20.4",
        ),
    ] = None,
) -> None:
    """Explain a model's forces, or take a field apart; writes OME-TIFF, CSV, JSON and figures."""
    from napari_cellforce.explain import explain_cells
    from napari_cellforce.io import detect_kind, is_field

    config: ExplainConfig = given.build()
    if lengths is not None:
        config = _with_lengths(config, lengths)
    run = config.predict.run
    if source.is_file() and is_field(source):
        _follow(_field(source, run.size, config, out), source.name)
        return
    if "predict.run.model" in given.values:
        _follow(_image(source, config, out, mask), source.name)
        return
    if detect_kind(source) != "dataset":
        raise CellForceError(
            f"no model is given for {source.name}",
            "an image is explained through a model",
            "Give --model, or a traction field to take apart.",
            topic=Topic.MODEL,
        )
    channel = str((config.predict.channels or ("0",))[0])
    _follow(explain_cells(source, config, out, pixel_size=run.size, channel=channel), source.name)


def _with_lengths(config: ExplainConfig, text: str) -> ExplainConfig:
    """Return settings whose formula has exponential kernels of these decay lengths."""
    from napari_cellforce.models.symbolic import Library

    fit = dataclasses.replace(config.fit, library=Library.with_lengths(*_lengths(text)))
    return dataclasses.replace(config, fit=fit)


def _field(
    path: Path, size: PixelSize | None, config: ExplainConfig, out: Path
) -> Iterator[Progress | WrittenFile]:
    from napari_cellforce.explain import explain_field
    from napari_cellforce.io import read_field

    field = read_field(path)
    if size is not None:
        field = dataclasses.replace(field, pixel_size=size)
    return explain_field(field, config, out)


def _image(path: Path, config: ExplainConfig, out: Path, mask: str) -> Iterator[Progress | WrittenFile]:
    from napari_cellforce.cli.predict import read_mask_option
    from napari_cellforce.explain import explain
    from napari_cellforce.io import read
    from napari_cellforce.predict import prepare
    from napari_cellforce.zoo import load_weights

    run = config.predict.run
    stack = read(path, z=run.z)
    predictor = run.load()
    module = None
    if "greens" in config.parts:
        module = load_weights(run.model, folder=run.model_folder or None).module
    job = prepare(stack, predictor, read_mask_option(mask, None, stack), config=config.predict)
    return explain(job, config, out, module)


def _follow(records: Iterator[Progress | WrittenFile], title: str) -> None:
    """Show how far it is, and name every file when it is done."""
    from napari_cellforce.explain import WrittenFile

    with frame_progress(title) as update:
        for record in records:
            if isinstance(record, WrittenFile):
                output.print(str(record.path))
            else:
                update(record.what, record.done, record.total)


def _numbers(option: str, text: str, topic: Topic) -> list[float]:
    try:
        return [float(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise CellForceError(
            f"--{option} is {text!r}",
            "it must be numbers separated by commas",
            "Write 6.8,20.4.",
            topic=topic,
        ) from None


def _lengths(text: str) -> list[float]:
    """Return the lengths that are typed, or read out of a model."""
    numbers = (
        _numbers("lengths", text, Topic.DECAY_LENGTHS) if "," in text or _is_number(text) else _read_out(text)
    )
    wrong = [number for number in numbers if not 0.1 <= number <= 1000]
    if wrong:
        raise CellForceError(
            f"--lengths has {wrong[0]:g} µm",
            "kernels fall to a tenth over 0.1 to 1000 µm",
            "Write 6.8,20.4.",
            topic=Topic.DECAY_LENGTHS,
        )
    return numbers


def _is_number(text: str) -> bool:
    return text.strip().lstrip("+-").replace(".", "", 1).isdigit()


def _read_out(model: str) -> list[float]:
    """Return how far psi and chi of a GFNN reach."""
    from napari_cellforce.explain.greens import read_greens, require_greens_functions
    from napari_cellforce.zoo import load_weights

    loaded = load_weights(model)
    functions = read_greens(require_greens_functions(loaded.module, model), loaded.record.pixel_size)
    return [round(f.reach, 1) for f in functions if f.name in ("psi", "chi") and f.reach > 0]
