"""Focal adhesions of a cell, and how strongly they hold."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from napari_cellforce.config_io import Settings, setting
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import ShortRepr
from napari_cellforce.synthetic.director import Director
from napari_cellforce.synthetic.outline import Array, Outline


@dataclass(frozen=True, eq=False, repr=False)
class Adhesions(ShortRepr):
    """Focal adhesions of a cell, as ellipses.

    Attributes
    ----------
    centre : (N, 2) array
        (y, x) in µm.
    length, width : (N,) array
        Full axes in µm.
    angle : (N,) array
        Direction of the long axis in radians, atan2(y, x), pointing into the cell.
    intensity : (N,) array
        Brightness of the protein; 1 is typical.
    grip : (N,) array or None
        Factor on the hold on the gel that the brightness suggests. It does not show. None for 1.

    Raises
    ------
    CellForceError
        If one has no length or width, or is darker than nothing.
    """

    centre: Array
    length: Array
    width: Array
    angle: Array
    intensity: Array
    grip: Array | None = None

    def __post_init__(self) -> None:
        sizes = np.concatenate([self.length, self.width])
        if not ((sizes > 0).all() and np.isfinite(sizes).all() and (self.intensity >= 0).all()):
            raise CellForceError(
                "an adhesion has no length or width, or a negative intensity",
                "lengths and widths must be positive numbers, intensities 0 or more",
                "Draw it again, or delete it.",
                topic=Topic.ADHESIONS,
            )

    def __len__(self) -> int:
        return len(self.length)

    def scaled(self, length: Array | float = 1.0, intensity: Array | float = 1.0) -> Adhesions:
        """Return the same adhesions with length and intensity multiplied by the given factors."""
        return replace(self, length=self.length * length, intensity=self.intensity * intensity)

    def with_grip(self, exponent: float = 1.0) -> Adhesions:
        """Return them as bright as they hold: brightness to a power, times the grip."""
        grip = 1.0 if self.grip is None else self.grip
        return replace(self, intensity=self.intensity**exponent * grip)


@dataclass(frozen=True)
class AdhesionRule(Settings):
    """A rule that places adhesions in an outline."""

    length: float = setting(3.5, help="Median length of an adhesion.", unit="µm", above=0)
    width: float = setting(1.0, help="Median width of an adhesion.", unit="µm", above=0)
    density: float = setting(
        0.28, help="Sum of the widths over the length of the edge; 1 covers the edge.", minimum=0
    )
    number: int | None = setting(
        None, help="Number of adhesions; empty: it follows from the density.", minimum=0
    )
    length_spread: float = setting(0.45, help="Standard deviation of the logarithm of the length.", minimum=0)
    intensity_spread: float = setting(
        0.45, help="Standard deviation of the logarithm of the brightness.", minimum=0
    )
    jitter: float = setting(
        0.4,
        help="Standard deviation of the orientation about its mean direction.",
        unit="rad",
        minimum=0,
    )
    alignment: float = setting(
        0.0,
        help="Mean direction: 0 towards the centre of the cell, 1 along the director, or the long "
        "axis without one.",
        minimum=0,
        maximum=1,
    )
    inside: float = setting(
        0.2, help="Fraction spread evenly over the cell; the rest starts at the edge.", minimum=0, maximum=1
    )
    depth: float = setting(
        2.5,
        help="Mean distance of the outer tip of adhesions from the edge (exponential distribution).",
        unit="µm",
        minimum=0,
    )
    corner_preference: float = setting(
        2.0,
        help="Exponent k: an edge at distance r from the centre gets adhesions in proportion to r^k.",
    )
    even: bool = setting(False, help="Equal spacing along the edge instead of random places.")
    intensity: float = setting(1.0, help="Median brightness.", minimum=0)
    polarity: float = setting(
        0.0,
        help="Exponent k: an edge whose normal makes the angle a with the director gets adhesions in "
        "proportion to |cos a|^k.",
        minimum=0,
    )
    grip_spread: float = setting(0.0, help="Standard deviation of the logarithm of the grip.", minimum=0)
    idle: float = setting(
        0.0, help="Fraction of the adhesions that have no grip at all.", minimum=0, maximum=1
    )

    def count(self, outline: Outline) -> int:
        """Return how many adhesions the rule gives an outline."""
        if self.number is not None:
            return self.number
        return round(round(outline.length / self.width) * self.density)

    def place(
        self, outline: Outline, rng: np.random.Generator, director: Director | None = None
    ) -> Adhesions:
        """Return the adhesions of a cell.

        Each property has its own stream of random numbers: a higher density adds adhesions
        and leaves those there are in place.

        Parameters
        ----------
        outline : Outline
        rng : Generator
        director : Director, optional
            Which way the cell's stress fibres run; its long axis by default.

        Raises
        ------
        CellForceError
            If the cell is smaller than one adhesion.
        """
        _require_room(outline, self.length, self.width)
        n = self.count(outline)
        director = director or Director.straight(outline.long_axis)
        places, depths, turns, lengths, intensities, inner, grips = rng.spawn(7)
        length = self.length * np.exp(self.length_spread * lengths.normal(size=n))
        fraction = self._places(outline, n, places, director)
        tip, normal = outline.along(fraction), outline.inward_normal(fraction)
        turn = self.jitter * turns.normal(size=n)
        angle = self._direction(outline, tip, director) + turn
        reach = self.depth * depths.exponential(size=n) + length / 2
        angle = _turned_inside(outline, tip, angle, normal, reach)
        centre = tip + reach[:, None] * _unit(angle)
        anywhere, moved = _points_inside(outline, n, inner, self.inside)
        centre[moved] = anywhere[moved]
        angle[moved] = (self._direction(outline, anywhere, director) + turn)[moved]
        keep = outline.contains(centre)
        intensity = self.intensity * np.exp(self.intensity_spread * intensities.normal(size=n))
        width, grip = np.full(n, self.width), self._grip(n, grips)
        return Adhesions(*(each[keep] for each in (centre, length, width, angle, intensity, grip)))

    def _grip(self, n: int, rng: np.random.Generator) -> Array:
        grip: Array = np.exp(self.grip_spread * rng.normal(size=n))
        return np.where(rng.random(n) < self.idle, 0.0, grip)

    def _places(self, outline: Outline, n: int, rng: np.random.Generator, director: Director) -> Array:
        """Return n fractions of the way round the outline, by the preference for corners and poles."""
        uniform = (np.arange(n) + 0.5) / max(n, 1) if self.even else rng.random(n)
        grid = np.linspace(0, 1, 721)
        middle = (grid[1:] + grid[:-1]) / 2
        point = outline.along(middle)
        weight = np.hypot(*(point - outline.centroid).T) ** self.corner_preference
        if self.polarity:
            normal = np.arctan2(*outline.inward_normal(middle).T)
            weight *= np.abs(np.cos(normal - director.at(point))) ** self.polarity
        below = np.concatenate([[0], np.cumsum(weight)]) / weight.sum()
        places: Array = np.interp(uniform, below, grid)
        return places

    def _direction(self, outline: Outline, point: Array, director: Director) -> Array:
        """Return the mean inward direction at the given points, in radians."""
        inward = outline.centroid - point
        radial = np.arctan2(*inward.T)
        along = self.alignment * np.exp(2j * director.at(point))
        mixed = np.angle((1 - self.alignment) * np.exp(2j * radial) + along) / 2
        inwards: Array = mixed + math.pi * (np.cos(mixed - radial) < 0)
        return inwards


PAPER_ADHESIONS = AdhesionRule(
    length=17.0,
    width=1.7,
    density=0.5,
    length_spread=0.0,
    intensity_spread=0.0,
    jitter=0.0,
    inside=0.0,
    depth=0.0,
    corner_preference=0.0,
    even=True,
)
"""As the authors drew them (Schmitt et al. 2024): ellipses of 100 x 10 px of 0.17 µm, pointing radially,
``round(2 pi R / width) * density`` of them evenly on the edge."""


def _unit(angle: Array) -> Array:
    """Return unit vectors (N, 2), (y, x)."""
    return np.stack([np.sin(angle), np.cos(angle)], axis=1)


def _turned_inside(outline: Outline, tip: Array, angle: Array, normal: Array, reach: Array) -> Array:
    """Point those adhesions along the inward normal that would otherwise lie outside the cell."""
    outside = ~outline.contains(tip + reach[:, None] * _unit(angle))
    return np.where(outside, np.arctan2(*normal.T), angle)


def _points_inside(
    outline: Outline, n: int, rng: np.random.Generator, fraction: float
) -> tuple[Array, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """Return n points evenly spread over the cell, (n, 2), and which of them to use."""
    chosen, where = rng.spawn(2)
    low, high = outline.points.min(axis=0), outline.points.max(axis=0)
    points = np.empty((0, 2))
    while len(points) < n:
        trial = where.uniform(low, high, size=(512, 2))
        points = np.concatenate([points, trial[outline.contains(trial)]])
    return points[:n], chosen.random(n) < fraction


def _require_room(outline: Outline, length: float, width: float) -> None:
    if outline.area < math.pi / 4 * length * width or np.ptp(outline.points, axis=0).max() < length:
        raise CellForceError(
            f"the cell ({outline.area:.1f} µm²) is smaller than one adhesion of {length:g} x {width:g} µm",
            "adhesions must fit into the cell",
            "Make the cell larger or the adhesions shorter; check the pixel size.",
            topic=Topic.ADHESIONS,
        )
