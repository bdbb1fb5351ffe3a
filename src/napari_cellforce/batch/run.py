"""The run: a plan becomes results, as a generator of events that can be stopped."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from napari_cellforce import __version__, files
from napari_cellforce.batch.brake import Brake
from napari_cellforce.batch.cluster import in_cluster
from napari_cellforce.batch.config import BatchConfig
from napari_cellforce.batch.lock import locked
from napari_cellforce.batch.model import load
from napari_cellforce.batch.one import InputEvent, parts_folder, process_input
from napari_cellforce.batch.plan import Plan, PlannedInput, make_plan
from napari_cellforce.batch.receipt import BOOKS
from napari_cellforce.batch.tables import PAGE, RESULTS, write_tables
from napari_cellforce.batch.workers import in_processes
from napari_cellforce.models.record import Predictor

_PARTIAL = ".*.partial"
"""What `files.atomic_path` leaves behind when its process is killed."""


@dataclass(frozen=True)
class Outcome:
    """What a run came to.

    Attributes
    ----------
    done, skipped, left : tuple of str
        Names of the inputs that were predicted, were finished before, and were not begun or not finished.
    failures : mapping of str to str
        From the name of an input to the reason.
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
    """Load the model, plan and run; see `run`."""
    predictor = load(config)
    yield from run(make_plan(config, predictor), predictor)


def run(plan: Plan, predictor: Predictor, brake: Brake | None = None) -> Generator[InputEvent | Outcome]:
    """Predict all that is planned and not finished, and write tables and report over all that is.

    However the run ends, the tables and the report are about what is finished then.

    Parameters
    ----------
    plan : Plan
    predictor : Predictor
        The one the plan was made for; used here if ``plan.config.workers`` is 1.
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
            with contextlib.closing(_events(plan, predictor, brake)) as events:
                for event in events:
                    yield ledger.enter(event)
                    if brake.now:
                        break
        finally:
            outcome = ledger.close()
    yield outcome


def _events(plan: Plan, predictor: Predictor, brake: Brake) -> Generator[InputEvent]:
    for row in plan.inputs:
        if row.problem:
            yield InputEvent(row, "failed", reason=row.problem)
        elif row.finished:
            yield InputEvent(row, "skipped")
    if plan.config.scheduler:
        yield from in_cluster(plan.to_do, plan.config, brake)
        return
    if plan.config.workers > 1:
        yield from in_processes(plan.to_do, plan.config, brake)
        return
    for row in plan.to_do:
        if brake.after_input:
            return
        yield from process_input(row, plan.config, predictor)


def _clean(plan: Plan) -> None:
    """Remove what killed runs left: half-written files, and parts made with other settings."""
    folders = {row.target.parent for row in plan.inputs} | {plan.out, plan.out / BOOKS / "receipts"}
    parts = plan.out / BOOKS / "parts"
    wanted = {parts_folder(row, plan.out) for row in plan.inputs}
    for folder in parts.glob("*"):
        if folder not in wanted:
            shutil.rmtree(folder, ignore_errors=True)
    for leftover in (path for folder in {*folders, *parts.glob("*")} for path in folder.glob(_PARTIAL)):
        leftover.unlink(missing_ok=True)


class _Ledger:
    """Keeps the log, how far everything is, and what the outcome will be."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._started = time.monotonic()
        self._total = sum(row.pixels for row in plan.to_do)
        self._pixels: dict[str, int] = {}
        self._states: dict[str, InputEvent] = {}
        self._log(f"napari-cellforce {__version__}: {plan.config.command()}")
        self._log(f"{len(plan.inputs)} inputs, {len(plan.to_do)} to do")

    def enter(self, event: InputEvent) -> InputEvent:
        """Take note of an event, and return it with the time that is left."""
        row = event.row
        self._states[row.name] = event
        if event.state == "running" and event.total:
            self._pixels[row.name] = (
                row.pixels * event.done // event.total if event.what == "Predicting" else 0
            )
        elif event.state in ("done", "failed"):
            self._pixels[row.name] = row.pixels
        if event.state != "running":
            self._log(f"{event.state}: {row.name}{': ' * bool(event.reason)}{event.reason}")
            for line in (*(event.details.splitlines()), *(row.notes if event.state == "done" else ())):
                self._log(f"    {line}")
        return replace(event, seconds_left=self._seconds_left())

    def close(self) -> Outcome:
        """Write tables and report, and return the outcome."""
        plan = self._plan
        named = {
            state: [row for row in plan.inputs if self._state(row) == state]
            for state in ("done", "skipped", "failed")
        }
        failures = {row.name: self._states[row.name].reason for row in named["failed"]}
        finished = [row for row in plan.inputs if self._state(row) in ("done", "skipped")]
        left = [row for row in plan.inputs if self._state(row) in ("", "running")]
        write_tables(plan, finished, failures)
        self._log(f"{len(finished)} finished, {len(failures)} failed, {len(left)} left")
        done, skipped, rest = (
            tuple(row.name for row in rows) for rows in (named["done"], named["skipped"], left)
        )
        return Outcome(done, skipped, rest, failures, plan.out / RESULTS, plan.out / PAGE)

    def _state(self, row: PlannedInput) -> str:
        return self._states[row.name].state if row.name in self._states else ""

    def _seconds_left(self) -> float | None:
        done = sum(self._pixels.values())
        return (time.monotonic() - self._started) * (self._total - done) / done if done else None

    def _log(self, text: str) -> None:
        """Add a line to the log; a full disk shall not end a run that may still finish something."""
        stamp = datetime.now().astimezone().isoformat(timespec="seconds")
        with contextlib.suppress(OSError), (self._plan.out / "log.txt").open("a", encoding="utf-8") as file:
            file.write(f"{stamp} {text}\n")
