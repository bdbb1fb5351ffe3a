"""Reading, predicting and writing at once: one step ahead in a thread, one step behind in another."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self, TypeVar

Item = TypeVar("Item")
Made = TypeVar("Made")


def prefetch(make: Callable[[Item], Made], items: Iterable[Item]) -> Generator[Made]:
    """Yield what `make` makes of each item, in order, each made in a thread while the one before is used.

    At most two are there at once: the one in use and the next. What `make` raises is raised in its turn.
    """
    with ThreadPoolExecutor(1, "cellforce-ahead") as thread:
        coming: Future[Made] | None = None
        for item in items:
            ready, coming = coming, thread.submit(make, item)
            if ready is not None:
                yield ready.result()
        if coming is not None:
            yield coming.result()


def one_by_one(make: Callable[[Item], Made], items: Iterable[Item]) -> Generator[Made]:
    """Yield what `make` makes of each item, when it is asked for."""
    yield from map(make, items)


class BackgroundWriter:
    """Does one thing after another in a thread, while the caller goes on; at most one is under way.

    A context manager. What went wrong is raised at the next `submit`, or where the block ends; a block that
    ends by an error of its own keeps that.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "cellforce-behind")
        self._doing: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._thread.shutdown()
        if kind is None or kind is GeneratorExit:
            self._finish()

    def submit(self, work: Callable[[Item], None], item: Item) -> None:
        """Begin with `work` on an item, when the one before is finished."""
        self._finish()
        self._doing = self._thread.submit(work, item)

    def _finish(self) -> None:
        doing, self._doing = self._doing, None
        if doing is not None:
            doing.result()
