"""Which way stress fibres run in a cell: a direction without sense at every point."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from napari_cellforce.config_io import Settings, setting
from napari_cellforce.fields import ShortRepr
from napari_cellforce.synthetic.outline import Array, Outline

_WAVES = 6


@dataclass(frozen=True, eq=False, repr=False)
class Director(ShortRepr):
    """A smooth field of directions, the sum of a mean direction and of plane waves.

    Attributes
    ----------
    mean : float
        In radians, atan2(y, x).
    waves : (M, 2) array
        Wave vectors (y, x) in radians per µm.
    phases : (M,) array
    amplitude : float
        Of each wave, in radians.
    """

    mean: float
    waves: Array
    phases: Array
    amplitude: float

    @classmethod
    def straight(cls, angle: float) -> Director:
        """Return the same direction everywhere."""
        return cls(angle, np.empty((0, 2)), np.empty(0), 0.0)

    def at(self, points: Array) -> Array:
        """Return the direction at ``(..., 2)`` points (y, x) in µm, in radians, of either sense."""
        bends: Array = np.cos(points @ self.waves.T + self.phases).sum(axis=-1)
        return self.mean + self.amplitude * bends


@dataclass(frozen=True)
class DirectorRule(Settings):
    """A rule that draws the directions of stress fibres in a cell."""

    tilt: float = setting(
        0.3,
        help="Standard deviation of the angle between mean direction and the long axis of the cell.",
        unit="rad",
        minimum=0,
    )
    bend: float = setting(
        0.4, help="Standard deviation of the direction about its mean, over the cell.", unit="rad", minimum=0
    )
    scale: float = setting(
        15.0,
        help="Length over which it turns: the inverse of the length of the wave vectors.",
        unit="µm",
        above=0,
    )

    def draw(self, outline: Outline, rng: np.random.Generator) -> Director:
        """Return the directions of one cell."""
        mean = outline.long_axis + self.tilt * rng.normal()
        heading = rng.uniform(0, 2 * math.pi, _WAVES)
        waves = np.stack([np.sin(heading), np.cos(heading)], axis=1) / self.scale
        phases = rng.uniform(0, 2 * math.pi, _WAVES)
        return Director(mean, waves, phases, self.bend * math.sqrt(2 / _WAVES))
