"""Several processes, each with models of its own and one thread, fed one task at a time."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from napari_cellforce.batch.bench import carry_out
from napari_cellforce.batch.config import BatchConfig
from napari_cellforce.batch.crew import News
from napari_cellforce.batch.steps import StepEvent, Task

_TICK = 0.2
"""Seconds between looks at the brake."""


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection
    task: Task | None = None


class Processes:
    """A crew of ``config.workers`` processes; one that is killed is replaced."""

    split = True

    def __init__(self, config: BatchConfig) -> None:
        self._config = config
        self._workers: list[_Worker] = []

    @property
    def room(self) -> int:
        """Number of processes without a task, born or not."""
        return self._config.workers - len(self._busy)

    def give(self, task: Task) -> None:
        """Hand a task to an idle process; that it is dead, if it is, `news` will tell."""
        idle = next((worker for worker in self._workers if worker.task is None), None)
        worker = idle or self._start()
        worker.task = task
        with contextlib.suppress(OSError):
            worker.connection.send(task)

    def news(self) -> Iterator[News]:
        """Yield what the processes say."""
        ready = wait([worker.connection for worker in self._busy], timeout=_TICK)
        for worker in [worker for worker in self._busy if worker.connection in ready]:
            task = worker.task
            if task is None:
                continue
            try:
                event: StepEvent | None = worker.connection.recv()
            except (EOFError, OSError):
                worker.process.join()
                self._workers.remove(worker)
                yield News(task, lost=_how_it_ended(worker.process))
                continue
            if event is None:
                worker.task = None
            yield News(task, event)

    def close(self) -> None:
        """End all processes, whatever they are doing."""
        for worker in self._workers:
            worker.process.terminate()
            worker.process.join()

    @property
    def _busy(self) -> list[_Worker]:
        return [worker for worker in self._workers if worker.task is not None]

    def _start(self) -> _Worker:
        context = multiprocessing.get_context("spawn")  # a fork would copy torch's and Qt's threads half
        ours, theirs = context.Pipe()
        arguments = (theirs, self._config)
        process = context.Process(target=_serve, args=arguments, daemon=True, name="cellforce-batch")
        process.start()
        theirs.close()  # else the end of the process would not be noticed
        worker = _Worker(process, ours)
        self._workers.append(worker)
        return worker


def _how_it_ended(process: BaseProcess) -> str:
    code = process.exitcode or 0
    return f"signal {-code}; if memory ran out, use fewer workers" if code < 0 else f"exit code {code}"


def _serve(connection: Connection, config: BatchConfig) -> None:
    """Do the tasks that come through `connection`, until its other end is closed; None ends each."""
    from napari_cellforce.models.device import use_threads

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    use_threads(1)
    while True:
        try:
            for event in carry_out(connection.recv(), config):
                connection.send(event)
            connection.send(None)
        except (EOFError, BrokenPipeError, ConnectionResetError):
            return
