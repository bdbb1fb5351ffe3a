"""Which way stress fibres run in a cell: a direction without sense at every point."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from napari_cellforce.synthetic.limits import require_not_negative, require_positive
from napari_cellforce.synthetic.outline import Array, Outline

_WAVES = 6


@dataclass(frozen=True)
class Director:
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
class DirectorRule:
    """A rule that draws the directions of a cell.

    Attributes
    ----------
    tilt : float
        Standard deviation of the angle between mean direction and the cell's long axis, in radians.
    bend : float
        Standard deviation of the direction about its mean, over the cell, in radians.
    scale : float
        Length in µm over which it turns: the wave vectors' length is one over it.
    """

    tilt: float = 0.3
    bend: float = 0.4
    scale: float = 15.0

    def __post_init__(self) -> None:
        require_positive(self, "scale")
        require_not_negative(self, "tilt", "bend")

    def draw(self, outline: Outline, rng: np.random.Generator) -> Director:
        """Return the directions of one cell."""
        mean = outline.long_axis + self.tilt * rng.normal()
        heading = rng.uniform(0, 2 * math.pi, _WAVES)
        waves = np.stack([np.sin(heading), np.cos(heading)], axis=1) / self.scale
        phases = rng.uniform(0, 2 * math.pi, _WAVES)
        return Director(mean, waves, phases, self.bend * math.sqrt(2 / _WAVES))
