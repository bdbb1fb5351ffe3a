"""One tidy table over all inputs, one of the failures, and the page that shows them."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from napari_cellforce import __version__, files
from napari_cellforce.batch.plan import Plan, PlannedInput
from napari_cellforce.report import BatchPage, Course, Section, write_page

RESULTS, FAILURES, PAGE = "results.csv", "failures.csv", "report.html"
"""Names of the files in the output folder that are about all inputs."""

_FRAMEWISE = (
    "This model sets the mean traction of every frame to the same value: it tells where a cell pulls, not "
    "how hard. Forces must not be compared between frames, cells or conditions."
)
_FORCE, _TIME, _FRAME = "total force", "time [min]", "frame"

Rows = list[dict[str, str]]


def write_tables(plan: Plan, finished: Sequence[PlannedInput], failures: Mapping[str, str]) -> None:
    """Write ``results.csv``, ``failures.csv`` and ``report.html``; each whole or not at all.

    Parameters
    ----------
    plan : Plan
    finished : sequence of PlannedInput
        Those whose results are there, in the order of the plan.
    failures : mapping of str to str
        From the name of an input to the reason.
    """
    tables = [(row, _read(row.outputs.summary)) for row in finished]
    rows = [{"file": row.name, "condition": row.condition, **line} for row, table in tables for line in table]
    _write(plan.out / RESULTS, list(rows[0]) if rows else ["file", "condition"], rows)
    _write(plan.out / FAILURES, ["file", "reason"], ({"file": f, "reason": r} for f, r in failures.items()))
    write_page(plan.out / PAGE, _page(plan, tables, failures))


def _read(path: Path) -> Rows:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _write(path: Path, columns: list[str], rows: Iterable[Mapping[str, str]]) -> None:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    files.write_text(path, buffer.getvalue())


def _page(plan: Plan, tables: list[tuple[PlannedInput, Rows]], failures: Mapping[str, str]) -> BatchPage:
    columns = list(tables[0][1][0]) if tables else []
    force = next((name for name in columns if name.startswith(_FORCE)), _FORCE)
    timed = bool(tables) and all(line[_TIME] for _, table in tables for line in table)
    time = _TIME if timed else _FRAME
    return BatchPage(
        title=f"Traction forces in {Path(plan.config.folder).name or plan.config.folder}",
        model=plan.record.name,
        quantity=force,
        time_label=time,
        caveat=_FRAMEWISE if plan.record.relative_to == "frame" else "",
        sections=tuple(_section(plan.out, row, table, time, force) for row, table in tables),
        failures=failures,
        settings={"Command": plan.config.command(), "Model": plan.record.limits},
        version=__version__,
        date=datetime.now().astimezone().strftime("%d %B %Y, %H:%M"),
    )


def _section(out: Path, row: PlannedInput, table: Rows, time: str, force: str) -> Section:
    course = Course(
        row.name,
        row.condition,
        tuple(float(line[time]) for line in table),
        tuple(float(line[force]) for line in table),
    )
    picture, summary = (os.path.relpath(path, out) for path in (row.overview, row.outputs.summary))
    return Section(course, picture, summary, row.notes)
