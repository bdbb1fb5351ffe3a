"""Executors of tasks: this process, several processes, or the workers of a Dask cluster."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import threading
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Protocol

from napari_cellforce.batch.config import BatchConfig
from napari_cellforce.batch.input_state import StepEvent, Task
from napari_cellforce.batch.jobqueue_config import read_jobqueue_config
from napari_cellforce.errors import CellForceError
from napari_cellforce.models.record import Predictor

GPU = "GPU"
"""Dask resource that a worker with a graphics card has once: ``dask worker --resources GPU=1``."""

_CONNECT_TIMEOUT = "20s"
"""Time for a scheduler to answer."""

_POLL_INTERVAL = 0.2
"""Longest wait in seconds before the caller can check whether to stop."""

RunTask = Callable[..., Generator[StepEvent]]
"""``run_task(task, config, predictor=None)``: executes a task; see `napari_cellforce.batch.execute`."""


@dataclass(frozen=True)
class TaskUpdate:
    """News of a task from an executor.

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


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection
    task: Task | None = None


class ProcessExecutor:
    """Executes tasks in ``config.workers`` processes of one thread each; a killed one is replaced."""

    split = True

    def __init__(self, config: BatchConfig, run_task: RunTask) -> None:
        self._config, self._run_task = config, run_task
        self._workers: list[_Worker] = []

    @property
    def free_slots(self) -> int:
        """Number of processes without a task, started or not."""
        return self._config.workers - len(self._busy)

    def submit(self, task: Task) -> None:
        """Send a task to an idle process; if that is dead, `updates` reports it."""
        idle = next((worker for worker in self._workers if worker.task is None), None)
        worker = idle or self._start()
        worker.task = task
        with contextlib.suppress(OSError):
            worker.connection.send(task)

    def updates(self) -> Iterator[TaskUpdate]:
        """Yield the events that the processes have sent."""
        ready = wait([worker.connection for worker in self._busy], timeout=_POLL_INTERVAL)
        for worker in [worker for worker in self._busy if worker.connection in ready]:
            task = worker.task
            if task is None:
                continue
            try:
                event: StepEvent | None = worker.connection.recv()
            except (EOFError, OSError):
                worker.process.join()
                self._workers.remove(worker)
                yield TaskUpdate(task, worker_died=_how_it_ended(worker.process))
                continue
            if event is None:
                worker.task = None
            yield TaskUpdate(task, event)

    def close(self) -> None:
        """End all processes at once."""
        for worker in self._workers:
            worker.process.terminate()
            worker.process.join()

    @property
    def _busy(self) -> list[_Worker]:
        return [worker for worker in self._workers if worker.task is not None]

    def _start(self) -> _Worker:
        context = multiprocessing.get_context("spawn")  # a fork would copy torch's and Qt's threads half
        ours, theirs = context.Pipe()
        arguments = (theirs, self._config, self._run_task)
        process = context.Process(target=_serve, args=arguments, daemon=True, name="cellforce-batch")
        process.start()
        theirs.close()  # else the end of the process would not be noticed
        worker = _Worker(process, ours)
        self._workers.append(worker)
        return worker


def _how_it_ended(process: BaseProcess) -> str:
    code = process.exitcode or 0
    return f"signal {-code}; if memory ran out, use fewer workers" if code < 0 else f"exit code {code}"


def _serve(connection: Connection, config: BatchConfig, run_task: RunTask) -> None:
    """Execute the tasks that come through `connection` until its other end is closed; None ends each."""
    from napari_cellforce.models.device import use_threads

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    use_threads(1)
    while True:
        try:
            for event in run_task(connection.recv(), config):
                connection.send(event)
            connection.send(None)
        except (EOFError, BrokenPipeError, ConnectionResetError):
            return


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
        self._something_ended.wait(_POLL_INTERVAL)
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
            topic="scheduler",
        ) from error
    try:
        return Client(address, timeout=_CONNECT_TIMEOUT, set_as_default=False)
    except (OSError, ValueError) as error:
        raise CellForceError(
            f"no Dask scheduler answers at {address}",
            "its address looks like tcp://host:8786",
            "Start it (dask scheduler), or correct the address.",
            topic="scheduler",
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
