"""Warnings of jobs in threads: each is heard by the job that it is of."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from napari_cellforce.errors import CellForceWarning

Tell = Callable[[str], None]


class Hearing:
    """Hands the `CellForceWarning` of a thread to whoever listens there; passes everything else on.

    Python has one hook for the warnings of all threads. Jobs that overlap must not each put their own in
    its place and put back what they found, as `warnings.catch_warnings` does: the last one to end would
    leave the hook of a job that is gone, and from then on every warning, of whomever, would be an error.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: dict[int, Tell] = {}
        self._others = warnings.showwarning

    @contextmanager
    def by(self, tell: Tell) -> Iterator[None]:
        """Let `tell` have the messages of this thread's warnings, also those that were given before."""
        thread = threading.get_ident()
        with self._lock:
            if warnings.showwarning != self._show:
                self._others, warnings.showwarning = warnings.showwarning, self._show
            warnings.simplefilter("always", CellForceWarning)
            self._listeners[thread] = tell
        try:
            yield
        finally:
            with self._lock:
                del self._listeners[thread]
                if not self._listeners and warnings.showwarning == self._show:
                    warnings.showwarning = self._others

    def _show(self, message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
        tell = self._listeners.get(threading.get_ident())
        if tell is None:
            self._others(message, category, *where, **more)
        elif issubclass(category, CellForceWarning):
            tell(str(message))
