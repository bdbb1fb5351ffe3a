"""Long jobs off the GUI thread: a generator becomes signals, one job at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator
from typing import Any

from napari.utils import notifications
from qtpy.QtCore import QObject, Signal
from superqt.utils import GeneratorWorker

from napari_cellforce.errors import CellForceError
from napari_cellforce.widgets.base.hearing import Hearing

_HEARING = Hearing()


class _Worker(GeneratorWorker[Any, Any, Any]):
    """As superqt's, which however swallows a RuntimeError (torch's, say) and never tells of the end."""

    def run(self) -> None:
        """Work, and say what came of it; called in the thread."""
        with contextlib.suppress(RuntimeError):  # napari is closed: nobody is there to be told
            self._work_and_tell()

    def _work_and_tell(self) -> None:
        try:
            with _HEARING.by(lambda words: self.warned.emit((words,))):
                result = self.work()
        except Exception as error:
            result = error
        if isinstance(result, Exception):
            self.errored.emit(result)
        elif not self.abort_requested:
            self.returned.emit(result)
        self.finished.emit()
        self._finished.emit(self)


class Job(QObject):
    """Runs one generator at a time in a thread and says what it yields.

    A stop is acknowledged at once and acts after the record that is being computed. Starting anew
    drops the running job: what it still yields is not heard.
    """

    yielded = Signal(object)
    failed = Signal(object)
    ended = Signal(bool)
    """Emitted last, with True if the job ran to its end, False if it was stopped or failed."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._worker: _Worker | None = None
        self._complete = False

    @property
    def running(self) -> bool:
        """True from `start` until `ended`."""
        return self._worker is not None

    def start(self, generate: Callable[[], Iterator[Any]]) -> None:
        """Run ``generate()`` in a thread; what was running is dropped."""
        self.drop()

        def records() -> Generator[Any, None, bool]:
            yield from generate()
            return True

        worker = _Worker(records)
        self._worker, self._complete = worker, False
        worker.yielded.connect(self._on_yielded)
        worker.errored.connect(self._on_errored)
        worker.warned.connect(lambda message: notifications.show_warning(*message))
        worker.returned.connect(self._on_returned)
        worker.finished.connect(self._on_finished)
        worker.start()

    def stop(self) -> None:
        """Ask the job to end after the current record."""
        if self._worker is not None:
            self._worker.quit()

    def drop(self) -> None:
        """Stop, and hear nothing more of the running job."""
        worker, self._worker = self._worker, None
        if worker is not None:
            for signal in (worker.yielded, worker.errored, worker.returned, worker.finished):
                signal.disconnect()
            worker.quit()

    def _on_yielded(self, record: Any) -> None:
        self.yielded.emit(record)

    def _on_errored(self, error: Exception) -> None:
        self.failed.emit(error)

    def _on_returned(self, complete: Any) -> None:
        self._complete = complete is True

    def _on_finished(self) -> None:
        self._worker = None
        self.ended.emit(self._complete)


def tell(error: Exception) -> None:
    """Show an error as a notification: a user's in words, a bug of ours with its traceback."""
    if isinstance(error, CellForceError):
        notifications.show_error(str(error))
    else:
        notifications.notification_manager.receive_error(type(error), error, error.__traceback__)


def words_of(error: Exception) -> str:
    """Return what a panel says of an error; one that is our mistake is told by napari too, with its trace."""
    if isinstance(error, CellForceError):
        return str(error)
    tell(error)
    return "Something went wrong that should not; see the message."
