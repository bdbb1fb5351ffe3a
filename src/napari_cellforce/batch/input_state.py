"""The steps of an input, and the state machine that follows them from the first task to the last."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from napari_cellforce.batch.config import PREDICT
from napari_cellforce.batch.planned_input import PlannedInput, describe_failures
from napari_cellforce.process_pool import ATTEMPTS

Stage = Literal["measure", "frames", "join", "whole"]
"""A prediction measures baselines, predicts frames and joins chunks; any other part is one stage, "whole"."""

State = Literal["running", "done", "skipped", "failed"]

CHUNK_FRAMES = 50
"""Frames in a chunk of a long input: the most that is lost when the computer fails."""

PREDICTING = "Predicting"
"""Text of the `Progress` after each predicted frame."""


@dataclass(frozen=True)
class Step:
    """The smallest unit of work.

    Attributes
    ----------
    part : str
        ``"predict"``, a part of an explanation, or ``"compare"``.
    stage : str
    frames : range or None
        The frames of a step of the stage ``"frames"``.
    """

    part: str
    stage: Stage = "whole"
    frames: range | None = None


@dataclass(frozen=True)
class Task:
    """Steps of one input that one process executes in order.

    Attributes
    ----------
    row : PlannedInput
    steps : tuple of Step
    """

    row: PlannedInput
    steps: tuple[Step, ...]

    @property
    def needs_model(self) -> bool:
        """True if a step of it runs the model."""
        return any(step.stage in ("frames", "whole") for step in self.steps)


@dataclass(frozen=True)
class StepEvent:
    """Progress or end of a step.

    Attributes
    ----------
    step : Step
    state : {"running", "done", "failed"}
    what : str
        What is being done, as shown to people.
    done, total : int
        Count of frames or other units.
    reason : str
        Why it failed.
    details : str
        Traceback of an unexpected error.
    """

    step: Step
    state: Literal["running", "done", "failed"]
    what: str = ""
    done: int = 0
    total: int = 0
    reason: str = ""
    details: str = ""


@dataclass(frozen=True)
class InputEvent:
    """Progress or end of an input.

    Attributes
    ----------
    row : PlannedInput
    state : {"running", "done", "skipped", "failed"}
        ``"failed"`` if any of its parts failed; the others may be complete.
    what : str
        What is being done, as shown to people.
    done, total : int
        Count of frames or other units.
    share : float
        Fraction of the work on this input that is done, 0 to 1.
    finished : tuple of str
        Parts that are complete.
    failures : mapping of str to str
        Reasons by part that failed.
    details : str
        Traceback of an unexpected error.
    seconds_left : float or None
        Estimated time until all inputs are done.
    """

    row: PlannedInput
    state: State
    what: str = ""
    done: int = 0
    total: int = 0
    share: float = 0.0
    finished: tuple[str, ...] = ()
    failures: Mapping[str, str] = field(default_factory=dict)
    details: str = ""
    seconds_left: float | None = None

    @property
    def reason(self) -> str:
        """Why it failed."""
        return describe_failures(self.failures)


def needs_chunks(row: PlannedInput) -> bool:
    """Return whether an input is so long that it is predicted in several chunks."""
    return row.frames > CHUNK_FRAMES


def chunk_ranges(n_frames: int) -> tuple[range, ...]:
    """Return the frames of each chunk."""
    starts = range(0, n_frames, CHUNK_FRAMES)
    return tuple(range(start, min(start + CHUNK_FRAMES, n_frames)) for start in starts)


def stages(row: PlannedInput) -> list[tuple[Step, ...]]:
    """Return the steps to do, stage by stage: a stage needs all stages before, its steps not each other."""
    ordered: list[tuple[Step, ...]] = []
    if PREDICT in row.missing:
        ordered.append((Step(PREDICT, "measure"),))
        ordered.append(tuple(Step(PREDICT, "frames", frames) for frames in chunk_ranges(row.frames)))
        ordered.append((Step(PREDICT, "join"),))
    others = tuple(Step(part) for part in row.missing if part != PREDICT)
    return [*ordered, others] if others else ordered


def tasks(row: PlannedInput, *, split: bool) -> list[tuple[Task, ...]]:
    """Return the tasks of a row, stage by stage: several for a long movie that is `split`, else one."""
    steps = stages(row)
    if split and needs_chunks(row):
        return [tuple(Task(row, (step,)) for step in stage) for stage in steps]
    return [(Task(row, tuple(step for stage in steps for step in stage)),)]


class InputProgress:
    """State of one input: tasks that are ready, running or over, and what came of them.

    Parameters
    ----------
    row : PlannedInput
    split : bool
        Whether a long input becomes tasks for several workers.
    """

    def __init__(self, row: PlannedInput, *, split: bool) -> None:
        self.row = row
        self._stages = tasks(row, split=split)
        self._ready: list[Task] = []
        self._running: list[Task] = []
        self._attempts: dict[Task, int] = {}
        self._frames: dict[Step, int] = {}
        self._finished = list(row.finished)
        self._failures: dict[str, str] = dict(row.blockers)
        self._details = ""
        self._next_stage()

    @property
    def over(self) -> bool:
        """True if nothing is left to be done."""
        return not (self._ready or self._running)

    def next_task(self) -> Task | None:
        """Return a task that can start now, if there is one."""
        if not self._ready:
            return None
        task = self._ready.pop(0)
        self._running.append(task)
        self._attempts[task] = self._attempts.get(task, 0) + 1
        return task

    def update(self, event: StepEvent) -> InputEvent:
        """Record the event of a step."""
        step = event.step
        if event.state == "failed":
            self._failures[step.part] = event.reason
            self._details += event.details
        elif step.stage == "frames":
            self._frames[step] = len(step.frames or ()) if event.state == "done" else self._frames_done(event)
        if event.state == "done" and step.stage in ("join", "whole"):
            self._finished.append(step.part)
        if step.stage == "frames" and event.what in (PREDICTING, ""):
            return self._progress(PREDICTING, sum(self._frames.values()), self.row.frames)
        return self._progress(event.what, event.done, event.total)

    def end_task(self, task: Task) -> None:
        """Record that a task is over."""
        self._running.remove(task)
        if PREDICT in self._failures:
            self._stages, self._ready = [], []
        if self.over:
            self._next_stage()

    def requeue(self, task: Task, why: str) -> InputEvent:
        """Record that the worker of a task died: the task is queued again, or given up."""
        self._running.remove(task)
        if self._attempts[task] < ATTEMPTS:
            left = Task(task.row, tuple(step for step in task.steps if step.part not in self._finished))
            self._attempts[left] = self._attempts[task]
            self._ready.append(left)
            return self._progress("Its process was killed; trying again later", 0, 0)
        part = next(step.part for step in task.steps if step.part not in self._finished)
        self._failures[part] = f"The process that worked on it was killed {ATTEMPTS} times ({why})."
        self._running.append(task)
        self.end_task(task)
        return self._progress("", 0, 0)

    def last_event(self, out: Path) -> InputEvent:
        """Return the final event; unfinished work is kept only where the prediction failed."""
        if PREDICT not in self._failures:
            shutil.rmtree(self.row.work_dir(out), ignore_errors=True)
        state: State = "failed" if self._failures else "done"
        frames = self.row.frames
        return self._event(state, "", frames, frames, 1.0)

    def _next_stage(self) -> None:
        if self._stages:
            self._ready = list(self._stages.pop(0))

    def _frames_done(self, event: StepEvent) -> int:
        return event.done if event.what == PREDICTING else 0

    def _progress(self, what: str, done: int, total: int) -> InputEvent:
        parts = [part for part in self.row.missing if part in self._finished or part in self._failures]
        current = done / total if total and (what == PREDICTING or PREDICT in self._finished) else 0.0
        share = min((len(parts) + current) / max(len(self.row.missing), 1), 1.0)
        return self._event("running", what, done, total, share)

    def _event(self, state: State, what: str, done: int, total: int, share: float) -> InputEvent:
        return InputEvent(
            self.row,
            state,
            what,
            done,
            total,
            share,
            tuple(self._finished),
            dict(self._failures),
            self._details,
        )


def skipped_events(row: PlannedInput) -> Iterator[InputEvent]:
    """Yield the event of a row with nothing to do."""
    if row.blockers:
        yield InputEvent(row, "failed", finished=row.finished, failures=row.blocked)
    elif not row.to_do:
        yield InputEvent(row, "skipped", finished=row.finished)
