"""What ``cellforce batch`` prints: a bar over all images, the plan and the outcome."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import typer
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from napari_cellforce.cli.console import complain, errors, output

if TYPE_CHECKING:
    from napari_cellforce.batch import InputEvent, Outcome, Plan, PlannedInput


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
        complain(f"{row.title}: {row.problem}")


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
