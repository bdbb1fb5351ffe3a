"""Many requests, one after the other, of which only the newest counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from qtpy.QtCore import QObject, QTimer, Signal

from napari_cellforce.widgets.base.worker import Job


class Latest(QObject):
    """Does off the GUI thread what was asked for last; nothing ever queues up.

    One request is worked on at a time. Those that arrive meanwhile replace each other, and the last of
    them is taken up next.

    Parameters
    ----------
    settling : int
        Milliseconds without a new request before one is taken up.
    parent : QObject, optional

    Signals
    -------
    done : object
        What the work returned.
    failed : Exception
    """

    done = Signal(object)
    failed = Signal(object)

    def __init__(self, settling: int = 0, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._newest: Callable[[], Any] | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(settling)
        self._timer.timeout.connect(self._take_up)
        self._job = Job(self)
        self._job.yielded.connect(self.done)
        self._job.failed.connect(self.failed)
        self._job.ended.connect(self._take_up)

    @property
    def busy(self) -> bool:
        """True while something is being done or waits to be."""
        return self._job.running or self._newest is not None

    def submit(self, work: Callable[[], Any]) -> None:
        """Have ``work()`` done, unless something newer is asked for before its turn."""
        self._newest = work
        self._timer.start()

    def drop(self) -> None:
        """Do nothing more, and say nothing of what is being done."""
        self._newest = None
        self._timer.stop()
        self._job.drop()

    def _take_up(self, complete: bool = True) -> None:
        del complete
        work = self._newest
        if work is None or self._job.running or self._timer.isActive():
            return
        self._newest = None

        def once() -> Iterator[Any]:
            yield work()

        self._job.start(once)
