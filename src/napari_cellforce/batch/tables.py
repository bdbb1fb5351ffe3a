"""Tidy tables over all inputs and models, and the page that shows them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_cellforce import files
from napari_cellforce.batch.plan import Plan
from napari_cellforce.batch.row import PlannedInput
from napari_cellforce.batch.summary_page import write_summary_page
from napari_cellforce.batch.wishes import COMPARE, PREDICT

RESULTS, AGREEMENT, FAILURES, PAGE = "results.csv", "agreement.csv", "failures.csv", "report.html"
"""Names of the files in the output folder that are about all inputs."""

_MEASURED = {"summed |B|": "measured total force", "summed |A|": "compared total force"}
"""Columns of a comparison, as they are called where more than two fields are about."""

Rows = list[dict[str, str]]


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
    def in_words(self) -> str:
        """The reason, with the part if that is not the prediction itself."""
        return self.reason if self.part == PREDICT else f"{self.part}: {self.reason}"


def write_tables(plan: Plan, standing: Sequence[PlannedInput], failures: Sequence[Failure]) -> None:
    """Write the tables and the page, each whole or not at all.

    Parameters
    ----------
    plan : Plan
    standing : sequence of PlannedInput
        Rows whose prediction is there, in the order of the plan.
    failures : sequence of Failure
    """
    tables = [(row, frame_table(row)) for row in standing]
    _write(plan.out / RESULTS, (_named(row, line) for row, table in tables for line in table))
    agreements = {row.title: agreement_table(row) for row in standing}
    if plan.config.compare:
        _write(
            plan.out / AGREEMENT, (_named(row, line) for row in standing for line in agreements[row.title])
        )
    _write(plan.out / FAILURES, (_named(f.row, {"part": f.part, "reason": f.reason}) for f in failures))
    write_summary_page(plan.out / PAGE, plan, tables, agreements, _reasons(plan, failures))


def frame_table(row: PlannedInput) -> Rows:
    """Return the summary of a prediction, a row a frame, with what its explanation and comparison add."""
    table = _read(row.outputs.summary)
    by_frame = {line["frame"]: line for line in table}
    for extra in _tables_by_frame(row):
        for line in extra:
            known = by_frame.get(line.pop("frame"))
            if known is not None:
                known.update({_renamed(name): value for name, value in line.items() if name not in known})
    return table


def agreement_table(row: PlannedInput) -> Rows:
    """Return the numbers of a comparison with a measured field; none where there is no comparison."""
    return _read(row.compared / "agreement.csv") if COMPARE in row.finished else []


def _reasons(plan: Plan, failures: Sequence[Failure]) -> dict[str, str]:
    """Return what failed and why, what is the same of all models said once."""
    texts: dict[str, str] = {}
    for failure in failures:
        texts[failure.row.title] = f"{texts.get(failure.row.title, '')} {failure.in_words}".strip()
    found: dict[str, str] = {}
    for failure in failures:
        name, text = failure.row.name, texts[failure.row.title]
        titles = [row.title for row in plan.inputs if row.name == name]
        same = all(texts.get(title) == text for title in titles)
        found[name if same else failure.row.title] = text
    return found


def _tables_by_frame(row: PlannedInput) -> Iterator[Rows]:
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


def _read(path: Path) -> Rows:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _write(path: Path, lines: Iterable[Mapping[str, str]]) -> None:
    """Write a table with all columns that occur; what a row does not have is empty."""
    rows = list(lines)
    columns = dict.fromkeys(("file", "model", "condition"))
    for row in rows:
        columns |= dict.fromkeys(row)
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(columns), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    files.write_text(path, buffer.getvalue())
