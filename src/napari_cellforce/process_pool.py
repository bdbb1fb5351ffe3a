"""Worker processes: started without the user's script, replaced when killed, ended with their parent.

They are fresh interpreters, not spawned by `multiprocessing`, for three reasons. `multiprocessing` imports
the main script again: one without ``if __name__ == "__main__":`` would run once more in every worker, with
its windows. It starts workers with the working folder on ``sys.path``, so that a ``random.py`` there would
be executed. And Ctrl-C, which a terminal sends to all processes, would end workers with tracebacks.

Messages are pickled: calls on standard input, records on standard output.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Generator, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal, Self, TypeVar

from napari_cellforce.errors import CellForceError, Topic

ATTEMPTS = 2
"""Times that work is tried: its process may have been killed because others used up the memory."""

POLL_INTERVAL = 0.2
"""Longest wait in seconds before a caller can check whether to stop."""

_CLOSING_TIME = 5.0
"""Seconds for a terminated process to end before it is killed."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def usable_cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def start_python(module: str, function: str, **options: Any) -> subprocess.Popen[bytes]:
    """Start a Python process that imports `module` and calls its `function` without arguments.

    Its standard input and output are pipes. It sees the same modules as this process, except those in the
    working folder, and is not interrupted by Ctrl-C.

    Parameters
    ----------
    module, function : str
    **options
        Further arguments of `subprocess.Popen`.
    """
    code = f"import sys; sys.path[:] = sys.argv[1:]; from {module} import {function}; {function}()"
    flags = ("CREATE_NO_WINDOW", "CREATE_NEW_PROCESS_GROUP")  # of Windows; the second keeps Ctrl-C away
    with _interrupts_blocked():
        return subprocess.Popen(
            [sys.executable, "-P", "-c", code, *_import_path()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            creationflags=sum(getattr(subprocess, flag, 0) for flag in flags),
            **options,
        )


def describe_exit(returncode: int) -> str:
    """Return how a process ended: the signal that killed it, or its exit code."""
    return f"signal {-returncode}" if returncode < 0 else f"exit code {returncode}"


def claim_output() -> IO[bytes]:
    """Return standard output for records alone; what libraries print goes to standard error."""
    records = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return records


@dataclass(frozen=True)
class PoolUpdate:
    """Change of a call reported by its worker.

    Attributes
    ----------
    key : hashable
        Identifies the call.
    kind : {"record", "done", "raised", "died"}
        The call yielded a record, ended, raised an exception, or its process died.
    value : object
        The record, the exception, or how the process ended.
    """

    key: Hashable
    kind: Literal["record", "done", "raised", "died"]
    value: Any = None


class _Worker:
    """A process and the thread that reads its records."""

    def __init__(self, updates: queue.SimpleQueue[tuple[_Worker, str, Any]]) -> None:
        self.key: Hashable = None
        self.busy = False
        self.process = start_python(__name__, "serve")
        self._updates = updates
        threading.Thread(target=self._read, name="cellforce-worker", daemon=True).start()

    def send(self, message: bytes) -> None:
        """Send a call; that the process is dead, if it is, the reading thread reports."""
        orders = self.process.stdin
        assert orders is not None
        with contextlib.suppress(OSError):
            pickle.dump(message, orders)
            orders.flush()

    def close(self) -> None:
        """End the process, whatever it is doing."""
        orders = self.process.stdin
        assert orders is not None
        with contextlib.suppress(OSError):
            orders.close()
        self.process.terminate()
        try:
            self.process.wait(_CLOSING_TIME)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _read(self) -> None:
        records = self.process.stdout
        assert records is not None
        with records:
            while True:
                try:
                    kind, value = pickle.load(records)
                except Exception:  # at the end, or where a killed process was in the middle of a record
                    break
                self._updates.put((self, kind, value))
        self.process.kill()  # does nothing if it has ended
        self._updates.put((self, "died", describe_exit(self.process.wait())))


class ProcessPool:
    """Workers that execute one call each at a time; one that dies is reported, and replaced when needed.

    Parameters
    ----------
    workers : int
        Most processes; each starts when there is work for it.
    setup : callable, optional
        Called once in every process before its first call.
    """

    def __init__(self, workers: int, setup: Callable[[], None] | None = None) -> None:
        self._size, self._setup = workers, setup
        self._workers: list[_Worker] = []
        self._updates: queue.SimpleQueue[tuple[_Worker, str, Any]] = queue.SimpleQueue()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def free_slots(self) -> int:
        """Number of calls that can start now."""
        return self._size - sum(worker.busy for worker in self._workers)

    def submit(self, key: Hashable, function: Callable[..., Iterable[Any]], *args: Any) -> None:
        """Start a call in an idle process.

        Parameters
        ----------
        key : hashable
            Identifies the call in its updates.
        function : callable
            Returns an iterable of records. It and its arguments are pickled.
        *args
        """
        message = pickle.dumps((self._setup, function, args))
        worker = next((worker for worker in self._workers if not worker.busy), None)
        if worker is None:
            worker = _Worker(self._updates)
            self._workers.append(worker)
        worker.key, worker.busy = key, True
        worker.send(message)

    def updates(self, timeout: float = POLL_INTERVAL) -> Iterator[PoolUpdate]:
        """Yield what has happened; waits up to `timeout` seconds if nothing has."""
        with contextlib.suppress(queue.Empty):
            yield from self._update_of(*self._updates.get(timeout=timeout))
            while True:
                yield from self._update_of(*self._updates.get_nowait())

    def finish(self) -> None:
        """Wait for the calls that are running, without starting others."""
        while any(worker.busy for worker in self._workers):
            for _ in self.updates():
                pass

    def close(self) -> None:
        """End all processes, whatever they are doing."""
        for worker in self._workers:
            worker.close()
        self._workers = []

    def _update_of(self, worker: _Worker, kind: Any, value: Any) -> Iterator[PoolUpdate]:
        if worker not in self._workers:
            return
        key, busy = worker.key, worker.busy
        if kind != "record":
            worker.busy = False
        if kind == "died":
            self._workers.remove(worker)
        if busy:
            yield PoolUpdate(key, kind, value)


def map_unordered(
    function: Callable[[Item], Result], items: Sequence[Item], workers: int
) -> Generator[tuple[Item, Result], None, None]:
    """Apply a function to items in worker processes; for one worker or item, in this process.

    An item whose process is killed is tried once more. Closing the generator waits for the items that are
    being worked on, at most one per process.

    Yields
    ------
    (item, result)
        In the order in which they are finished.

    Raises
    ------
    CellForceError
        If the processes of an item are killed. Any exception of the function is raised here.
    """
    workers = min(workers, len(items))
    if workers <= 1:
        yield from ((item, function(item)) for item in items)
        return
    waiting = list(range(len(items)))[::-1]
    attempts = [0] * len(items)
    with ProcessPool(workers) as pool:
        try:
            while waiting or pool.free_slots < workers:
                while waiting and pool.free_slots:
                    attempts[waiting[-1]] += 1
                    pool.submit(waiting[-1], _single, function, items[waiting.pop()])
                for update in pool.updates():
                    index = update.key
                    assert isinstance(index, int)
                    if update.kind == "record":
                        yield items[index], update.value
                    elif update.kind == "died" and attempts[index] < ATTEMPTS:
                        waiting.append(index)
                    elif update.kind != "done":
                        raise _failure(update)
        finally:
            pool.finish()


def _single(function: Callable[[Item], Result], item: Item) -> Iterator[Result]:
    yield function(item)


def _failure(update: PoolUpdate) -> Exception:
    if isinstance(update.value, Exception):
        return update.value
    return CellForceError(
        f"a worker process was killed {ATTEMPTS} times ({update.value})",
        "each needs some memory of its own",
        "Close other programs, or use fewer processes; what is finished is kept.",
        topic=Topic.WORKERS,
    )


def serve() -> None:
    """Execute the calls that come through standard input, until it is closed."""
    records, calls = claim_output(), queue.SimpleQueue[bytes]()
    threading.Thread(target=_receive, args=(calls,), daemon=True).start()
    is_set_up = False
    while True:
        call = calls.get()
        try:
            setup, function, args = pickle.loads(call)
            if setup is not None and not is_set_up:
                setup()
            is_set_up = True
            for record in function(*args):
                _send(records, "record", record)
        except Exception as error:
            error.add_note(traceback.format_exc())
            _send(records, "raised", error)
        else:
            _send(records, "done", None)


def _receive(calls: queue.SimpleQueue[bytes]) -> None:
    """Pass calls on; when standard input ends, so does this process, for its parent has gone."""
    with os.fdopen(0, "rb") as orders:
        while True:
            try:
                calls.put(pickle.load(orders))
            except (EOFError, pickle.UnpicklingError, OSError):
                os._exit(0)


def _send(records: IO[bytes], kind: str, value: Any) -> None:
    """Send a record; where nobody reads any more, this process ends without a word."""
    try:
        content = pickle.dumps((kind, value))
        if kind == "raised":
            pickle.loads(content)  # not every exception comes back
    except Exception as error:
        content = pickle.dumps(("raised", RuntimeError(f"{type(error).__name__}: {error}: {value!r}")))
    try:
        records.write(content)
        records.flush()
    except OSError:
        os._exit(0)


def _import_path() -> list[str]:
    """Return ``sys.path`` without the working folder; this package is found wherever it lies."""
    here = ""
    with contextlib.suppress(OSError):  # the folder may be gone
        here = os.path.realpath(Path.cwd())
    others = [path for path in sys.path if path and os.path.realpath(path) != here]
    return [*others, str(Path(__file__).resolve().parents[1])]


@contextlib.contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Let new processes inherit a blocked SIGINT, so that Ctrl-C cannot hit them, not even in their start."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
