"""The run: a plan becomes results, as a generator of events that can be stopped."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from napari_cellforce import __version__, files
from napari_cellforce.batch.brake import Brake
from napari_cellforce.batch.cluster import Cluster
from napari_cellforce.batch.config import BatchConfig
from napari_cellforce.batch.course import InputEvent, settled
from napari_cellforce.batch.crew import Alone, Crew
from napari_cellforce.batch.dispatch import dispatch
from napari_cellforce.batch.lock import locked
from napari_cellforce.batch.models import load
from napari_cellforce.batch.plan import Plan, look, make_plan
from napari_cellforce.batch.receipt import BOOKS
from napari_cellforce.batch.row import PlannedInput
from napari_cellforce.batch.tables import PAGE, RESULTS, Failure, write_tables
from napari_cellforce.batch.workers import Processes
from napari_cellforce.models.record import Predictor

_PARTIAL = ".*.partial"
"""What `files.atomic_path` leaves behind when its process is killed."""

_STATES = {"done": "done", "skipped": "finished before", "failed": "failed", "running": "left"}


@dataclass(frozen=True)
class Outcome:
    """What a run came to.

    Attributes
    ----------
    done, skipped, left : tuple of str
        Titles of the rows that were done, were finished before, and were not begun or not finished.
    failures : mapping of str to str
        From the title of a row to the reason.
    results, report : Path
        The table over all inputs, and the page.
    """

    done: tuple[str, ...]
    skipped: tuple[str, ...]
    left: tuple[str, ...]
    failures: Mapping[str, str]
    results: Path
    report: Path

    @property
    def complete(self) -> bool:
        """True if every input has its results."""
        return not (self.failures or self.left)


def run_batch(config: BatchConfig) -> Generator[InputEvent | Outcome]:
    """Load the models, plan and run; see `run`."""
    predictors = load(config)
    yield from run(make_plan(config, predictors), predictors)


def run(
    plan: Plan, predictors: Sequence[Predictor], brake: Brake | None = None
) -> Generator[InputEvent | Outcome]:
    """Do all that is planned and not finished, and write tables and report over all that is.

    However the run ends, the tables and the report are about what is finished then.

    Parameters
    ----------
    plan : Plan
    predictors : sequence of Predictor
        Those the plan was made for; used here if ``plan.config.workers`` is 1.
    brake : Brake, optional
        To end the run from another thread.

    Yields
    ------
    InputEvent
        At once for what is skipped and what has a problem, then as inputs are predicted.
    Outcome
        At last.

    Raises
    ------
    CellForceError
        If another run writes to the output folder, or it cannot be written.
    """
    brake = brake or Brake()
    with locked(plan.out / BOOKS / "lock"):
        ledger = _Ledger(plan)
        _clean(plan)
        files.write_text(plan.out / "config.json", plan.config.to_json())
        try:
            with contextlib.closing(_events(plan, predictors, brake)) as events:
                for event in events:
                    yield ledger.enter(event)
                    if brake.now:
                        break
        finally:
            outcome = ledger.close()
    yield outcome


def _events(plan: Plan, predictors: Sequence[Predictor], brake: Brake) -> Generator[InputEvent]:
    for row in plan.inputs:
        if not row.to_do:
            yield from settled(row)
    if not plan.to_do:
        return
    known = {predictor.record.name: predictor for predictor in predictors}
    yield from dispatch(
        plan.to_do,
        _crew(plan.config, known),
        brake,
        lambda row: look(row, plan.config, known[row.model]),
        plan.out,
    )


def _crew(config: BatchConfig, predictors: dict[str, Predictor]) -> Crew:
    if config.scheduler or config.cluster:
        return Cluster(config)
    return Processes(config) if config.workers > 1 else Alone(config, predictors)


def _clean(plan: Plan) -> None:
    """Remove what killed runs left: half-written files, and parts made with other settings."""
    folders = {row.target.parent for row in plan.inputs} | {plan.out, plan.out / BOOKS / "receipts"}
    parts = plan.out / BOOKS / "parts"
    wanted = {row.desk(plan.out) for row in plan.inputs}
    for folder in parts.glob("*"):
        if folder not in wanted:
            shutil.rmtree(folder, ignore_errors=True)
    for draft in (path for path in parts.glob("*/*") if path.is_dir()):
        shutil.rmtree(draft, ignore_errors=True)
    for leftover in (path for folder in {*folders, *parts.glob("*")} for path in folder.glob(_PARTIAL)):
        leftover.unlink(missing_ok=True)


class _Ledger:
    """Keeps the log, how far everything is, and what the outcome will be."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._started = time.monotonic()
        self._work = {row.title: row.pixels * len(row.missing) for row in plan.to_do}
        self._done = 0.0
        self._events: dict[str, InputEvent] = {}
        self._log(f"napari-cellforce {__version__}: {plan.config.command()}")
        self._log(f"{len(plan.inputs)} inputs, {len(plan.to_do)} to do")

    def enter(self, event: InputEvent) -> InputEvent:
        """Take note of an event, and return it with the time that is left."""
        row = event.row
        before = self._events.get(row.title)
        self._done += self._work.get(row.title, 0) * (_share(event) - (_share(before) if before else 0))
        self._events[row.title] = event
        if event.state != "running":
            self._log(f"{event.state}: {row.title}{': ' * bool(event.reason)}{event.reason}")
            for line in (*(event.details.splitlines()), *(row.notes if event.state == "done" else ())):
                self._log(f"    {line}")
        return replace(event, seconds_left=self._seconds_left())

    def close(self) -> Outcome:
        """Write tables and report, and return the outcome."""
        plan, events = self._plan, self._events
        titles: dict[str, list[str]] = {"done": [], "skipped": [], "failed": [], "running": []}
        for row in plan.inputs:
            titles[events[row.title].state if row.title in events else "running"].append(row.title)
        failures = [
            Failure(event.row, part, why) for event in events.values() for part, why in event.failures.items()
        ]
        write_tables(plan, self._standing(), failures)
        self._log(", ".join(f"{len(names)} {_STATES[state]}" for state, names in titles.items()))
        return Outcome(
            tuple(titles["done"]),
            tuple(titles["skipped"]),
            tuple(titles["running"]),
            {title: events[title].reason for title in titles["failed"]},
            plan.out / RESULTS,
            plan.out / PAGE,
        )

    def _standing(self) -> list[PlannedInput]:
        """Return all rows as they stand now, those of which no prediction stands left out."""
        rows = []
        for row in self._plan.inputs:
            event = self._events.get(row.title)
            now = row if event is None else replace(event.row, finished=event.finished)
            rows += [now] if now.predicted else []
        return rows

    def _seconds_left(self) -> float | None:
        """Return how long the rest will take, if it goes on as so far."""
        seconds, total = time.monotonic() - self._started, sum(self._work.values())
        return seconds * max(total - self._done, 0) / self._done if self._done > 0 else None

    def _log(self, text: str) -> None:
        """Add a line to the log; a full disk shall not end a run that may still finish something."""
        stamp = datetime.now().astimezone().isoformat(timespec="seconds")
        with contextlib.suppress(OSError), (self._plan.out / "log.txt").open("a", encoding="utf-8") as file:
            file.write(f"{stamp} {text}\n")


def _share(event: InputEvent) -> float:
    return event.share if event.state == "running" else 1.0
