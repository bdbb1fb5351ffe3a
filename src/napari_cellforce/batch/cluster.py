"""Workers of a Dask cluster, on computers that see the same files as we do."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

from napari_cellforce.batch.bench import carry_out
from napari_cellforce.batch.config import BatchConfig
from napari_cellforce.batch.crew import News
from napari_cellforce.batch.queue import read_queue_file
from napari_cellforce.batch.steps import StepEvent, Task
from napari_cellforce.errors import CellForceError

GPU = "GPU"
"""Name of the resource of which a worker with a graphics card has one: ``dask worker --resources GPU=1``."""

_PATIENCE = "20s"
"""How long a scheduler may take to answer."""

_TICK = 0.2
"""Seconds between looks at the brake."""


class Cluster:
    """A crew of Dask workers: those of a running scheduler, or jobs that are submitted for this run.

    A task of a worker that dies is given to another by Dask's scheduler, a few times; then it has failed. No
    more tasks are handed out than there are threads, so that a stop leaves the other inputs untouched. Where
    workers have graphics cards, tasks that need the model go to these, one at a time each.

    Raises
    ------
    CellForceError
        If distributed is not installed, no scheduler answers, or the cluster file is of no use.
    """

    split = True

    def __init__(self, config: BatchConfig) -> None:
        self._config = config
        self._something = threading.Event()
        self._running: dict[Any, Task] = {}
        self._exit = contextlib.ExitStack()
        with contextlib.ExitStack() as stack:
            address: Any = config.scheduler
            if config.cluster:
                address = stack.enter_context(read_queue_file(config.cluster).start())
            self._client = stack.enter_context(contextlib.closing(_connect(address)))
            self._exit = stack.pop_all()

    @property
    def room(self) -> int:
        """Threads without a task; one at least while none has come, so that the queue sees work."""
        threads: int = sum(self._client.nthreads().values())
        return max(threads, 1) - len(self._running)

    def give(self, task: Task) -> None:
        """Submit a task."""
        resources = {GPU: 1} if task.needs_model and self._has_cards() else None
        future = self._client.submit(_events_of, task, self._config, pure=False, resources=resources)
        self._running[future] = task
        future.add_done_callback(lambda _: self._something.set())

    def news(self) -> Iterator[News]:
        """Yield what has become of the tasks that are over."""
        self._something.wait(_TICK)
        self._something.clear()
        for future in [future for future in self._running if future.done()]:
            task = self._running.pop(future)
            for event in _told(future, task):
                yield News(task, event)
            yield News(task)

    def close(self) -> None:
        """Cancel what is under way, and send the workers home if they were ours."""
        with self._exit:
            self._client.cancel(list(self._running), force=True)

    def _has_cards(self) -> bool:
        return bool(self._client.run_on_scheduler(_any_card))


def _any_card(dask_scheduler: Any) -> bool:
    """Tell whether any worker has a graphics card; runs where the scheduler is, which gives it itself."""
    return any(worker.resources.get(GPU) for worker in dask_scheduler.workers.values())


def _connect(address: Any) -> Any:
    try:
        from distributed import Client
    except ImportError as error:
        raise CellForceError(
            "Dask's scheduler is asked for, and distributed is not installed",
            "it is an extra",
            'Install it: pip install "napari-cellforce[cluster]".',
            topic="scheduler",
        ) from error
    try:
        return Client(address, timeout=_PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        raise CellForceError(
            f"no Dask scheduler answers at {address}",
            "its address looks like tcp://host:8786",
            "Start it (dask scheduler), or correct the address.",
            topic="scheduler",
        ) from error


def _events_of(task: Task, config: BatchConfig) -> tuple[StepEvent, ...]:
    """Do a task, on a worker; return how its steps ended."""
    import dask

    # Reading a frame must not become a task of the cluster: it would wait for this one to end.
    with dask.config.set(scheduler="synchronous"):
        return tuple(event for event in carry_out(task, config) if event.state != "running")


def _told(future: Any, task: Task) -> tuple[StepEvent, ...]:
    """Return what a worker told of a task; if none came back with it, that its first step failed."""
    try:
        events: tuple[StepEvent, ...] = future.result()
    except Exception as error:  # KilledWorker, CancelledError and whatever a network does
        why = f"The cluster gave up: {type(error).__name__}: {error}"
        return (StepEvent(task.steps[0], "failed", reason=why),)
    return events
