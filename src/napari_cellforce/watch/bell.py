"""Waking up when something is written."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_TICK = 0.2
"""Seconds between looks at whether to stop."""
_BREATH = 0.05
"""Seconds to let a burst of events pass."""


class Bell:
    """Rings when the system says that something in a folder was written.

    Network drives do not say, and watchdog may not be installed: whoever waits looks for himself after a
    while. That is also what watchdog's own polling would do, at the same cost.

    Parameters
    ----------
    folder : Path
        With its subfolders.
    """

    def __init__(self, folder: Path) -> None:
        self._rung = threading.Event()
        self._observer = _observer(folder, self._rung)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()

    def wait(self, seconds: float, stop: threading.Event) -> None:
        """Wait until it rings, `stop` is set, or so many seconds have passed."""
        end = time.monotonic() + seconds
        while not stop.is_set() and time.monotonic() < end:
            if self._rung.wait(min(_TICK, max(end - time.monotonic(), 0))):
                time.sleep(_BREATH)
                break
        self._rung.clear()


def _observer(folder: Path, rung: threading.Event) -> Any:
    """Return a running observer that sets `rung`; None if the system, or watchdog, has none."""
    try:
        from watchdog.events import FileSystemEventHandler
        from watchdog.observers import Observer
    except ImportError:
        return None

    class Ring(FileSystemEventHandler):
        def on_any_event(self, event: Any) -> None:
            if event.event_type not in ("opened", "closed_no_write"):  # our own reading
                rung.set()

    # It may tell of its own end as if that were an error, in the terminal of whoever has pressed Ctrl-C.
    logging.getLogger("watchdog").setLevel(logging.CRITICAL)
    observer = Observer()
    try:
        observer.schedule(Ring(), str(folder), recursive=True)
        observer.start()
    except OSError:  # the limit of watched folders is reached, or the file system does not tell
        return None
    return observer
