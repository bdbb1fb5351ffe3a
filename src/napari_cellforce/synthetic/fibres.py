"""Stress fibres between adhesions: how they look."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_cellforce.config_io import Settings, setting
from napari_cellforce.fields import ShortRepr
from napari_cellforce.synthetic.adhesions import Adhesions
from napari_cellforce.synthetic.director import Director
from napari_cellforce.synthetic.outline import Array, principal_axis
from napari_cellforce.synthetic.rasterise import Segment


@dataclass(frozen=True, eq=False, repr=False)
class Fibres(ShortRepr):
    """Stress fibres of a cell; each joins two adhesions.

    Attributes
    ----------
    ends : (M, 2) int array
        Which adhesions it joins.
    thickness : (M,) array
        Diameter in µm.
    young : (M,) array
        Young's modulus in Pa. It does not show.
    """

    ends: npt.NDArray[np.intp]
    thickness: Array
    young: Array

    def __len__(self) -> int:
        return len(self.thickness)

    def segments(self, adhesions: Adhesions) -> list[Segment]:
        """Return the two ends (y, x) in µm of each fibre."""
        return [(adhesions.centre[i], adhesions.centre[j]) for i, j in self.ends]


@dataclass(frozen=True)
class FibreRule(Settings):
    """A rule that joins adhesions by stress fibres."""

    per_adhesion: float = setting(1.5, help="Mean number of fibres that end at an adhesion.", minimum=0)
    thickness: float = setting(0.5, help="Median diameter.", unit="µm", above=0)
    thickness_spread: float = setting(
        0.3, help="Standard deviation of the logarithm of the diameter.", minimum=0
    )
    young: float = setting(1e6, help="Median Young's modulus.", unit="Pa", above=0)
    young_spread: float = setting(
        0.3, help="Standard deviation of the logarithm of Young's modulus.", minimum=0
    )
    straightness: float = setting(
        8.0,
        help="How strictly a fibre leaves its adhesions along their long axes: candidates are drawn with "
        "probability in proportion to cos^straightness of the angle, at both ends.",
        minimum=0,
    )
    order: float = setting(
        3.0,
        help="How strictly fibres follow the director at their middle, or without one the long axis of the "
        "cell: the same with this power.",
        minimum=0,
    )
    shortest: float = setting(6.0, help="Length of the shortest fibres.", unit="µm", minimum=0)

    def join(
        self, adhesions: Adhesions, rng: np.random.Generator, director: Director | None = None
    ) -> Fibres:
        """Return fibres between adhesions that face each other (fewer where few do)."""
        choices, thicknesses, stiffnesses = rng.spawn(3)
        first, second = np.triu_indices(len(adhesions), k=1)
        weight = self._fit(adhesions, first, second, director) if len(first) else np.empty(0)
        count = min(round(self.per_adhesion * len(adhesions) / 2), int((weight > 0).sum()))
        chosen = _choose(count, weight, choices)
        thickness = self.thickness * np.exp(self.thickness_spread * thicknesses.normal(size=count))
        young = self.young * np.exp(self.young_spread * stiffnesses.normal(size=count))
        return Fibres(np.stack([first, second], axis=1)[chosen], thickness, young)

    def _fit(
        self,
        adhesions: Adhesions,
        first: npt.NDArray[np.intp],
        second: npt.NDArray[np.intp],
        director: Director | None,
    ) -> Array:
        """Return how well a fibre between each pair of adhesions fits, 0 to 1."""
        step = adhesions.centre[second] - adhesions.centre[first]
        direction = np.arctan2(*step.T)
        leaves = np.maximum(np.cos(direction - adhesions.angle[first]), 0)
        arrives = np.maximum(-np.cos(direction - adhesions.angle[second]), 0)
        if director is None:
            director = Director.straight(principal_axis(adhesions.centre))
        middle = (adhesions.centre[second] + adhesions.centre[first]) / 2
        follows = np.abs(np.cos(direction - director.at(middle)))
        long_enough = np.hypot(*step.T) >= self.shortest
        fit: Array = (leaves * arrives) ** self.straightness * follows**self.order * long_enough
        return fit


def _choose(count: int, weight: Array, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """Return `count` different indices with probability in proportion to their weight."""
    if count == 0:
        return np.empty(0, dtype=np.intp)
    return rng.choice(len(weight), size=count, replace=False, p=weight / weight.sum())
