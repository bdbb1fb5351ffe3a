"""Threads of BLAS, of which small linear algebra wants no more than one."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Iterator

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

_lock = threading.Lock()
_running = 0
_limit = contextlib.ExitStack()


@contextlib.contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keep BLAS to one thread inside, for the whole process: bands and triangles are too small to share.

    On a busy machine a second thread, woken for a tenth of a millisecond's work, costs many. Blocks may
    nest and run in several threads at once; the last one to end restores what was set.
    """
    global _running
    with _lock:
        if _running == 0:
            _limit.enter_context(_controller().limit(limits=1, user_api="blas"))
        _running += 1
    try:
        yield
    finally:
        with _lock:
            _running -= 1
            if _running == 0:
                _limit.close()


@functools.cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()
