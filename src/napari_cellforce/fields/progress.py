"""How far a long job is; what jobs yield between their results."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """How far a long job is, between its results.

    Attributes
    ----------
    what : str
        For people: ``"Measuring the cell's brightness"``.
    done, total : int
        Number of finished frames, and of all frames.
    """

    what: str
    done: int
    total: int
