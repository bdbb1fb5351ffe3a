"""Work spread over processes, as a generator that can be stopped between its items."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from napari_cellforce.errors import CellForceError

Item = TypeVar("Item")
Result = TypeVar("Result")


def usable_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def map_unordered(
    function: Callable[[Item], Result], items: Sequence[Item], workers: int
) -> Generator[tuple[Item, Result], None, None]:
    """Apply a function to items in processes of their own; for one worker or item, in this one.

    Closing the generator waits for the items that are being worked on, at most one a process.

    Yields
    ------
    (item, result)
        In the order in which they are finished.

    Raises
    ------
    CellForceError
        If a process dies. Whatever the function raises is raised here.
    """
    workers = min(workers, len(items))
    if workers <= 1:
        yield from ((item, function(item)) for item in items)
        return
    spawn = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=spawn, initializer=_follow_parent)
    try:
        yield from _results(pool, function, items, workers)
    except BrokenProcessPool as error:
        raise CellForceError(
            "a process that was at work has died",
            "each needs some memory of its own",
            "Close other programs, or use fewer processes (--workers); what is finished is kept.",
            topic="workers",
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _results(
    pool: ProcessPoolExecutor, function: Callable[[Item], Result], items: Sequence[Item], workers: int
) -> Generator[tuple[Item, Result], None, None]:
    """Hand out one item a process at a time, so that a stop finds nothing more queued."""
    waiting = iter(items)
    running: dict[Future[Result], Item] = {}
    while True:
        for item in waiting:
            running[pool.submit(function, item)] = item
            if len(running) == workers:
                break
        if not running:
            return
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            yield running.pop(future), future.result()


def _follow_parent() -> None:
    """End this process with its parent, even one that was killed; Ctrl-C is the parent's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def end() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=end, daemon=True).start()
