"""Keeping tifffile's complaints about broken files off the screen: our own errors say what is wrong."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from contextvars import ContextVar

import tifffile

_quiet: ContextVar[bool] = ContextVar("quiet", default=False)
"""Of this thread: a logger's level would be that of all threads."""


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Drop what tifffile would log in this block."""
    token = _quiet.set(True)
    try:
        yield
    finally:
        _quiet.reset(token)


def _wanted(record: logging.LogRecord) -> bool:
    del record
    return not _quiet.get()


tifffile.logger().addFilter(_wanted)
