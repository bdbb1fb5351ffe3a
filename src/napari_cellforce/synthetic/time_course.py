"""What changes from frame to frame: adhesions come and go a little, and a drug lowers contractility."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from napari_cellforce.config_io import Settings, setting
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.synthetic.adhesions import Adhesions
from napari_cellforce.synthetic.outline import Array
from napari_cellforce.synthetic.rasterise import ellipse


@dataclass(frozen=True)
class Drug(Settings):
    """An inhibitor of contractility, washed in and washed out."""

    wash_in: float = setting(30.0, help="Time when the drug is washed in.", unit="min", minimum=0)
    wash_out: float = setting(60.0, help="Time when the drug is washed out.", unit="min", minimum=0)
    strength: float = setting(
        0.8, help="Fraction of the contractility that is lost in the end.", minimum=0, maximum=1
    )
    onset: float = setting(4.0, help="Time constant of the loss.", unit="min", above=0)
    recovery: float = setting(15.0, help="Time constant of the recovery.", unit="min", above=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.wash_out < self.wash_in:
            raise CellForceError(
                f"the drug is washed out at {self.wash_out:g} min and in at {self.wash_in:g} min",
                "it must be washed in first",
                "Exchange the two.",
                topic=Topic.SETTINGS,
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
class Turnover(Settings):
    """How adhesions change in time."""

    fluctuation: float = setting(
        0.25, help="Standard deviation of the logarithm of the brightness of an adhesion in time.", minimum=0
    )
    lifetime: float = setting(10.0, help="Correlation time of these fluctuations.", unit="min", above=0)
    recruitment: float = setting(
        0.6,
        help="Fraction of the length and brightness of an adhesion that is there only because the cell pulls "
        "on it: with contractility lowered, adhesions shrink and fade.",
        minimum=0,
        maximum=1,
    )

    def frames(
        self, adhesions: Adhesions, minutes: Array, activity: Array, rng: np.random.Generator
    ) -> list[Adhesions]:
        """Return the adhesions at each of the times, the first of them at rest."""
        change = self._fluctuations(len(adhesions), minutes, rng)
        pulled = 1 - self.recruitment + self.recruitment * activity
        return [
            adhesions.scaled(length=math.sqrt(pull), intensity=pull * np.exp(self.fluctuation * step))
            for pull, step in zip(pulled, change, strict=True)
        ]

    def _fluctuations(self, n: int, minutes: Array, rng: np.random.Generator) -> Array:
        """Return an Ornstein-Uhlenbeck process of unit variance for each adhesion, (T, n), from 0."""
        values = np.zeros((len(minutes), n))
        for t, step in enumerate(np.diff(minutes), start=1):
            correlation = math.exp(-step / self.lifetime)
            values[t] = correlation * values[t - 1] + math.sqrt(1 - correlation**2) * rng.standard_normal(n)
        return values


_LEAST, _MOST = 0.2, 5.0
"""Loads below and above these multiples of the cell's mean change an adhesion no further."""


@dataclass(frozen=True)
class Remodelling(Settings):
    """How adhesions answer to the force that they bore when they were placed."""

    turning: float = setting(
        0.8,
        help="Share of the way that an adhesion under mean load turns towards the direction of "
        "its force; one "
        "that bears nothing does not turn.",
        minimum=0,
        maximum=1,
    )
    recruitment: float = setting(
        0.3, help="Exponent k: brightness is multiplied by (load / mean load)^k.", minimum=0
    )

    def of(self, adhesions: Adhesions, traction: Array, pixel_size: float) -> Adhesions:
        """Return the adhesions after they have answered to a traction ``(2, Y, X)``; `pixel_size` in µm."""
        if not len(adhesions):
            return adhesions
        force = _mean_traction(adhesions, traction, pixel_size)
        load = np.hypot(*force.T)
        load = np.clip(load / max(float(load.mean()), np.finfo(float).tiny), 0, _MOST)
        share = self.turning * np.minimum(load, 1)
        turned = (1 - share) * np.exp(1j * adhesions.angle) + share * np.exp(1j * np.arctan2(*force.T))
        return replace(
            adhesions,
            angle=np.angle(turned),
            intensity=adhesions.intensity * np.maximum(load, _LEAST) ** self.recruitment,
        )


def _mean_traction(adhesions: Adhesions, traction: Array, pixel_size: float) -> Array:
    """Return the mean traction under each adhesion, (N, 2)."""
    force = []
    for centre, length, width, angle in zip(
        adhesions.centre, adhesions.length, adhesions.width, adhesions.angle, strict=True
    ):
        shape = traction.shape[1], traction.shape[2]
        window, cover = ellipse(shape, pixel_size, centre, length, width, angle)
        weight = cover + 1e-9
        force.append((traction[(slice(None), *window)] * weight).sum(axis=(1, 2)) / weight.sum())
    return np.array(force)
