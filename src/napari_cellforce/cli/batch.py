"""``cellforce batch``: a whole folder in, a folder of results, one table and one page out."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from napari_cellforce.cli.console import complain, errors, output
from napari_cellforce.cli.predict import SOME_FAILED, plane

if TYPE_CHECKING:
    from napari_cellforce.batch import BatchConfig, InputEvent, Outcome, Plan, PlannedInput
    from napari_cellforce.models.record import Predictor


def batch(
    folder: Annotated[Path, typer.Argument(help="Folder with the images.")],
    out: Annotated[
        Path, typer.Option(help="Output folder; run again on it to go on or to bring it up to date.")
    ],
    model: Annotated[str, typer.Option(help="Name in `cellforce models list`, or a weights file.")],
    pattern: Annotated[
        str, typer.Option(help="Of the images' names: `*_zyxin.tif`; with a / of their paths.")
    ] = "*",
    recursive: Annotated[bool, typer.Option("--recursive", help="Look into subfolders too.")] = False,
    mask_pattern: Annotated[
        str,
        typer.Option(
            help="Mask file beside each image, * for its name: `*_mask.tif`; empty finds the cells."
        ),
    ] = "",
    label: Annotated[int | None, typer.Option(help="Which label of the mask files is the cell.")] = None,
    channel: Annotated[
        list[str] | None,
        typer.Option(help="Channel of each protein, by name or number from 0; repeat for several."),
    ] = None,
    pixel_size: Annotated[
        float | None, typer.Option(help="Side of a pixel in µm, if the files do not say or are wrong.")
    ] = None,
    z: Annotated[str | None, typer.Option(help="For z-stacks: `max`, or a plane counted from 0.")] = None,
    conditions: Annotated[
        str, typer.Option(help="CSV with the columns file, condition; by default the subfolders' names.")
    ] = "",
    already_normalised: Annotated[
        bool, typer.Option("--already-normalised", help="Intensities are normalised, not camera counts.")
    ] = False,
    calibration: Annotated[
        float | None,
        typer.Option(help="Mean traction magnitude in Pa of comparable cells: gives results in Pa."),
    ] = None,
    sensitivity: Annotated[float, typer.Option(help="Of finding cells; above 1 gives larger cells.")] = 1.0,
    samples: Annotated[
        int, typer.Option(min=0, help="Dropout passes for an uncertainty; 0 for one plain pass.")
    ] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    workers: Annotated[int, typer.Option(min=1, help="Processes that work at once.")] = 1,
    scheduler: Annotated[
        str, typer.Option(help="Address of a running Dask scheduler: tcp://host:8786.")
    ] = "",
    model_folder: Annotated[str, typer.Option(help="Folder of the models, if not the usual one.")] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the plan and its problems, do nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the plan or the outcome as JSON.")] = False,
) -> None:
    """Predict all images of a folder; exit code 0 if all are done, 3 if some failed, 2 for bad usage."""
    from napari_cellforce.batch import BatchConfig, load, run
    from napari_cellforce.batch.config import absolute
    from napari_cellforce.predict import PredictConfig

    config = BatchConfig(
        folder=str(absolute(folder)),
        out=str(absolute(out)),
        model=model,
        pattern=pattern,
        recursive=recursive,
        mask_pattern=mask_pattern,
        label=label,
        pixel_size=pixel_size,
        z=plane(z),
        conditions=str(absolute(conditions)) if conditions else "",
        predict=PredictConfig(tuple(channel or ()), already_normalised, calibration, sensitivity),
        samples=samples,
        device=device,
        workers=workers,
        scheduler=scheduler,
        model_folder=model_folder,
    )
    predictor = load(config)
    plan = _plan(config, predictor)
    for doubt in plan.doubts:
        errors.print(f"[yellow]Warning:[/] {escape(doubt)}", highlight=False)
    if dry_run:
        _print_json(_plan_record(plan)) if as_json else _print_plan(plan)
        raise typer.Exit(SOME_FAILED if plan.problems else 0)
    outcome = _follow(run(plan, predictor), plan)
    _print_json(dataclasses.asdict(outcome)) if as_json else _print_outcome(outcome)
    raise typer.Exit(0 if outcome.complete else SOME_FAILED)


def _plan(config: BatchConfig, predictor: Predictor) -> Plan:
    """Make the plan, counting the inputs as they are looked at."""
    from napari_cellforce.batch import Plan, plan_rows

    rows = []
    with errors.status("Looking at the images") as status:
        for row in plan_rows(config, predictor):
            rows.append(row)
            status.update(f"Looking at the images: {len(rows)}")
    return Plan(config, predictor.record, tuple(rows))


def _follow(events: Generator[InputEvent | Outcome], plan: Plan) -> Outcome:
    """Run to the end with a bar for all inputs, and print failures as they happen."""
    from napari_cellforce.batch import Outcome

    with contextlib.closing(events), _bar(len(plan.inputs)) as update:
        for event in events:
            if isinstance(event, Outcome):
                return event
            if event.state == "failed":
                complain(f"{event.row.name}: {event.reason}")
            update(event)
    raise AssertionError("a run ends with its outcome")


@contextlib.contextmanager
def _bar(total: int) -> Iterator[Callable[[InputEvent], None]]:
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("images"), TextColumn("{task.description}"))
    with Progress(*columns, console=errors, transient=not errors.is_terminal) as bar:
        task = bar.add_task("", total=total)

        def update(event: InputEvent) -> None:
            left = "" if event.seconds_left is None else f"about {_duration(event.seconds_left)} left"
            doing = f"{event.row.name}  {event.what} {event.done}/{event.total}" if event.what else ""
            over = event.state != "running"
            bar.update(task, advance=int(over), description=f"{left}  [dim]{escape(doing)}")

        yield update


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes}:{rest:02d} min"


def _print_plan(plan: Plan) -> None:
    output.print(_plan_table(plan))
    for row in plan.problems:
        complain(f"{row.name}: {row.problem}")


def _plan_table(plan: Plan) -> Table:
    table = Table("image", "frames", "channel", "pixel [µm]", "mask", "condition", "state")
    for row in plan.inputs:
        state = "problem" if row.problem else "finished" if row.finished else "to do"
        cells = (
            row.name,
            str(row.frames or ""),
            ", ".join(row.channels),
            f"{row.pixel_size:.3g}" if row.pixel_size else "",
            row.mask.name if row.mask else "automatic",
            row.condition,
            state,
        )
        table.add_row(*(escape(cell) for cell in cells), style="red" if row.problem else None)
    return table


def _plan_record(plan: Plan) -> dict[str, object]:
    return {
        "config": dataclasses.asdict(plan.config),
        "inputs": [_row_record(row) for row in plan.inputs],
        "to do": len(plan.to_do),
    }


def _row_record(row: PlannedInput) -> dict[str, object]:
    return {**dataclasses.asdict(row), "outputs": row.files}


def _print_outcome(outcome: Outcome) -> None:
    parts = {
        "predicted": outcome.done,
        "finished before": outcome.skipped,
        "failed": outcome.failures,
        "left": outcome.left,
    }
    output.print(", ".join(f"{len(names)} {what}" for what, names in parts.items() if names), highlight=False)
    output.print(f"{outcome.results}\n{outcome.report}", highlight=False, markup=False)


def _print_json(record: dict[str, object]) -> None:
    typer.echo(json.dumps(record, ensure_ascii=False, indent=1, default=lambda value: str(value)))
