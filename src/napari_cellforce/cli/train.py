"""``cellforce train`` and ``cellforce finetune``: a predictor from measured cells."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.table import Table

from napari_cellforce.cli.console import frame_progress, output
from napari_cellforce.config_io import read_settings
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.text import pluralise

if TYPE_CHECKING:
    from napari_cellforce.train import Event, Trainable, TrainConfig, TrainResult

_CELLS, _SPLIT, _RUN = "Cells", "Which cells to validate with", "Run"

Data = Annotated[
    list[Path] | None,
    typer.Option(
        "--data",
        help="Folder of cells, or CSV table of them; repeat for several.",
        rich_help_panel=_CELLS,
    ),
]
Files = Annotated[
    list[str] | None,
    typer.Option(
        "--files",
        metavar="WHAT=PATTERN",
        help="Names of the files in a folder that is not in the authors' layout: "
        "'image={cell}/zyxin.tif', and so for mask, traction and, if there, displacement.",
        rich_help_panel=_CELLS,
    ),
]
Exclude = Annotated[
    list[str] | None,
    typer.Option("--exclude", metavar="CELL", help="Cell to leave out; repeat.", rich_help_panel=_CELLS),
]
PixelSize = Annotated[
    float | None,
    typer.Option("--pixel-size", help="Pixel size in µm, for files without one.", rich_help_panel=_CELLS),
]
Fold = Annotated[
    str | None,
    typer.Option("--fold", metavar="I/K", help="The i-th of k parts of the cells.", rich_help_panel=_SPLIT),
]
Column = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        metavar="COLUMN=VALUE",
        help="Cells with this value in a column of the table (a drug, a day); repeat for more values.",
        rich_help_panel=_SPLIT,
    ),
]
Window = Annotated[
    str | None,
    typer.Option(
        "--window",
        metavar="FIRST-LAST",
        help="Only these frames of them (from 0); the other cells are learnt from outside of these.",
        rich_help_panel=_SPLIT,
    ),
]
Out = Annotated[
    Path,
    typer.Option("--out", help="Folder of the run; must not hold another one.", rich_help_panel=_RUN),
]
Name = Annotated[str | None, typer.Option("--name", help="What to call the model.", rich_help_panel=_RUN)]
Epochs = Annotated[
    int | None, typer.Option("--epochs", help="Passes over the cells, at most.", rich_help_panel=_RUN)
]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.", rich_help_panel=_RUN)]


def train(
    config: Annotated[Path | None, typer.Argument(help="Settings of the run, YAML or JSON.")] = None,
    data: Data = None,
    files: Files = None,
    exclude: Exclude = None,
    pixel_size: PixelSize = None,
    fold: Fold = None,
    where: Column = None,
    window: Window = None,
    out: Out = Path("cellforce-run"),
    name: Name = None,
    epochs: Epochs = None,
    resume: Resume = False,
    check: Annotated[bool, typer.Option("--check", help="Only list the cells and their problems.")] = False,
    page: Annotated[
        Path | None, typer.Option("--page", help="With --check: write a page with statistics and pictures.")
    ] = None,
) -> None:
    """Train a predictor on measured cells, from settings or with the defaults."""
    from napari_cellforce.train import TrainConfig

    settings = read_settings(config, TrainConfig) if config else TrainConfig()
    settings = _with_cells(settings, data, files, exclude, pixel_size)
    settings = _with_run(_with_split(settings, fold, where, window), name, epochs)
    if check or page:
        _list_cells(settings, page)
    else:
        _run(settings, out, resume)


def finetune(
    model: Annotated[str, typer.Argument(help="Name in `cellforce models list`, or a weights file.")],
    data: Data = None,
    files: Files = None,
    exclude: Exclude = None,
    pixel_size: PixelSize = None,
    fold: Fold = None,
    where: Column = None,
    window: Window = None,
    out: Out = Path("cellforce-run"),
    name: Name = None,
    epochs: Epochs = None,
    only: Annotated[
        Literal["all", "head", "normalisation", "scale", "scale-and-offset"],
        typer.Option(
            help="What may change: all layers, the last one, the batch norms, or only the scale in Pa "
            "(and an offset).",
            rich_help_panel=_RUN,
        ),
    ] = "all",
    resume: Resume = False,
) -> None:
    """Fine-tune a model on your own cells; the original file is not modified."""
    from napari_cellforce.train import finetune_config

    called = name or "my-model"
    part: Trainable = "all" if only == "scale" or only == "scale-and-offset" else only
    settings = _with_cells(finetune_config(model, part), data, files, exclude, pixel_size)
    if only in ("scale", "scale-and-offset"):
        _calibrate(settings, out / f"{called}.safetensors", offset=only == "scale-and-offset")
    else:
        _run(_with_run(_with_split(settings, fold, where, window), called, epochs), out, resume)


def _with_cells(
    config: TrainConfig,
    data: list[Path] | None,
    files: list[str] | None,
    exclude: list[str] | None,
    pixel_size: float | None,
) -> TrainConfig:
    """Return a config with the cells of the command line in the place of its own entries."""
    changes: dict[str, Any] = {}
    if data:
        changes["sources"] = tuple(str(path) for path in data)
    if files:
        changes["patterns"] = dict(parse_pair(entry, "--files") for entry in files)
    if exclude:
        changes["exclude"] = tuple(exclude)
    if pixel_size is not None:
        changes["pixel_size"] = pixel_size
    return dataclasses.replace(config, data=dataclasses.replace(config.data, **changes))


def _with_split(
    config: TrainConfig, fold: str | None, where: list[str] | None, window: str | None
) -> TrainConfig:
    """Return a config with the split of the command line in the place of its own entries."""
    changes: dict[str, Any] = {}
    if fold is not None:
        number, folds = _two_numbers(fold, "/", "--fold", "2/5 is the second of five parts")
        changes |= {"folds": folds, "fold": number - 1, "column": ""}
    if where:
        pairs = [parse_pair(entry, "--where") for entry in where]
        if len({column for column, _ in pairs}) > 1:
            raise _option_error(f"--where names the columns {pairs[0][0]} and {pairs[-1][0]}", "one is taken")
        changes |= {"column": pairs[0][0], "values": tuple(value for _, value in pairs)}
    if window is not None:
        changes["window"] = _two_numbers(window, "-", "--window", "30-60 is from frame 30 to frame 60")
    return dataclasses.replace(config, split=dataclasses.replace(config.split, **changes))


def _with_run(config: TrainConfig, name: str | None, epochs: int | None) -> TrainConfig:
    optimise = config.optimise if epochs is None else dataclasses.replace(config.optimise, epochs=epochs)
    return dataclasses.replace(config, name=name or config.name, optimise=optimise)


def parse_pair(text: str, option: str) -> tuple[str, str]:
    """Return the name and the value of an option like ``--files image=PATTERN``."""
    name, equals, value = text.partition("=")
    if not (name and equals and value):
        raise _option_error(f"{option} is {text!r}", "it is a name, = and a value")
    return name.strip(), value.strip()


def _two_numbers(text: str, between: str, option: str, example: str) -> tuple[int, int]:
    first, _, last = text.partition(between)
    if not (first.strip().isdigit() and last.strip().isdigit()):
        raise _option_error(f"{option} is {text!r}", example)
    return int(first), int(last)


def _option_error(found: str, rule: str) -> CellForceError:
    return CellForceError(found, rule, "Correct the option; --help tells more.", topic=Topic.SETTINGS)


def _list_cells(config: TrainConfig, page: Path | None) -> None:
    from napari_cellforce.evaluate import write_dataset_page
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
    if page:
        output.print(f"{write_dataset_page(page, found)}")


def _run(config: TrainConfig, out: Path, resume: bool) -> None:
    from napari_cellforce.train import Step, train

    with frame_progress(config.name, "steps") as update:

        def show(event: Event) -> None:
            if isinstance(event, Step):
                update(f"epoch {event.epoch + 1}, loss {event.loss:.3g}", event.step, event.steps)

        result = train(config, out, resume=resume, listener=show, progress=update)
    _report(result)


def _report(result: TrainResult) -> None:
    table = Table(show_header=False, box=None)
    for name, value in result.figures.items():
        table.add_row(name, f"{value:.4g}")
    output.print(table)
    if result.share < 1:
        output.print(f"kept {result.share:.0%} of the change, which is best on the validation cells")
    output.print(f"{result.model}")


def _calibrate(config: TrainConfig, path: Path, *, offset: bool) -> None:
    from napari_cellforce.train import calibrate_file

    if not config.data.sources:
        raise CellForceError(
            "there are no cells to calibrate with", "measured tractions are needed", "Name them with --data."
        )
    kind: Literal["scale", "scale and offset"] = "scale and offset" if offset else "scale"
    written, found = calibrate_file(config.start_from, config.data, path, kind)
    shift = f", {found.offset:+.4g} Pa" if offset else ""
    output.print(
        f"{found.scale:.4g} Pa per unit{shift} (R2 {found.r2:.2f}, {pluralise(found.frames, 'frame')})"
    )
    output.print(f"{written}")
