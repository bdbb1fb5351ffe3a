"""The way of one input through its tasks, whoever does them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from napari_cellforce.batch.parts import PREDICTING
from napari_cellforce.batch.row import PlannedInput, in_words
from napari_cellforce.batch.steps import Step, StepEvent, Task, tasks
from napari_cellforce.batch.wishes import PREDICT

State = Literal["running", "done", "skipped", "failed"]

_ATTEMPTS = 2
"""A process that was killed may have been a victim of others' memory: its task is tried once more."""


@dataclass(frozen=True)
class InputEvent:
    """What has just happened to an input.

    Attributes
    ----------
    row : PlannedInput
    state : {"running", "done", "skipped", "failed"}
        ``"failed"`` if any of its parts has; the others may stand.
    what : str
        What is being done, for people.
    done, total : int
        Frames, or whatever is counted.
    share : float
        Of all that was to be done with this input, from 0 to 1.
    finished : tuple of str
        Parts that stand now.
    failures : mapping of str to str
        From a part to the reason why it failed.
    details : str
        Traceback of an error that nobody foresaw.
    seconds_left : float or None
        Until all inputs are done, as far as can be told.
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
        """Why it failed, in words."""
        return in_words(self.failures)


class Course:
    """Which tasks of an input may be begun, and what has become of the others.

    Parameters
    ----------
    row : PlannedInput
    split : bool
        Into tasks for several workers, if it is long.
    """

    def __init__(self, row: PlannedInput, *, split: bool) -> None:
        self.row = row
        self._stages = tasks(row, split=split)
        self._waiting: list[Task] = []
        self._under_way: list[Task] = []
        self._attempts: dict[Task, int] = {}
        self._frames: dict[Step, int] = {}
        self._finished = list(row.finished)
        self._failures: dict[str, str] = dict(row.hindrances)
        self._details = ""
        self._next_stage()

    @property
    def over(self) -> bool:
        """True if nothing is left to be done."""
        return not (self._waiting or self._under_way)

    def take_task(self) -> Task | None:
        """Return a task that may be begun now, if there is one."""
        if not self._waiting:
            return None
        task = self._waiting.pop(0)
        self._under_way.append(task)
        self._attempts[task] = self._attempts.get(task, 0) + 1
        return task

    def hear(self, event: StepEvent) -> InputEvent:
        """Take note of what has happened to a step."""
        step = event.step
        if event.state == "failed":
            self._failures[step.part] = event.reason
            self._details += event.details
        elif step.stage == "frames":
            self._frames[step] = len(step.frames or ()) if event.state == "done" else self._counted(event)
        if event.state == "done" and step.stage in ("join", "whole"):
            self._finished.append(step.part)
        if step.stage == "frames" and event.what in (PREDICTING, ""):
            return self._news(PREDICTING, sum(self._frames.values()), self.row.frames)
        return self._news(event.what, event.done, event.total)

    def end(self, task: Task) -> None:
        """Take note that a task is over, as it should."""
        self._under_way.remove(task)
        if PREDICT in self._failures:
            self._stages, self._waiting = [], []
        if self.over:
            self._next_stage()

    def lose(self, task: Task, why: str) -> InputEvent:
        """Take note that whoever did a task is gone: it is done again, or given up."""
        self._under_way.remove(task)
        if self._attempts[task] < _ATTEMPTS:
            left = Task(task.row, tuple(step for step in task.steps if step.part not in self._finished))
            self._attempts[left] = self._attempts[task]
            self._waiting.append(left)
            return self._news("Its process was killed; trying again later", 0, 0)
        part = next(step.part for step in task.steps if step.part not in self._finished)
        self._failures[part] = f"The process that worked on it was killed {_ATTEMPTS} times ({why})."
        self._under_way.append(task)
        self.end(task)
        return self._news("", 0, 0)

    def last_event(self, out: Path) -> InputEvent:
        """Return what has become of the input; its desk is cleared, unless a prediction has failed."""
        if PREDICT not in self._failures:
            shutil.rmtree(self.row.desk(out), ignore_errors=True)
        state: State = "failed" if self._failures else "done"
        frames = self.row.frames
        return self._event(state, "", frames, frames, 1.0)

    def _next_stage(self) -> None:
        if self._stages:
            self._waiting = list(self._stages.pop(0))

    def _counted(self, event: StepEvent) -> int:
        return event.done if event.what == PREDICTING else 0

    def _news(self, what: str, done: int, total: int) -> InputEvent:
        parts = [part for part in self.row.missing if part in self._finished or part in self._failures]
        begun = done / total if total and (what == PREDICTING or PREDICT in self._finished) else 0.0
        share = min((len(parts) + begun) / max(len(self.row.missing), 1), 1.0)
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


def settled(row: PlannedInput) -> Iterator[InputEvent]:
    """Yield what there is to say of a row with which nothing is to be done."""
    if row.hindrances:
        yield InputEvent(row, "failed", finished=row.finished, failures=row.hindered)
    elif not row.to_do:
        yield InputEvent(row, "skipped", finished=row.finished)
