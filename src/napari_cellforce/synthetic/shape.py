"""Rules that draw the outlines of cells."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from napari_cellforce.config_io import Settings, setting
from napari_cellforce.synthetic.outline import Array, Outline

Kind = Literal["circle", "ellipse", "square", "polygon", "star", "spread", "blob"]

_POINTS = 360
_BLOB_MODES = 7


@dataclass(frozen=True)
class Shape(Settings):
    """A rule that draws an outline.

    Kinds: ``circle``, ``ellipse``, ``square``, ``polygon`` (regular), ``star`` (regular, with concave arcs
    between the corners), ``spread`` (corners at random, concave arcs: a fibroblast), ``blob`` (a circle with
    random Fourier modes).
    """

    kind: Kind = setting("spread", help="Kind of outline.")
    area: float = setting(4500.0, help="Enclosed area, met exactly.", unit="µm²", above=0)
    aspect: float = setting(
        1.0,
        help="Length over width compared with the unstretched shape; a circle ignores it.",
        above=0,
    )
    angle: float = setting(0.0, help="Direction of the stretch, atan2(y, x).", unit="rad")
    corners: int = setting(7, help="Corners of polygon, star and spread.", minimum=3)
    depth: float = setting(
        0.4,
        help="How far the arcs between the corners of star and spread are drawn in; 0: straight.",
        minimum=0,
        maximum=1,
    )
    roughness: float = setting(
        0.12, help="Relative variation of the radius of spread and blob.", minimum=0, maximum=1
    )

    def outline(
        self, centre: tuple[float, float] = (0.0, 0.0), rng: np.random.Generator | None = None
    ) -> Outline:
        """Return the outline around `centre` (y, x) in µm; `rng` decides what the rule leaves to chance."""
        points = self._unit_points(rng or np.random.default_rng(0))
        aspect = 1.0 if self.kind == "circle" else self.aspect
        points = points * [1 / math.sqrt(aspect), math.sqrt(aspect)]
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        points = points @ np.array([[cos, -sin], [sin, cos]])
        unit = Outline(points)
        return Outline((points - unit.centroid) * math.sqrt(self.area / unit.area) + np.asarray(centre))

    def _unit_points(self, rng: np.random.Generator) -> Array:
        match self.kind:
            case "circle" | "ellipse":
                return _polar(_angles(), np.ones(_POINTS))
            case "square":
                return _arcs(math.pi / 4 + _angles(4), np.ones(4), 0.0)
            case "polygon":
                return _arcs(_angles(self.corners), np.ones(self.corners), 0.0)
            case "star":
                return _arcs(_angles(self.corners), np.ones(self.corners), self.depth)
            case "spread":
                shifted = (
                    _angles(self.corners) + rng.uniform(-0.3, 0.3, self.corners) * 2 * math.pi / self.corners
                )
                return _arcs(shifted, np.exp(self.roughness * rng.normal(size=self.corners)), self.depth)
            case "blob":
                return _polar(_angles(), np.exp(self.roughness * _random_wave(rng)))


def _angles(count: int = _POINTS) -> Array:
    return np.linspace(0, 2 * math.pi, count, endpoint=False)


def _polar(angle: Array, radius: Array) -> Array:
    return np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1)


def _arcs(angle: Array, radius: Array, depth: float) -> Array:
    """Join corners given in polar coordinates by quadratic Bézier arcs drawn in towards the origin."""
    start = _polar(angle, radius)
    end = np.roll(start, -1, axis=0)
    control = (1 - depth) * (start + end) / 2
    t = np.linspace(0, 1, max(_POINTS // len(angle), 2), endpoint=False)[:, None, None]
    curves = (1 - t) ** 2 * start + 2 * t * (1 - t) * control + t**2 * end
    points: Array = curves.transpose(1, 0, 2).reshape(-1, 2)
    return points


def _random_wave(rng: np.random.Generator) -> Array:
    """Return a sum of Fourier modes 2 and up around the circle, of unit variance, falling as 1/k."""
    modes = np.arange(2, 2 + _BLOB_MODES)
    amplitude = rng.normal(size=(2, _BLOB_MODES)) / modes
    phase = modes[:, None] * _angles()
    wave: Array = amplitude[0] @ np.cos(phase) + amplitude[1] @ np.sin(phase)
    return wave / math.sqrt((1 / modes**2).sum())
