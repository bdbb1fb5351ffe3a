"""``cellforce train`` and ``cellforce finetune``: a predictor from measured cells."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.table import Table

from napari_cellforce.cli.console import frame_progress, output
from napari_cellforce.errors import CellForceError

if TYPE_CHECKING:
    from napari_cellforce.train import Event, TrainConfig, TrainResult

Data = Annotated[
    list[Path] | None,
    typer.Option("--data", help="Folder in the authors' layout, or CSV table of cells; repeat for several."),
]
PixelSize = Annotated[
    float | None, typer.Option("--pixel-size", help="Side of a pixel in µm, if the files do not say.")
]
Out = Annotated[Path, typer.Option("--out", help="Folder of the run; must not hold another one.")]
Name = Annotated[str | None, typer.Option("--name", help="What to call the model.")]
Epochs = Annotated[int | None, typer.Option("--epochs", help="Passes over the cells, at most.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")]


def train(
    config: Annotated[Path | None, typer.Argument(help="Settings of the run, YAML or JSON.")] = None,
    data: Data = None,
    out: Out = Path("cellforce-run"),
    name: Name = None,
    pixel_size: PixelSize = None,
    epochs: Epochs = None,
    resume: Resume = False,
    check: Annotated[bool, typer.Option("--check", help="Only list the cells and their problems.")] = False,
) -> None:
    """Train a predictor on measured cells, from settings or with the defaults."""
    from napari_cellforce.train import TrainConfig, read_config

    settings = read_config(config) if config else TrainConfig()
    settings = _with(settings, data, name, pixel_size, epochs)
    if check:
        _list_cells(settings)
    else:
        _run(settings, out, resume)


def finetune(
    model: Annotated[str, typer.Argument(help="Name in `cellforce models list`, or a weights file.")],
    data: Data = None,
    out: Out = Path("cellforce-run"),
    name: Name = None,
    pixel_size: PixelSize = None,
    epochs: Epochs = None,
    only: Annotated[
        Literal["all", "head", "normalisation", "scale"],
        typer.Option(help="What may change: all layers, the last one, the batch norms, or the scale."),
    ] = "all",
    resume: Resume = False,
) -> None:
    """Adapt a model to your own measured cells; its file is left alone."""
    from napari_cellforce.train import finetune_config

    called = name or "my-model"
    if only == "scale":
        _calibrate(model, data, out / f"{called}.safetensors", pixel_size)
        return
    _run(_with(finetune_config(model, only), data, called, pixel_size, epochs), out, resume)


def _with(
    config: TrainConfig,
    data: list[Path] | None,
    name: str | None,
    pixel_size: float | None,
    epochs: int | None,
) -> TrainConfig:
    """Return a config with what was typed on the command line in the place of its own entries."""
    of_data = config.data
    if data:
        of_data = dataclasses.replace(of_data, sources=tuple(str(path) for path in data))
    if pixel_size is not None:
        of_data = dataclasses.replace(of_data, pixel_size=pixel_size)
    optimise = config.optimise if epochs is None else dataclasses.replace(config.optimise, epochs=epochs)
    return dataclasses.replace(config, name=name or config.name, data=of_data, optimise=optimise)


def _list_cells(config: TrainConfig) -> None:
    from napari_cellforce.train import index

    found = index(config.data)
    table = Table("cell", "frames", "pixel [µm]", "mean |F| [Pa]", "problems")
    for cell in dict.fromkeys(row.cell for row in found.rows):
        rows = [row for row in found.rows if row.cell == cell]
        good = [row.mean_traction for row in rows if not row.problems]
        mean = f"{sum(good) / len(good):.0f}" if good else ""
        problems = dict.fromkeys(problem for row in rows for problem in row.problems)
        table.add_row(cell, str(len(rows)), f"{rows[0].pixel_size:g}", mean, "; ".join(problems))
    output.print(table)
    for note in found.notes:
        output.print(note)


def _run(config: TrainConfig, out: Path, resume: bool) -> None:
    from napari_cellforce.train import Step, train

    with frame_progress(config.name, "steps") as update:

        def show(event: Event) -> None:
            if isinstance(event, Step):
                update(f"epoch {event.epoch + 1}, loss {event.loss:.3g}", event.step, event.steps)

        result = train(config, out, resume=resume, listener=show, told=update)
    _report(result)


def _report(result: TrainResult) -> None:
    table = Table(show_header=False, box=None)
    for name, value in result.best.items():
        table.add_row(name, f"{value:.4g}")
    output.print(table)
    output.print(f"{result.model}", highlight=False)


def _calibrate(model: str, data: list[Path] | None, path: Path, pixel_size: float | None) -> None:
    from napari_cellforce.train import DataConfig, calibrate_file

    if not data:
        raise CellForceError(
            "there are no cells to calibrate with", "measured tractions are needed", "Name them with --data."
        )
    config = DataConfig(tuple(str(folder) for folder in data), pixel_size)
    written, found = calibrate_file(model, config, path)
    output.print(f"{found.scale:.4g} Pa per unit (R2 {found.r2:.2f}, {found.frames} frames)")
    output.print(f"{written}", highlight=False)
