"""Who does the tasks: what this process, several processes and a cluster have in common."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Protocol

from napari_cellforce.batch.bench import carry_out
from napari_cellforce.batch.config import BatchConfig
from napari_cellforce.batch.steps import StepEvent, Task
from napari_cellforce.models.record import Predictor


@dataclass(frozen=True)
class News:
    """What a crew tells.

    Attributes
    ----------
    task : Task
    event : StepEvent or None
        What has happened to one of its steps; None if the task is over.
    lost : str
        How whoever did it came to an end, if that is why it is over.
    """

    task: Task
    event: StepEvent | None = None
    lost: str = ""


class Crew(Protocol):
    """Takes tasks and tells what becomes of them."""

    @property
    def split(self) -> bool:
        """True if long inputs are to be split into several tasks."""
        ...

    @property
    def room(self) -> int:
        """How many more tasks it can take now."""
        ...

    def give(self, task: Task) -> None:
        """Hand a task over."""
        ...

    def news(self) -> Iterator[News]:
        """Yield what has happened; waits for a moment if nothing has."""
        ...

    def close(self) -> None:
        """Let go of what is under way."""
        ...


class Alone:
    """A crew of one, the process we are in, which does one task at a time.

    Parameters
    ----------
    config : BatchConfig
    predictors : dict of str to Predictor
        By the models' names.
    """

    split = False

    def __init__(self, config: BatchConfig, predictors: dict[str, Predictor]) -> None:
        self._config, self._predictors = config, predictors
        self._task: Task | None = None
        self._events: Generator[StepEvent] | None = None

    @property
    def room(self) -> int:
        """1 if nothing is under way."""
        return int(self._task is None)

    def give(self, task: Task) -> None:
        """Begin a task; it goes on when news are asked for."""
        self._task = task
        self._events = carry_out(task, self._config, self._predictors[task.row.model])

    def news(self) -> Iterator[News]:
        """Go on until the next event."""
        if self._task is None or self._events is None:
            return
        event = next(self._events, None)
        task = self._task
        if event is None:
            self._task = None
        yield News(task, event)

    def close(self) -> None:
        """End at once what is under way."""
        if self._events is not None:
            self._events.close()
