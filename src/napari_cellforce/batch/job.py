"""Running a plan: a generator of events that can be stopped, and resumed by the next run."""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from napari_cellforce import __version__, files
from napari_cellforce.batch.config import BatchConfig
from napari_cellforce.batch.execute import run_task
from napari_cellforce.batch.executor import (
    ClusterExecutor,
    Executor,
    InProcessExecutor,
    ProcessExecutor,
    TaskUpdate,
)
from napari_cellforce.batch.input_state import InputEvent, InputProgress, skipped_events
from napari_cellforce.batch.open_input import load
from napari_cellforce.batch.plan import make_plan, refresh_row
from napari_cellforce.batch.planned_input import Plan, PlannedInput
from napari_cellforce.batch.summary import PAGE, RESULTS, Failure, write_summary
from napari_cellforce.models.record import Predictor
from napari_cellforce.resume import STATE_DIR, locked

_PARTIAL = ".*.partial"
"""Files that `files.atomic_path` leaves behind when its process is killed."""

_STATES = {"done": "done", "skipped": "finished before", "failed": "failed", "running": "left"}


@dataclass(frozen=True)
class Outcome:
    """Result of a run.

    Attributes
    ----------
    done, skipped, left : tuple of str
        Titles of the rows that were done, were complete before, and were not started or not finished.
    failures : mapping of str to str
        Reasons by the title of the row.
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


class CancelToken:
    """Ends a run from another thread: after the inputs that are being predicted, or at once.

    Cancelled inputs are not lost: the next run resumes from their complete chunks.
    """

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._cancel = threading.Event()

    @property
    def stopping(self) -> bool:
        """True if no further input may be started."""
        return self._stop.is_set()

    @property
    def cancelled(self) -> bool:
        """True if the run must end at once."""
        return self._cancel.is_set()

    def stop(self) -> None:
        """Finish the inputs that are being predicted, and start no other."""
        self._stop.set()

    def cancel(self) -> None:
        """End at once; in a single process, after the current frame."""
        self._stop.set()
        self._cancel.set()


def run_batch(config: BatchConfig) -> Generator[InputEvent | Outcome]:
    """Load the models, plan and run; see `run`."""
    predictors = load(config)
    yield from run(make_plan(config, predictors), predictors)


def run(
    plan: Plan, predictors: Sequence[Predictor], cancel: CancelToken | None = None
) -> Generator[InputEvent | Outcome]:
    """Execute all that is planned and not complete, and write tables and report over all that is.

    However the run ends, the tables and the report are about what is complete then.

    Parameters
    ----------
    plan : Plan
    predictors : sequence of Predictor
        The predictors for which the plan was made; used here if ``plan.config.workers`` is 1.
    cancel : CancelToken, optional
        Ends the run from another thread.

    Yields
    ------
    InputEvent
        First for inputs that are skipped or blocked, then as inputs are predicted.
    Outcome
        Last.

    Raises
    ------
    CellForceError
        If another run writes to the output folder, or it cannot be written.
    """
    cancel = cancel or CancelToken()
    with locked(plan.out):
        log = _RunLog(plan)
        _clean(plan)
        files.write_text(plan.out / "config.json", plan.config.to_json())
        try:
            with contextlib.closing(_events(plan, predictors, cancel)) as events:
                for event in events:
                    yield log.record(event)
                    if cancel.cancelled:
                        break
        finally:
            outcome = log.close()
    yield outcome


def _events(plan: Plan, predictors: Sequence[Predictor], cancel: CancelToken) -> Generator[InputEvent]:
    for row in plan.inputs:
        if not row.to_do:
            yield from skipped_events(row)
    if not plan.to_do:
        return
    known = {predictor.record.name: predictor for predictor in predictors}
    yield from dispatch(
        plan.to_do,
        _executor(plan.config, known),
        cancel,
        lambda row: refresh_row(row, plan.config, known[row.model]),
        plan.out,
    )


def dispatch(
    rows: Iterable[PlannedInput],
    executor: Executor,
    cancel: CancelToken,
    refresh: Callable[[PlannedInput], PlannedInput],
    out: Path,
) -> Iterator[InputEvent]:
    """Submit the tasks of all rows, started inputs first, and yield the events of the inputs.

    Parameters
    ----------
    rows : iterable of PlannedInput
        Rows with parts to do.
    executor : Executor
    cancel : CancelToken
    refresh : callable
        Inspects a row again right before it starts, since files may have changed during a long run.
    out : Path
        The output folder.
    """
    waiting = deque(rows)
    active: dict[str, InputProgress] = {}
    with contextlib.closing(executor):
        while active or (waiting and not cancel.stopping):
            _submit_ready(active.values(), executor)
            while executor.free_slots > 0 and waiting and not cancel.stopping:
                row = refresh(waiting.popleft())
                if not row.to_do:
                    yield from skipped_events(row)
                    continue
                active[row.title] = InputProgress(row, split=executor.split)
                yield InputEvent(row, "running", "Starting", finished=row.finished)
                _submit_ready(active.values(), executor)
            for update in executor.updates():
                yield from _apply(update, active, out)
            if cancel.cancelled:
                return


def _submit_ready(inputs: Iterable[InputProgress], executor: Executor) -> None:
    for progress in inputs:
        while executor.free_slots > 0 and (task := progress.next_task()) is not None:
            executor.submit(task)


def _apply(update: TaskUpdate, active: dict[str, InputProgress], out: Path) -> Iterator[InputEvent]:
    """Apply an update to its input, and yield the resulting events."""
    title = update.task.row.title
    progress = active[title]
    if update.event is not None:
        yield progress.update(update.event)
        return
    if update.worker_died:
        yield progress.requeue(update.task, update.worker_died)
    else:
        progress.end_task(update.task)
    if progress.over:
        del active[title]
        yield progress.last_event(out)


def _executor(config: BatchConfig, predictors: dict[str, Predictor]) -> Executor:
    if config.scheduler or config.cluster:
        return ClusterExecutor(config, run_task)
    if config.workers > 1:
        return ProcessExecutor(config, run_task)
    return InProcessExecutor(config, predictors, run_task)


def _clean(plan: Plan) -> None:
    """Remove what killed runs left: partly written files, and unfinished work with other settings."""
    folders = {row.target.parent for row in plan.inputs} | {plan.out, plan.out / STATE_DIR / "receipts"}
    parts = plan.out / STATE_DIR / "parts"
    current = {row.work_dir(plan.out) for row in plan.inputs}
    for folder in parts.glob("*"):
        if folder not in current:
            shutil.rmtree(folder, ignore_errors=True)
    for draft in (path for path in parts.glob("*/*") if path.is_dir()):
        shutil.rmtree(draft, ignore_errors=True)
    for leftover in (path for folder in {*folders, *parts.glob("*")} for path in folder.glob(_PARTIAL)):
        leftover.unlink(missing_ok=True)


class _RunLog:
    """Writes the log, and collects progress and outcome."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._started = time.monotonic()
        self._work = {row.title: row.pixels * len(row.missing) for row in plan.to_do}
        self._done = 0.0
        self._events: dict[str, InputEvent] = {}
        self._write(f"napari-cellforce {__version__}: {plan.config.command()}")
        self._write(f"{len(plan.inputs)} inputs, {len(plan.to_do)} to do")

    def record(self, event: InputEvent) -> InputEvent:
        """Record an event, and return it with the estimated time left."""
        row = event.row
        before = self._events.get(row.title)
        self._done += self._work.get(row.title, 0) * (_share(event) - (_share(before) if before else 0))
        self._events[row.title] = event
        if event.state != "running":
            self._write(f"{event.state}: {row.title}{': ' * bool(event.reason)}{event.reason}")
            for line in (*(event.details.splitlines()), *(row.notes if event.state == "done" else ())):
                self._write(f"    {line}")
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
        write_summary(plan, self._predicted_rows(), failures)
        self._write(", ".join(f"{len(names)} {_STATES[state]}" for state, names in titles.items()))
        return Outcome(
            tuple(titles["done"]),
            tuple(titles["skipped"]),
            tuple(titles["running"]),
            {title: events[title].reason for title in titles["failed"]},
            plan.out / RESULTS,
            plan.out / PAGE,
        )

    def _predicted_rows(self) -> list[PlannedInput]:
        """Return the present state of all rows whose prediction is complete."""
        rows = []
        for row in self._plan.inputs:
            event = self._events.get(row.title)
            now = row if event is None else replace(event.row, finished=event.finished)
            rows += [now] if now.predicted else []
        return rows

    def _seconds_left(self) -> float | None:
        """Return the estimated time left, at the mean speed so far."""
        seconds, total = time.monotonic() - self._started, sum(self._work.values())
        return seconds * max(total - self._done, 0) / self._done if self._done > 0 else None

    def _write(self, text: str) -> None:
        """Add a line to the log; a full disk must not end a run that may still finish something."""
        stamp = datetime.now().astimezone().isoformat(timespec="seconds")
        with contextlib.suppress(OSError), (self._plan.out / "log.txt").open("a", encoding="utf-8") as file:
            file.write(f"{stamp} {text}\n")


def _share(event: InputEvent) -> float:
    return event.share if event.state == "running" else 1.0
