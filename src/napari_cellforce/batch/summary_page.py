"""What the page about a batch shows, gathered from plan and tables."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from napari_cellforce import __version__
from napari_cellforce.batch.plan import Plan
from napari_cellforce.batch.row import PlannedInput
from napari_cellforce.models.record import ModelRecord
from napari_cellforce.report import BatchPage, ModelSummary, Picture, Result, TimeSeries, write_page

_FRAMEWISE = (
    "This model sets the mean traction of every frame to the same value: it tells where a cell pulls, not "
    "how hard. Forces must not be compared between frames, cells or conditions."
)
_FORCE, _TIME, _FRAME = "total force", "time [min]", "frame"

Table = list[dict[str, str]]


def write_summary_page(
    path: Path,
    plan: Plan,
    tables: Sequence[tuple[PlannedInput, Table]],
    agreements: Mapping[str, Table],
    failures: Mapping[str, str],
) -> None:
    """Write the page.

    Parameters
    ----------
    path : Path
    plan : Plan
    tables : sequence of (PlannedInput, table)
        Every row whose prediction is there, with its frames.
    agreements : mapping of str to table
        From the title of a row to the numbers of its comparison.
    failures : mapping of str to str
        From the title of a row to the reason.
    """
    models = {record.name: _summary(record, tables) for record in plan.records}
    inputs: dict[str, tuple[Result, ...]] = {}
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


def _summary(record: ModelRecord, tables: Sequence[tuple[PlannedInput, Table]]) -> ModelSummary:
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


def _result(row: PlannedInput, table: Table, model: ModelSummary, agreement: Table) -> Result:
    return Result(
        model=row.model,
        quantity=model.quantity,
        time_series=_time_series(row, table, model.time_label, model.quantity),
        overview=row.overview,
        pictures=tuple(_pictures(row)),
        numbers=tuple((line["quantity"], _value(line)) for line in agreement),
        table=row.outputs.summary,
        notes=row.notes,
    )


def _pictures(row: PlannedInput) -> Iterator[Picture]:
    """Yield the figures of the parts that stand."""
    others = set(row.finished)
    for folder, parts in ((row.explained, others - {"compare"}), (row.compared, others & {"compare"})):
        if parts and folder.is_dir():
            for path in sorted(folder.glob("*.png")):
                caption = path.stem.removeprefix(row.target.name).removeprefix(row.model).strip("_")
                yield Picture(caption.replace("_", " "), path)


def _value(line: Mapping[str, str]) -> str:
    """Return a number with its interval, if it has one."""
    value, low, high = (float(line[name] or "nan") for name in ("value", "95 % from", "95 % to"))
    interval = "" if math.isnan(low) or math.isnan(high) else f" ({low:.3g} to {high:.3g})"
    return f"{value:.3g}{interval}"
