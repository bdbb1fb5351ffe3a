"""``cellforce batch``: a whole folder in, a folder of results, one table and one page out."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from napari_cellforce.cli.console import errors, output, print_error
from napari_cellforce.cli.options import Given, with_settings
from napari_cellforce.cli.predict import SOME_FAILED

if TYPE_CHECKING:
    from napari_cellforce.batch import BatchConfig, InputEvent, Outcome, Plan, PlannedInput
    from napari_cellforce.models.record import Predictor


@contextlib.contextmanager
def bar(total: int) -> Iterator[Callable[[InputEvent], None]]:
    """Show a bar that counts images; yields what moves it on."""
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("images"), TextColumn("{task.description}"))
    with Progress(*columns, console=errors, transient=not errors.is_terminal) as bar:
        task = bar.add_task("", total=total)

        def update(event: InputEvent) -> None:
            left = "" if event.seconds_left is None else f"about {_duration(event.seconds_left)} left"
            doing = f"{event.row.title}  {event.what} {event.done}/{event.total}" if event.what else ""
            over = event.state != "running"
            bar.update(task, advance=int(over), description=f"{left}  [dim]{escape(doing)}")

        yield update


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes}:{rest:02d} min"


def print_plan(plan: Plan, *, as_json: bool) -> None:
    """Print what would be done with each image, and what stands in the way."""
    if as_json:
        _print_json(_plan_record(plan))
        return
    output.print(_plan_table(plan))
    for row in plan.problems:
        print_error(f"{row.title}: {row.problem}")


def _plan_table(plan: Plan) -> Table:
    table = Table("image", "frames", "channel", "pixel [µm]", "mask", "condition", "to do")
    for row in plan.inputs:
        state = ", ".join(row.missing) or ("problem" if row.problem else "finished")
        cells = (
            row.title,
            str(row.frames or ""),
            ", ".join(row.channels),
            f"{row.pixel_size:.3g}" if row.pixel_size else "",
            row.mask.name if row.mask else "automatic",
            row.condition,
            state,
        )
        table.add_row(*cells, style="red" if row.problem else None)
    return table


def _plan_record(plan: Plan) -> dict[str, object]:
    return {
        "config": dataclasses.asdict(plan.config),
        "inputs": [_row_record(row) for row in plan.inputs],
        "to do": len(plan.to_do),
    }


def _row_record(row: PlannedInput) -> dict[str, object]:
    return {
        **dataclasses.asdict(row),
        "to do": row.missing,
        "problem": row.problem,
        "outputs": row.predict_files,
    }


def print_outcome(outcome: Outcome, *, as_json: bool) -> None:
    """Print how many images are done, and where the table and the page are."""
    if as_json:
        _print_json(dataclasses.asdict(outcome))
        return
    parts = {
        "done": outcome.done,
        "finished before": outcome.skipped,
        "failed": outcome.failures,
        "left": outcome.left,
    }
    output.print(", ".join(f"{len(names)} {what}" for what, names in parts.items() if names))
    output.print(f"{outcome.results}\n{outcome.report}")


def _print_json(record: dict[str, object]) -> None:
    typer.echo(json.dumps(record, ensure_ascii=False, indent=1, default=lambda value: str(value)))


_FILES = ("conditions", "cluster")
"""Settings that are paths of files."""


@with_settings("napari_cellforce.batch:BatchConfig", leave_out=("folder", "out", "predict.run.model"))
def batch(
    folder: Annotated[Path, typer.Argument(help="Folder with the images.")],
    out: Annotated[
        Path, typer.Option(help="Output folder; run again on it to continue or to bring it up to date.")
    ],
    given: Given,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show the plan and its problems.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the plan or the outcome as JSON.")] = False,
) -> None:
    """Predict all images of a folder, and if asked explain and compare them.

    Exit code 0 if all are done, 3 if some failed, 2 for bad usage.
    """
    from napari_cellforce.batch.config import absolute

    paths = {name: str(absolute(given.values[name])) for name in _FILES if name in given.values}
    config: BatchConfig = given.build(folder=str(absolute(folder)), out=str(absolute(out)), **paths)
    _run(config, dry_run=dry_run, as_json=as_json)


def _run(config: BatchConfig, *, dry_run: bool, as_json: bool) -> None:
    """Plan and, unless it is a dry run, do it; ends with the exit code."""
    from napari_cellforce.batch import load, run

    predictors = load(config)
    plan = _plan(config, predictors)
    for warning in plan.warnings:
        errors.print(f"[yellow]Warning:[/] {escape(warning)}")
    if dry_run:
        print_plan(plan, as_json=as_json)
        raise typer.Exit(SOME_FAILED if plan.problems else 0)
    outcome = _follow(run(plan, predictors), plan)
    print_outcome(outcome, as_json=as_json)
    raise typer.Exit(0 if outcome.complete else SOME_FAILED)


def _plan(config: BatchConfig, predictors: Sequence[Predictor]) -> Plan:
    """Make the plan, counting the inputs as they are looked at."""
    from napari_cellforce.batch import Plan, plan_rows

    rows = []
    with errors.status("Looking at the images") as status:
        for row in plan_rows(config, predictors):
            rows.append(row)
            status.update(f"Looking at the images: {len(rows)}")
    return Plan(config, tuple(predictor.record for predictor in predictors), tuple(rows))


def _follow(events: Generator[InputEvent | Outcome], plan: Plan) -> Outcome:
    """Run to the end with a bar for all inputs, and print failures as they happen."""
    from napari_cellforce.batch import Outcome

    with contextlib.closing(events), bar(len(plan.inputs)) as update:
        for event in events:
            if isinstance(event, Outcome):
                return event
            if event.state == "failed":
                print_error(f"{event.row.title}: {event.reason}")
            update(event)
    raise AssertionError("a run ends with its outcome")
