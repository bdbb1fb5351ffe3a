"""Concurrent reading, prediction and writing: prefetch in one thread, write in another."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def prefetch(make: Callable[[Item], Result], items: Iterable[Item]) -> Generator[Result]:
    """Yield ``make(item)`` for each item in order, computed in a thread while the previous result is used.

    At most two results exist at a time. An error of `make` is raised when its result would be yielded.
    """
    with ThreadPoolExecutor(1, "cellforce-prefetch") as thread:
        pending: Future[Result] | None = None
        for item in items:
            current, pending = pending, thread.submit(make, item)
            if current is not None:
                yield current.result()
        if pending is not None:
            yield pending.result()


def one_by_one(make: Callable[[Item], Result], items: Iterable[Item]) -> Generator[Result]:
    """Yield ``make(item)`` for each item, without a thread."""
    yield from map(make, items)


class BackgroundWriter:
    """Runs tasks one after the other in a thread; at most one is pending.

    A context manager. An error of a task is raised at the next `submit` or at the end of the block, unless
    the block itself ends with an error.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "cellforce-writer")
        self._pending: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._thread.shutdown()
        if kind is None or kind is GeneratorExit:
            self._finish()

    def submit(self, work: Callable[[Item], None], item: Item) -> None:
        """Start ``work(item)`` when the previous task is finished."""
        self._finish()
        self._pending = self._thread.submit(work, item)

    def _finish(self) -> None:
        pending, self._pending = self._pending, None
        if pending is not None:
            pending.result()
