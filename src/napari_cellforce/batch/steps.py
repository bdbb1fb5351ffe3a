"""What is to be done with an input, step by step, and which steps need which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from napari_cellforce.batch import parts
from napari_cellforce.batch.row import PlannedInput
from napari_cellforce.batch.wishes import PREDICT

Stage = Literal["measure", "frames", "join", "whole"]
"""Of a prediction: the cell's brightness, some frames, the parts made one. What else there is, is whole."""


@dataclass(frozen=True)
class Step:
    """The smallest piece of work.

    Attributes
    ----------
    part : str
        ``"predict"``, a part of an explanation, or ``"compare"``.
    stage : str
    frames : range or None
        Those of the stage ``"frames"``.
    """

    part: str
    stage: Stage = "whole"
    frames: range | None = None


@dataclass(frozen=True)
class Task:
    """Steps of one input that are done one after the other, in one place.

    Attributes
    ----------
    row : PlannedInput
    steps : tuple of Step
    """

    row: PlannedInput
    steps: tuple[Step, ...]

    @property
    def needs_model(self) -> bool:
        """True if the model computes something in it."""
        return any(step.stage in ("frames", "whole") for step in self.steps)


@dataclass(frozen=True)
class StepEvent:
    """What has just happened to a step.

    Attributes
    ----------
    step : Step
    state : {"running", "done", "failed"}
    what : str
        What is being done, for people.
    done, total : int
        Frames, or whatever is counted.
    reason : str
        Why it failed.
    details : str
        Traceback of an error that nobody foresaw.
    """

    step: Step
    state: Literal["running", "done", "failed"]
    what: str = ""
    done: int = 0
    total: int = 0
    reason: str = ""
    details: str = ""


def stages(row: PlannedInput) -> list[tuple[Step, ...]]:
    """Return the steps that are to be done: the steps of a stage need those of all before, not each other."""
    found: list[tuple[Step, ...]] = []
    if PREDICT in row.missing:
        found.append((Step(PREDICT, "measure"),))
        found.append(tuple(Step(PREDICT, "frames", frames) for frames in parts.ranges(row.frames)))
        found.append((Step(PREDICT, "join"),))
    others = tuple(Step(part) for part in row.missing if part != PREDICT)
    return [*found, others] if others else found


def tasks(row: PlannedInput, *, split: bool) -> list[tuple[Task, ...]]:
    """Return the tasks of a row, stage by stage: many for a long movie that is `split`, else one."""
    steps = stages(row)
    if split and row.frames > parts.PART_FRAMES:
        return [tuple(Task(row, (step,)) for step in stage) for stage in steps]
    return [(Task(row, tuple(step for stage in steps for step in stage)),)]
