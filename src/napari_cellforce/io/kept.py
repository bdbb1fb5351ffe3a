"""Files that are written bit by bit, of which everything whole is kept, whatever ends the writing."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Self


class KeptSoFar(ABC):
    """A context manager that makes a file of what was written in its block.

    When the block ends, be it by an error or a stop, what was written becomes a valid file; if that is
    nothing, none appears and a former one stays.
    """

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            self._begin(stack.enter_context(self._atomic()))
            self._ends = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(_NothingToKeep), self._ends:
            if not self._written:
                raise _NothingToKeep
            self._finish()

    @abstractmethod
    def _atomic(self) -> AbstractContextManager[Path]:
        """Return what gives a temporary path, and renames it if its block succeeds."""

    @abstractmethod
    def _begin(self, temporary: Path) -> None:
        """Lay out the file."""

    @property
    @abstractmethod
    def _written(self) -> int:
        """How many frames were written."""

    @abstractmethod
    def _finish(self) -> None:
        """Describe and close what was written."""


class _NothingToKeep(Exception):
    """No frame was written: what was laid out goes."""
