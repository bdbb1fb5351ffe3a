"""Ending a run from another thread."""

from __future__ import annotations

import threading


class Brake:
    """Two ways to end a run: after the inputs that are being predicted, or at once.

    Cancelled inputs are not lost: their complete parts are taken up by the next run.
    """

    def __init__(self) -> None:
        self._after_input = threading.Event()
        self._now = threading.Event()

    @property
    def after_input(self) -> bool:
        """True if no further input is to be begun."""
        return self._after_input.is_set()

    @property
    def now(self) -> bool:
        """True if the run is to end at once."""
        return self._now.is_set()

    def stop(self) -> None:
        """Finish what is being predicted, and begin nothing more."""
        self._after_input.set()

    def cancel(self) -> None:
        """End at once, which is after the current frame where all is done in one process."""
        self._after_input.set()
        self._now.set()
