"""Waiting for changes in a folder."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_POLL_INTERVAL = 0.2
"""Seconds between two checks whether to stop."""
_EVENT_BURST = 0.05
"""Seconds to let a burst of events pass."""


class FileChangeWaiter:
    """Waits until the operating system reports a change in a folder.

    Network drives report none, and watchdog may not be installed: the caller checks the folder after a while
    itself. Watchdog's own polling would do the same, at the same cost.

    Parameters
    ----------
    folder : Path
        Its subfolders are included.
    """

    def __init__(self, folder: Path) -> None:
        self._changed = threading.Event()
        self._observer = _observer(folder, self._changed)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()

    def wait(self, seconds: float, stop: threading.Event) -> None:
        """Wait until something has changed, `stop` is set, or so many seconds have passed."""
        end = time.monotonic() + seconds
        while not stop.is_set() and time.monotonic() < end:
            if self._changed.wait(min(_POLL_INTERVAL, max(end - time.monotonic(), 0))):
                time.sleep(_EVENT_BURST)
                break
        self._changed.clear()


def _observer(folder: Path, changed: threading.Event) -> Any:
    """Return a running observer that sets `changed`; None without watchdog or system support."""
    try:
        from watchdog.events import FileSystemEventHandler
        from watchdog.observers import Observer
    except ImportError:
        return None

    class Handler(FileSystemEventHandler):
        def on_any_event(self, event: Any) -> None:
            if event.event_type not in ("opened", "closed_no_write"):  # our own reading
                changed.set()

    # After Ctrl-C it reports its own end as if that were an error.
    logging.getLogger("watchdog").setLevel(logging.CRITICAL)
    observer = Observer()
    try:
        observer.schedule(Handler(), str(folder), recursive=True)
        observer.start()
    except OSError:  # the limit of watched folders is reached, or the file system reports nothing
        return None
    return observer
