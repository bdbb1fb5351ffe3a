"""Several processes, each with a model of its own and one thread, fed one input at a time."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from napari_cellforce.batch.brake import Brake
from napari_cellforce.batch.config import BatchConfig
from napari_cellforce.batch.one import InputEvent, process_input
from napari_cellforce.batch.plan import PlannedInput

_ATTEMPTS = 2
"""A process that was killed may have been a victim of others' memory: its input is tried once more."""

_TICK = 0.2
"""Seconds between looks at the brake."""


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection
    row: PlannedInput


def in_processes(rows: Iterable[PlannedInput], config: BatchConfig, brake: Brake) -> Iterator[InputEvent]:
    """Process inputs in ``config.workers`` processes; see `process_input` for what is yielded."""
    waiting = deque((row, 1) for row in rows)
    attempts: dict[str, int] = {}
    workers: list[_Worker] = []
    try:
        while workers or (waiting and not brake.after_input):
            while waiting and len(workers) < config.workers and not brake.after_input:
                row, attempts[row.name] = waiting.popleft()
                workers.append(_start(row, config))
            for worker in _with_news(workers):
                event = _receive(worker)
                if event is None:
                    workers.remove(worker)
                    if attempts[worker.row.name] < _ATTEMPTS:
                        waiting.append((worker.row, attempts[worker.row.name] + 1))
                        yield InputEvent(worker.row, "running", "Its process was killed; trying again later")
                    else:
                        yield InputEvent(worker.row, "failed", reason=_killed(worker))
                    continue
                if event.state != "running" and not _next_row(worker, waiting, attempts, brake):
                    workers.remove(worker)
                yield event
            if brake.now:
                return
    finally:
        for worker in workers:
            worker.process.terminate()
            worker.process.join()


def _start(row: PlannedInput, config: BatchConfig) -> _Worker:
    context = multiprocessing.get_context("spawn")  # a fork would copy torch's and Qt's threads half
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, config), daemon=True, name="cellforce-batch")
    process.start()
    theirs.close()  # else the end of the process would not be noticed
    worker = _Worker(process, ours, row)
    _hand_over(worker)
    return worker


def _hand_over(worker: _Worker) -> None:
    """Give a worker its row; that it is dead, if it is, `_receive` will tell."""
    with contextlib.suppress(OSError):
        worker.connection.send(worker.row)


def _with_news(workers: list[_Worker]) -> list[_Worker]:
    ready = wait([worker.connection for worker in workers], timeout=_TICK)
    return [worker for worker in workers if worker.connection in ready]


def _receive(worker: _Worker) -> InputEvent | None:
    """Return what a worker says, or None if it is dead."""
    try:
        event: InputEvent = worker.connection.recv()
    except (EOFError, OSError):
        worker.process.join()
        return None
    return event


def _next_row(
    worker: _Worker, waiting: deque[tuple[PlannedInput, int]], attempts: dict[str, int], brake: Brake
) -> bool:
    """Give a worker its next input; False if there is none, and the worker is sent home."""
    if not waiting or brake.after_input:
        worker.connection.close()
        worker.process.join()
        return False
    worker.row, attempts[worker.row.name] = waiting.popleft()
    _hand_over(worker)
    return True


def _killed(worker: _Worker) -> str:
    code = worker.process.exitcode or 0
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    return (
        f"The process that predicted it was killed {_ATTEMPTS} times ({how}). "
        "If memory ran out, use fewer workers."
    )


def _serve(connection: Connection, config: BatchConfig) -> None:
    """Process the inputs that come through `connection`, until its other end is closed."""
    import torch
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    from napari_cellforce.batch.model import load

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    torch.set_num_threads(1)
    predictor = load(config)
    with threadpool_limits(1):
        while True:
            try:
                row = connection.recv()
                for event in process_input(row, config, predictor):
                    connection.send(event)
            except (EOFError, BrokenPipeError, ConnectionResetError):
                return
