"""``cellforce explain``: what a model sees, in which fields, over which lengths, by which formula."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_cellforce.cli.console import frame_progress, output
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import PixelSize

if TYPE_CHECKING:
    from napari_cellforce.explain import ExplainConfig, WrittenFile
    from napari_cellforce.predict import Progress


def explain(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="INPUT", help="An image, a field written by this program, or a data set of cells."
        ),
    ],
    model: Annotated[str | None, typer.Option(help="Name in `cellforce models list`, or a file.")] = None,
    parts: Annotated[
        str, typer.Option(help="fields, greens, formula, decomposition, probes; separated by commas.")
    ] = "fields",
    out: Annotated[Path, typer.Option(help="Output folder.")] = Path("cellforce-explain"),
    channel: Annotated[
        list[str] | None, typer.Option(help="Channel of each protein, by name or number; repeat for several.")
    ] = None,
    mask: Annotated[str, typer.Option(help="Mask file, or `auto` to find the cell.")] = "auto",
    pixel_size: Annotated[float | None, typer.Option(help="Side of a pixel in µm.")] = None,
    already_normalised: Annotated[
        bool, typer.Option("--already-normalised", help="Intensities are normalised, not camera counts.")
    ] = False,
    lengths: Annotated[
        str, typer.Option(help="Of the formula's exponential kernels: µm, by commas; or a GFNN to read.")
    ] = "6.8,20.4",
    most_terms: Annotated[int, typer.Option(min=2, help="Of the formula.")] = 30,
    frame: Annotated[int, typer.Option(min=0, help="Frame that the probes look at.")] = 0,
    at: Annotated[
        str | None, typer.Option(help="Adhesion to take out: y,x in pixels; the strongest by default.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
) -> None:
    """Explain a model's forces, or take a field apart; writes OME-TIFF, CSV, JSON and figures."""
    from napari_cellforce.explain import ExplainConfig, explain_cells
    from napari_cellforce.io import detect_kind, is_field
    from napari_cellforce.models.symbolic import FitConfig, Library

    config = ExplainConfig(
        parts=tuple(part.strip() for part in parts.split(",") if part.strip()),
        fit=FitConfig(library=Library.with_lengths(*_lengths(lengths)), most_terms=most_terms),
        probe_frame=frame,
        probe_at=None if at is None else _pair(at),
    )
    size = None if pixel_size is None else PixelSize.square(pixel_size, "typed")
    if source.is_file() and is_field(source):
        _follow(_field(source, size, config, out), source.name)
        return
    if model is None and detect_kind(source) == "dataset":
        measured = explain_cells(source, config, out, pixel_size=size, channel=(channel or ["0"])[0])
        _follow(measured, source.name)
        return
    _follow(_image(source, model, config, out, mask, size, channel, already_normalised, device), source.name)


def _field(
    path: Path, size: PixelSize | None, config: ExplainConfig, out: Path
) -> Iterator[Progress | WrittenFile]:
    import dataclasses

    from napari_cellforce.explain import explain_field
    from napari_cellforce.io import read_field

    field = read_field(path)
    if size is not None:
        field = dataclasses.replace(field, pixel_size=size)
    return explain_field(field, config, out)


def _image(
    path: Path,
    model: str | None,
    config: ExplainConfig,
    out: Path,
    mask: str,
    size: PixelSize | None,
    channel: list[str] | None,
    already_normalised: bool,
    device: str,
) -> Iterator[Progress | WrittenFile]:
    from napari_cellforce.cli.predict import read_mask_option
    from napari_cellforce.explain import explain
    from napari_cellforce.io import read
    from napari_cellforce.predict import PredictConfig, prepare
    from napari_cellforce.zoo import load_predictor, load_weights

    if model is None:
        raise CellForceError(
            f"no model is given for {path.name}", "an image is explained through a model",
            "Give --model, or a traction field to take apart.", topic=Topic.MODEL,
        )  # fmt: skip
    stack = read(path)
    predictor = load_predictor(model, device=device)
    module = load_weights(model).module if "greens" in config.parts else None
    settings = PredictConfig(channels=tuple(channel or ()), already_normalised=already_normalised)
    job = prepare(stack, predictor, read_mask_option(mask, None, stack), size, settings)
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


def _pair(text: str) -> tuple[float, float]:
    numbers = _numbers("at", text, Topic.POSITION)
    if len(numbers) != 2:
        raise CellForceError(
            f"--at is {text!r}", "it must be y,x in pixels", "Write 120,85.", topic=Topic.POSITION
        )
    return numbers[0], numbers[1]
