"""Summary of a batch: tidy tables over all inputs and models, and the page that shows them."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from napari_cellforce import __version__, files
from napari_cellforce.batch.config import COMPARE, PREDICT
from napari_cellforce.batch.planned_input import Plan, PlannedInput
from napari_cellforce.models.record import ModelRecord
from napari_cellforce.report import BatchPage, ModelResult, ModelSummary, Picture, TimeSeries, write_page

RESULTS, AGREEMENT, FAILURES, PAGE = "results.csv", "agreement.csv", "failures.csv", "report.html"
"""Files in the output folder about all inputs."""

_MEASURED = {"summed |B|": "measured total force", "summed |A|": "compared total force"}
"""Columns of a comparison and their names in a table over many fields."""

_FRAMEWISE = (
    "This model sets the mean traction of every frame to the same value: it shows where a cell pulls, not "
    "how hard. Forces must not be compared between frames, cells or conditions."
)
_FORCE, _TIME, _FRAME = "total force", "time [min]", "frame"

Table = list[dict[str, str]]


@dataclass(frozen=True)
class Failure:
    """A part of an input that failed.

    Attributes
    ----------
    row : PlannedInput
    part : str
    reason : str
    """

    row: PlannedInput
    part: str
    reason: str

    @property
    def text(self) -> str:
        """The reason, with the part if that is not the prediction itself."""
        return self.reason if self.part == PREDICT else f"{self.part}: {self.reason}"


def write_summary(plan: Plan, predicted: Sequence[PlannedInput], failures: Sequence[Failure]) -> None:
    """Write the tables and the page, each whole or not at all.

    Parameters
    ----------
    plan : Plan
    predicted : sequence of PlannedInput
        Rows whose prediction is complete, in the order of the plan.
    failures : sequence of Failure
    """
    tables = [(row, frame_table(row)) for row in predicted]
    _write(plan.out / RESULTS, (_named(row, line) for row, table in tables for line in table))
    agreements = {row.title: agreement_table(row) for row in predicted}
    if plan.config.compare:
        _write(
            plan.out / AGREEMENT, (_named(row, line) for row in predicted for line in agreements[row.title])
        )
    _write(plan.out / FAILURES, (_named(f.row, {"part": f.part, "reason": f.reason}) for f in failures))
    _write_page(plan.out / PAGE, plan, tables, agreements, _reasons(plan, failures))


def frame_table(row: PlannedInput) -> Table:
    """Return the summary of a prediction, a row per frame, with columns of its explanation and comparison."""
    table = _read(row.outputs.summary)
    by_frame = {line["frame"]: line for line in table}
    for extra in _tables_by_frame(row):
        for line in extra:
            known = by_frame.get(line.pop("frame"))
            if known is not None:
                known.update({_renamed(name): value for name, value in line.items() if name not in known})
    return table


def agreement_table(row: PlannedInput) -> Table:
    """Return the numbers of a comparison with a measured field; none where there is no comparison."""
    return _read(row.compared / "agreement.csv") if COMPARE in row.finished else []


def _reasons(plan: Plan, failures: Sequence[Failure]) -> dict[str, str]:
    """Return what failed and why; a reason that is the same for all models appears once."""
    texts: dict[str, str] = {}
    for failure in failures:
        texts[failure.row.title] = f"{texts.get(failure.row.title, '')} {failure.text}".strip()
    merged: dict[str, str] = {}
    for failure in failures:
        name, text = failure.row.name, texts[failure.row.title]
        titles = [row.title for row in plan.inputs if row.name == name]
        same = all(texts.get(title) == text for title in titles)
        merged[name if same else failure.row.title] = text
    return merged


def _tables_by_frame(row: PlannedInput) -> Iterator[Table]:
    for part in ("fields", "decomposition"):
        if part in row.finished:
            yield _read(row.explained / f"{row.target.name}_{part}.csv")
    if COMPARE in row.finished:
        yield _read(row.compared / "over_time.csv")


def _renamed(column: str) -> str:
    for old, new in _MEASURED.items():
        column = column.replace(old, new)
    return column


def _named(row: PlannedInput, line: Mapping[str, str]) -> dict[str, str]:
    return {"file": row.name, "model": row.model, "condition": row.condition, **line}


def _read(path: Path) -> Table:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _write(path: Path, lines: Iterable[Mapping[str, str]]) -> None:
    """Write a table with all columns that occur; cells that a row lacks are empty."""
    rows = list(lines)
    columns = dict.fromkeys(("file", "model", "condition"))
    for row in rows:
        columns |= dict.fromkeys(row)
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(columns), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    files.write_text(path, buffer.getvalue())


def _write_page(
    path: Path,
    plan: Plan,
    tables: Sequence[tuple[PlannedInput, Table]],
    agreements: Mapping[str, Table],
    failures: Mapping[str, str],
) -> None:
    """Write the page; comparisons and failures are by the title of their row."""
    models = {record.name: _model_summary(record, tables) for record in plan.records}
    inputs: dict[str, tuple[ModelResult, ...]] = {}
    for row, table in tables:
        result = _result(row, table, models[row.model], agreements.get(row.title, []))
        inputs[row.name] = (*inputs.get(row.name, ()), result)
    folder = plan.config.folder
    page = BatchPage(
        title=f"Traction forces in {Path(folder).name or folder}",
        models=tuple(models.values()),
        inputs=inputs,
        failures=failures,
        tables=tuple(
            name for name in ("results.csv", "agreement.csv", "failures.csv") if (plan.out / name).is_file()
        ),
        settings={"Command": plan.config.command(), **{r.name: r.limits for r in plan.records}},
        version=__version__,
        date=datetime.now().astimezone().strftime("%d %B %Y, %H:%M"),
    )
    write_page(path, page)


def _model_summary(record: ModelRecord, tables: Sequence[tuple[PlannedInput, Table]]) -> ModelSummary:
    own = [(row, table) for row, table in tables if row.model == record.name]
    columns = list(own[0][1][0]) if own else []
    quantity = next((name for name in columns if name.startswith(_FORCE)), _FORCE)
    timed = bool(own) and all(line[_TIME] for _, table in own for line in table)
    time = _TIME if timed else _FRAME
    return ModelSummary(
        record.name,
        quantity,
        time,
        _FRAMEWISE if record.relative_to == "frame" else "",
        tuple(_time_series(row, table, time, quantity) for row, table in own),
    )


def _time_series(row: PlannedInput, table: Table, time: str, quantity: str) -> TimeSeries:
    times, forces = (tuple(float(line[name]) for line in table) for name in (time, quantity))
    return TimeSeries(row.name, row.condition, times, forces)


def _result(row: PlannedInput, table: Table, model: ModelSummary, agreement: Table) -> ModelResult:
    return ModelResult(
        model=row.model,
        quantity=model.quantity,
        time_series=_time_series(row, table, model.time_label, model.quantity),
        overview=row.overview,
        pictures=tuple(_pictures(row)),
        numbers=tuple((line["quantity"], _with_interval(line)) for line in agreement),
        table=row.outputs.summary,
        notes=row.notes,
    )


def _pictures(row: PlannedInput) -> Iterator[Picture]:
    """Yield the figures of the complete parts."""
    others = set(row.finished)
    for folder, parts in ((row.explained, others - {"compare"}), (row.compared, others & {"compare"})):
        if parts and folder.is_dir():
            for path in sorted(folder.glob("*.png")):
                caption = path.stem.removeprefix(row.target.name).removeprefix(row.model).strip("_")
                yield Picture(caption.replace("_", " "), path)


def _with_interval(line: Mapping[str, str]) -> str:
    """Return a number with its confidence interval, if it has one."""
    value, low, high = (float(line[name] or "nan") for name in ("value", "95 % from", "95 % to"))
    interval = "" if math.isnan(low) or math.isnan(high) else f" ({low:.3g} to {high:.3g})"
    return f"{value:.3g}{interval}"
