"""What changes from frame to frame: adhesions come and go a little, and a drug lowers contractility."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from napari_cellforce.errors import CellForceError
from napari_cellforce.synthetic.adhesions import Adhesions
from napari_cellforce.synthetic.limits import require_fraction, require_not_negative, require_positive
from napari_cellforce.synthetic.outline import Array


@dataclass(frozen=True)
class Drug:
    """An inhibitor of contractility, washed in and washed out.

    Attributes
    ----------
    wash_in, wash_out : float
        Minutes from the start.
    strength : float
        Fraction of the contractility that is lost in the end, 0 to 1.
    onset, recovery : float
        Time constants in minutes.
    """

    wash_in: float = 30.0
    wash_out: float = 60.0
    strength: float = 0.8
    onset: float = 4.0
    recovery: float = 15.0

    def __post_init__(self) -> None:
        require_positive(self, "onset", "recovery")
        require_not_negative(self, "wash_in", "wash_out")
        require_fraction(self, "strength")
        if self.wash_out < self.wash_in:
            raise CellForceError(
                f"the drug is washed out at {self.wash_out:g} min and in at {self.wash_in:g} min",
                "it must be washed in first",
                "Exchange the two.",
                topic="drug",
            )

    def activity(self, minutes: Array) -> Array:
        """Return the contractility left at the given times, 0 to 1."""
        bound = self._rise(np.minimum(minutes, self.wash_out))
        left = np.exp(-np.maximum(minutes - self.wash_out, 0) / self.recovery)
        return 1 - self.strength * bound * left

    def _rise(self, minutes: Array) -> Array:
        rise: Array = 1 - np.exp(-np.maximum(minutes - self.wash_in, 0) / self.onset)
        return rise


@dataclass(frozen=True)
class Turnover:
    """How adhesions change in time.

    Attributes
    ----------
    fluctuation : float
        Standard deviation of the logarithm of an adhesion's intensity in time.
    lifetime : float
        Correlation time of these fluctuations in minutes.
    recruitment : float
        Fraction of an adhesion's length and intensity that is there only because the cell pulls on it,
        0 to 1: with contractility lowered, adhesions shrink and fade.
    """

    fluctuation: float = 0.25
    lifetime: float = 10.0
    recruitment: float = 0.6

    def __post_init__(self) -> None:
        require_positive(self, "lifetime")
        require_not_negative(self, "fluctuation")
        require_fraction(self, "recruitment")

    def frames(
        self, adhesions: Adhesions, minutes: Array, activity: Array, rng: np.random.Generator
    ) -> list[Adhesions]:
        """Return the adhesions at each of the times, the first of them at rest."""
        change = self._fluctuations(len(adhesions), minutes, rng)
        pulled = 1 - self.recruitment + self.recruitment * activity
        return [
            adhesions.changed(length=math.sqrt(pull), intensity=pull * np.exp(self.fluctuation * step))
            for pull, step in zip(pulled, change, strict=True)
        ]

    def _fluctuations(self, n: int, minutes: Array, rng: np.random.Generator) -> Array:
        """Return an Ornstein-Uhlenbeck process of unit variance for each adhesion, (T, n), from 0."""
        values = np.zeros((len(minutes), n))
        for t, step in enumerate(np.diff(minutes), start=1):
            kept = math.exp(-step / self.lifetime)
            values[t] = kept * values[t - 1] + math.sqrt(1 - kept**2) * rng.standard_normal(n)
        return values
