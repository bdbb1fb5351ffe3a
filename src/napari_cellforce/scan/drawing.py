"""A cell to be drawn, by rules or by hand, and how one of its properties is changed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.synthetic import (
    PROTEINS,
    Adhesions,
    CellConfig,
    Outline,
    SyntheticCell,
    draw,
    replace_setting,
)
from napari_cellforce.synthetic.outline import Array


@dataclass(frozen=True)
class Drawing:
    """Everything that decides how a synthetic cell is drawn.

    Attributes
    ----------
    config : CellConfig
        Its rules.
    seed : int
    outline : Outline or None
        Drawn by hand; None for that of the rule.
    adhesions : Adhesions or None
        Drawn by hand; None for those of the rule.
    """

    config: CellConfig = field(default_factory=CellConfig)
    seed: int = 0
    outline: Outline | None = None
    adhesions: Adhesions | None = None

    def draw(self) -> SyntheticCell:
        """Return the cell with its image, without traction.

        Raises
        ------
        CellForceError
            As `napari_cellforce.synthetic.draw`.
        """
        return draw(self.config, self.seed, outline=self.outline, adhesions=self.adhesions)

    def with_proteins(self, proteins: tuple[str, ...]) -> Drawing:
        """Return the drawing with a channel for each of these proteins, after those it has."""
        have = {look.name for look in self.config.proteins}
        added = tuple(PROTEINS[name] for name in proteins if name in PROTEINS and name not in have)
        return replace(self, config=replace(self.config, proteins=self.config.proteins + added))


@dataclass(frozen=True)
class Parameter:
    """A property of a cell that can be scanned.

    Attributes
    ----------
    name : str
        As typed on the command line.
    title : str
        As shown.
    unit : str
        Empty for a pure number.
    setting : str
        Its path in `CellConfig`.
    low, high : float
        A range that makes sense for a fibroblast on pixels of 0.34 µm.
    """

    name: str
    title: str
    unit: str
    setting: str
    low: float
    high: float

    @property
    def column(self) -> str:
        """Name of its column in tables."""
        return f"{self.title} [{self.unit}]" if self.unit else self.title

    @property
    def whole(self) -> bool:
        """True if it is a number of things."""
        return self.name == "number"

    def change(self, drawing: Drawing, value: float) -> Drawing:
        """Return the drawing with this property set to `value`, all else kept.

        What was drawn by hand is scaled: area and aspect ratio stretch the outline (and carry the
        adhesions with it), length, width and intensity set the median of the adhesions.

        Raises
        ------
        CellForceError
            If the drawing has no such property, or the value is not allowed.
        """
        self._require(drawing)
        change_by_hand = _BY_HAND.get(self.name)
        if drawing.outline is not None and self.setting.startswith("shape."):
            assert change_by_hand is not None
            return change_by_hand(drawing, value)
        if drawing.adhesions is not None and self.setting.startswith("adhesions."):
            assert change_by_hand is not None
            return change_by_hand(drawing, value)
        config = drawing.config
        if self.name == "density":
            config = replace(config, adhesions=replace(config.adhesions, number=None))
        return replace(
            drawing, config=replace_setting(config, self.setting, round(value) if self.whole else value)
        )

    def _require(self, drawing: Drawing) -> None:
        """Refuse what would change nothing, or what a drawing by hand does not have."""
        if drawing.adhesions is not None and self.name in _OF_RULES:
            raise CellForceError(
                f"the adhesions are drawn by hand, and their {self.title} is to be scanned",
                "it is a setting of the rules that place adhesions",
                "Let the adhesions be placed by rules, or scan their length or intensity.",
                topic=Topic.SCAN,
            )
        if drawing.outline is None and self.name == "aspect" and drawing.config.shape.kind == "circle":
            raise CellForceError(
                "the cell is a circle, and its aspect ratio is to be scanned",
                "a circle has the same length in all directions",
                "Choose the ellipse.",
                topic=Topic.SCAN,
            )


PARAMETERS = {
    parameter.name: parameter
    for parameter in (
        Parameter("area", "cell area", "µm²", "shape.area", 1500.0, 7500.0),
        Parameter("aspect", "aspect ratio", "", "shape.aspect", 1.0, 2.5),
        Parameter("length", "adhesion length", "µm", "adhesions.length", 1.5, 8.0),
        Parameter("width", "adhesion width", "µm", "adhesions.width", 0.6, 2.0),
        Parameter("intensity", "adhesion intensity", "", "adhesions.intensity", 0.25, 2.0),
        Parameter("density", "adhesion density", "", "adhesions.density", 0.1, 0.6),
        Parameter("number", "number of adhesions", "", "adhesions.number", 20, 160),
        Parameter("distance", "distance from the edge", "µm", "adhesions.depth", 0.0, 12.0),
    )
}
"""What can be scanned, by name."""

_OF_RULES = ("density", "number", "distance")


def find_parameter(name: str) -> Parameter:
    """Return a parameter.

    Raises
    ------
    CellForceError
        If there is none of that name.
    """
    if name not in PARAMETERS:
        raise CellForceError(
            f"there is no parameter {name!r} to scan",
            f"there are {', '.join(PARAMETERS)}",
            "Choose one of these.",
            topic=Topic.SCAN,
        )
    return PARAMETERS[name]


def _area(drawing: Drawing, area: float) -> Drawing:
    assert drawing.outline is not None
    return _stretched(drawing, np.eye(2) * math.sqrt(area / drawing.outline.area))


def _aspect(drawing: Drawing, aspect: float) -> Drawing:
    assert drawing.outline is not None
    angle = drawing.outline.long_axis
    along = np.array([math.sin(angle), math.cos(angle)])
    across = np.array([along[1], -along[0]])
    stretch = math.sqrt(aspect) * np.outer(along, along) + np.outer(across, across) / math.sqrt(aspect)
    return _stretched(drawing, stretch)


def _stretched(drawing: Drawing, matrix: Array) -> Drawing:
    """Return the drawing with its outline, and where the adhesions sit, mapped about the centroid."""
    outline, adhesions = drawing.outline, drawing.adhesions
    assert outline is not None
    centre = outline.centroid
    moved = Outline((outline.points - centre) @ matrix.T + centre)
    if adhesions is not None:
        direction = np.stack([np.sin(adhesions.angle), np.cos(adhesions.angle)], axis=1) @ matrix.T
        places = (adhesions.centre - centre) @ matrix.T + centre
        adhesions = replace(adhesions, centre=places, angle=np.arctan2(*direction.T))
    return replace(drawing, outline=moved, adhesions=adhesions)


def _scaled(name: str) -> Callable[[Drawing, float], Drawing]:
    """Return a function that sets the median of one property of adhesions drawn by hand."""

    def scale(drawing: Drawing, value: float) -> Drawing:
        assert drawing.adhesions is not None
        old = getattr(drawing.adhesions, name)
        factor = value / float(np.median(old)) if len(old) else 1.0
        return replace(drawing, adhesions=replace(drawing.adhesions, **{name: old * factor}))

    return scale


_BY_HAND: dict[str, Callable[[Drawing, float], Drawing]] = {
    "area": _area,
    "aspect": _aspect,
    "length": _scaled("length"),
    "width": _scaled("width"),
    "intensity": _scaled("intensity"),
}
"""How what was drawn by hand is changed."""
