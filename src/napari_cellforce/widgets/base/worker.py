"""Long jobs off the GUI thread: a generator becomes signals, one job at a time."""

from __future__ import annotations

import contextlib
import threading
import warnings
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any

from napari.utils import notifications
from qtpy.QtCore import QObject, QTimer, Signal
from superqt.utils import GeneratorWorker

from napari_cellforce.errors import CellForceError, CellForceWarning

WarningCallback = Callable[[str], None]


class ThreadWarningRouter:
    """Passes each `CellForceWarning` to the job in whose thread it is issued; others are not changed.

    Python has one hook for the warnings of all threads. Overlapping jobs must not each replace it and
    restore what they found, as `warnings.catch_warnings` does: the last one to end would restore the hook
    of a job that has ended, and every later warning would be an error.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: dict[int, WarningCallback] = {}
        self._others = warnings.showwarning

    @contextmanager
    def route_to(self, on_warning: WarningCallback) -> Iterator[None]:
        """Let `on_warning` have the messages of this thread's warnings, also repeated ones."""
        thread = threading.get_ident()
        with self._lock:
            if warnings.showwarning != self._show:
                self._others, warnings.showwarning = warnings.showwarning, self._show
            warnings.simplefilter("always", CellForceWarning)
            self._listeners[thread] = on_warning
        try:
            yield
        finally:
            with self._lock:
                del self._listeners[thread]
                if not self._listeners and warnings.showwarning == self._show:
                    warnings.showwarning = self._others

    def _show(self, message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
        on_warning = self._listeners.get(threading.get_ident())
        if on_warning is None:
            self._others(message, category, *where, **more)
        elif issubclass(category, CellForceWarning):
            on_warning(str(message))


_WARNING_ROUTER = ThreadWarningRouter()


class _Worker(GeneratorWorker[Any, Any, Any]):
    """superqt's worker, which drops a RuntimeError (of torch, for example) and does not report the end."""

    def run(self) -> None:
        """Run the generator and report its result; called in the thread."""
        with contextlib.suppress(RuntimeError):  # napari is closed: the signals have no receiver any more
            self._work_and_report()

    def _work_and_report(self) -> None:
        try:
            with _WARNING_ROUTER.route_to(lambda message: self.warned.emit((message,))):
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
    """Runs one generator at a time in a thread and emits what it yields.

    A stop is acknowledged at once and takes effect after the record that is being computed. Starting again
    cancels the running job: what it still yields is discarded.
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
        """Run ``generate()`` in a thread; a running job is cancelled."""
        self.cancel()

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

    def cancel(self) -> None:
        """Stop the running job and discard its further records."""
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


def show_error(error: Exception) -> None:
    """Show an error as a notification; an unexpected one with its traceback."""
    if isinstance(error, CellForceError):
        notifications.show_error(str(error))
    else:
        notifications.notification_manager.receive_error(type(error), error, error.__traceback__)


def error_text(error: Exception) -> str:
    """Return the text of an error for a panel; an unexpected one is also shown as a notification."""
    if isinstance(error, CellForceError):
        return str(error)
    show_error(error)
    return "Unexpected error; see the notification for details."


class DebouncedWorker(QObject):
    """Runs the latest request off the GUI thread; requests do not queue.

    One request runs at a time. Those that arrive meanwhile replace each other, and the last one runs next.

    Parameters
    ----------
    settling : int
        Milliseconds without a new request before one is started.
    parent : QObject, optional

    Signals
    -------
    done : object
        Return value of the request.
    failed : Exception
    """

    done = Signal(object)
    failed = Signal(object)

    def __init__(self, debounce: int = 0, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._newest: Callable[[], Any] | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(debounce)
        self._timer.timeout.connect(self._start_newest)
        self._job = Job(self)
        self._job.yielded.connect(self.done)
        self._job.failed.connect(self.failed)
        self._job.ended.connect(self._start_newest)

    @property
    def busy(self) -> bool:
        """True while a request is running or waiting."""
        return self._job.running or self._newest is not None

    def submit(self, work: Callable[[], Any]) -> None:
        """Run ``work()``, unless a newer request replaces it before it starts."""
        self._newest = work
        self._timer.start()

    def cancel(self) -> None:
        """Discard the waiting request and the result of the running one."""
        self._newest = None
        self._timer.stop()
        self._job.cancel()

    def _start_newest(self, complete: bool = True) -> None:
        del complete
        work = self._newest
        if work is None or self._job.running or self._timer.isActive():
            return
        self._newest = None

        def once() -> Iterator[Any]:
            yield work()

        self._job.start(once)
