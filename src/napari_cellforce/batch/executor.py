"""Executors of tasks: this process, several processes, or the workers of a Dask cluster."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from napari_cellforce.batch.config import BatchConfig
from napari_cellforce.batch.input_state import StepEvent, Task
from napari_cellforce.batch.jobqueue_config import read_jobqueue_config
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.models.record import Predictor
from napari_cellforce.process_pool import POLL_INTERVAL, ProcessPool

GPU = "GPU"
"""Dask resource that a worker with a graphics card has once: ``dask worker --resources GPU=1``."""

_CONNECT_TIMEOUT = "20s"
"""Time for a scheduler to answer."""

RunTask = Callable[..., Generator[StepEvent]]
"""``run_task(task, config, predictor=None)``: executes a task; see `napari_cellforce.batch.execute`."""


@dataclass(frozen=True)
class TaskUpdate:
    """Change of a task reported by an executor.

    Attributes
    ----------
    task : Task
    event : StepEvent or None
        Progress of one of its steps; None if the task is over.
    worker_died : str
        How its worker died, if the task is over for that reason.
    """

    task: Task
    event: StepEvent | None = None
    worker_died: str = ""


class Executor(Protocol):
    """Takes tasks and reports their progress."""

    @property
    def split(self) -> bool:
        """True if long inputs should be split into several tasks."""
        ...

    @property
    def free_slots(self) -> int:
        """Number of further tasks it can take now."""
        ...

    def submit(self, task: Task) -> None:
        """Take a task."""
        ...

    def updates(self) -> Iterator[TaskUpdate]:
        """Yield what has happened; waits for a moment if nothing has."""
        ...

    def close(self) -> None:
        """Abandon running tasks and release all workers."""
        ...


class InProcessExecutor:
    """Executes one task at a time in this process.

    Parameters
    ----------
    config : BatchConfig
    predictors : dict of str to Predictor
        Predictors by model name.
    run_task : callable
    """

    split = False

    def __init__(self, config: BatchConfig, predictors: dict[str, Predictor], run_task: RunTask) -> None:
        self._config, self._predictors, self._run_task = config, predictors, run_task
        self._task: Task | None = None
        self._events: Generator[StepEvent] | None = None

    @property
    def free_slots(self) -> int:
        """1 if no task is running."""
        return int(self._task is None)

    def submit(self, task: Task) -> None:
        """Start a task; it advances whenever updates are asked for."""
        self._task = task
        self._events = self._run_task(task, self._config, self._predictors[task.row.model])

    def updates(self) -> Iterator[TaskUpdate]:
        """Advance to the next event."""
        if self._task is None or self._events is None:
            return
        event = next(self._events, None)
        task = self._task
        if event is None:
            self._task = None
        yield TaskUpdate(task, event)

    def close(self) -> None:
        """End the running task at once."""
        if self._events is not None:
            self._events.close()


class ProcessExecutor:
    """Executes tasks in ``config.workers`` processes of one thread each; a killed one is replaced."""

    split = True

    def __init__(self, config: BatchConfig, run_task: RunTask) -> None:
        self._config, self._run_task = config, run_task
        self._pool = ProcessPool(config.workers, setup=_use_one_thread)

    @property
    def free_slots(self) -> int:
        """Number of processes without a task, started or not."""
        return self._pool.free_slots

    def submit(self, task: Task) -> None:
        """Send a task to an idle process."""
        self._pool.submit(task, self._run_task, task, self._config)

    def updates(self) -> Iterator[TaskUpdate]:
        """Yield the events that the processes have sent."""
        for update in self._pool.updates():
            task = update.key
            assert isinstance(task, Task)
            if update.kind == "record":
                yield TaskUpdate(task, update.value)
            elif update.kind == "died":
                memory = "; if memory ran out, use fewer workers" if update.value.startswith("signal") else ""
                yield TaskUpdate(task, worker_died=f"{update.value}{memory}")
            else:
                if update.kind == "raised":
                    reason = f"{type(update.value).__name__}: {update.value}"
                    yield TaskUpdate(task, StepEvent(task.steps[0], "failed", reason=reason))
                yield TaskUpdate(task)

    def close(self) -> None:
        """End all processes at once."""
        self._pool.close()


def _use_one_thread() -> None:
    from napari_cellforce.models.device import use_threads

    use_threads(1)


class ClusterExecutor:
    """Executes tasks on Dask workers: those of a running scheduler, or jobs submitted for this run.

    Dask's scheduler gives the task of a worker that dies to another one, a few times; then it has failed. No
    more tasks are submitted than there are threads, so that a stop leaves the other inputs untouched. Where
    workers have graphics cards, tasks that need the model go to these, one at a time each.

    Raises
    ------
    CellForceError
        If distributed is not installed, no scheduler answers, or the cluster file is invalid.
    """

    split = True

    def __init__(self, config: BatchConfig, run_task: RunTask) -> None:
        self._config, self._run_task = config, run_task
        self._something_ended = threading.Event()
        self._running: dict[Any, Task] = {}
        self._exit = contextlib.ExitStack()
        with contextlib.ExitStack() as stack:
            address: Any = config.scheduler
            if config.cluster:
                address = stack.enter_context(read_jobqueue_config(config.cluster).start())
            self._client = stack.enter_context(contextlib.closing(_connect(address)))
            self._exit = stack.pop_all()

    @property
    def free_slots(self) -> int:
        """Number of idle threads; at least one before any worker has come, so that the queue sees work."""
        threads: int = sum(self._client.nthreads().values())
        return max(threads, 1) - len(self._running)

    def submit(self, task: Task) -> None:
        """Submit a task to the scheduler."""
        resources = {GPU: 1} if task.needs_model and self._has_gpu_workers() else None
        future = self._client.submit(
            _events_of, task, self._config, self._run_task, pure=False, resources=resources
        )
        self._running[future] = task
        future.add_done_callback(lambda _: self._something_ended.set())

    def updates(self) -> Iterator[TaskUpdate]:
        """Yield the events of tasks that are over."""
        self._something_ended.wait(POLL_INTERVAL)
        self._something_ended.clear()
        for future in [future for future in self._running if future.done()]:
            task = self._running.pop(future)
            for event in _result_events(future, task):
                yield TaskUpdate(task, event)
            yield TaskUpdate(task)

    def close(self) -> None:
        """Cancel running tasks, and end the workers if they were started for this run."""
        with self._exit:
            self._client.cancel(list(self._running), force=True)

    def _has_gpu_workers(self) -> bool:
        return bool(self._client.run_on_scheduler(_any_gpu_worker))


def _any_gpu_worker(dask_scheduler: Any) -> bool:
    """Return whether any worker has a graphics card; runs on the scheduler, which passes itself."""
    return any(worker.resources.get(GPU) for worker in dask_scheduler.workers.values())


def _connect(address: Any) -> Any:
    try:
        from distributed import Client
    except ImportError as error:
        raise CellForceError(
            "Dask's scheduler is asked for, and distributed is not installed",
            "it is an extra",
            'Install it: pip install "napari-cellforce[cluster]".',
            topic=Topic.SCHEDULER,
        ) from error
    try:
        return Client(address, timeout=_CONNECT_TIMEOUT, set_as_default=False)
    except (OSError, ValueError) as error:
        raise CellForceError(
            f"no Dask scheduler answers at {address}",
            "its address looks like tcp://host:8786",
            "Start it (dask scheduler), or correct the address.",
            topic=Topic.SCHEDULER,
        ) from error


def _events_of(task: Task, config: BatchConfig, run_task: RunTask) -> tuple[StepEvent, ...]:
    """Execute a task on a worker; return how its steps ended."""
    import dask

    # Reading a frame must not become a task of the cluster: it would wait for this one to end.
    with dask.config.set(scheduler="synchronous"):
        return tuple(event for event in run_task(task, config) if event.state != "running")


def _result_events(future: Any, task: Task) -> tuple[StepEvent, ...]:
    """Return the events of a finished task; where none came back, its first step has failed."""
    try:
        events: tuple[StepEvent, ...] = future.result()
    except Exception as error:  # KilledWorker, CancelledError and whatever a network does
        why = f"The cluster gave up: {type(error).__name__}: {error}"
        return (StepEvent(task.steps[0], "failed", reason=why),)
    return events
