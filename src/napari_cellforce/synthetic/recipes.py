"""Kinds of cells to simulate: fibroblasts of several shapes, with either mechanics."""

from __future__ import annotations

import math

from napari_cellforce.synthetic.config import CellConfig
from napari_cellforce.synthetic.director import DirectorRule
from napari_cellforce.synthetic.fibre_mechanics import FibreMechanics
from napari_cellforce.synthetic.instrument import Instrument
from napari_cellforce.synthetic.population import PopulationConfig, Range, Recipe
from napari_cellforce.synthetic.proteins import ACTIN, ZYXIN
from napari_cellforce.synthetic.remodelling import Remodelling
from napari_cellforce.synthetic.shape import Kind, Shape
from napari_cellforce.synthetic.sheet_mechanics import SheetMechanics

SHAPES = (
    Range("shape.area", 1800.0, 6000.0, logarithmic=True),
    Range("shape.aspect", 1.0, 2.0),
    Range("shape.angle", 0.0, math.pi),
    Range("shape.corners", 5, 11),
    Range("shape.depth", 0.1, 0.6),
    Range("shape.roughness", 0.05, 0.15),
)
ADHESIONS = (
    Range("adhesions.length", 2.5, 6.0, logarithmic=True),
    Range("adhesions.width", 0.8, 1.5),
    Range("adhesions.density", 0.15, 0.4),
    Range("adhesions.jitter", 0.2, 0.6),
    Range("adhesions.alignment", 0.0, 0.5),
    Range("adhesions.inside", 0.05, 0.35),
    Range("adhesions.depth", 1.0, 4.0),
    Range("adhesions.corner_preference", 0.0, 5.0),
)
LOOKS = (
    Range("proteins.zyxin.adhesions", 1.5, 4.0),
    Range("proteins.zyxin.fibres", 0.0, 0.4),
    Range("proteins.zyxin.nucleus", 0.3, 1.9),
    Range("proteins.zyxin.lamella", 0.05, 0.6),
    Range("proteins.zyxin.thin", 3.0, 12.0),
    Range("proteins.zyxin.texture", 0.1, 0.35),
    Range("expression", 0.4, 2.5, logarithmic=True),
    Range("optics.psf", 0.15, 0.35),
)
SHEET = (
    Range("mechanics.penetration", 3.5, 8.0, logarithmic=True),
    Range("mechanics.floor", 0.015, 0.06, logarithmic=True),
)
FIBRES = (
    Range("fibres.per_adhesion", 1.0, 2.5),
    Range("fibres.order", 0.0, 6.0),
    Range("mechanics.spread", 1.2, 2.5),
)
"""What differs from cell to cell. Tension and prestrain do not: the image does not tell them."""


DIRECTED = (
    Range("shape.area", 1500.0, 6500.0, logarithmic=True),
    Range("shape.aspect", 1.0, 3.0),
    Range("shape.angle", 0.0, math.pi),
    Range("shape.corners", 4, 11),
    Range("shape.depth", 0.1, 0.6),
    Range("shape.roughness", 0.05, 0.2),
    Range("director.tilt", 0.0, 1.5),
    Range("director.bend", 0.0, 1.0),
    Range("director.scale", 12.0, 40.0, logarithmic=True),
    Range("adhesions.length", 2.0, 7.0, logarithmic=True),
    Range("adhesions.width", 0.8, 1.7),
    Range("adhesions.density", 0.12, 0.4),
    Range("adhesions.jitter", 0.1, 1.0),
    Range("adhesions.alignment", 0.2, 1.0),
    Range("adhesions.polarity", 0.0, 1.5),
    Range("adhesions.inside", 0.05, 0.6),
    Range("adhesions.depth", 1.0, 5.0),
    Range("adhesions.corner_preference", 0.0, 5.0),
    Range("adhesions.intensity_spread", 0.3, 0.7),
    Range("adhesions.grip_spread", 0.0, 0.5),
    Range("adhesions.idle", 0.0, 0.25),
    Range("remodelling.turning", 0.3, 1.0),
    Range("remodelling.recruitment", 0.0, 0.6),
)
DIRECTED_LOOKS = (
    Range("proteins.zyxin.adhesions", 1.2, 5.0),
    Range("proteins.zyxin.fibres", 0.0, 0.8),
    Range("proteins.zyxin.nucleus", 0.3, 2.5),
    Range("proteins.zyxin.lamella", 0.05, 0.6),
    Range("proteins.zyxin.thin", 3.0, 15.0),
    Range("proteins.zyxin.texture", 0.1, 0.4),
    Range("expression", 0.3, 3.0, logarithmic=True),
    Range("optics.psf", 0.15, 0.6),
)
DIRECTED_SHEET = (
    Range("mechanics.penetration", 4.0, 16.0, logarithmic=True),
    Range("mechanics.floor", 0.005, 0.06, logarithmic=True),
    Range("mechanics.alpha", 0.2, 1.0),
    Range("mechanics.exponent", 0.8, 1.6),
    Range("mechanics.anisotropy", 0.2, 0.9),
)
DIRECTED_FIBRES = (
    Range("fibres.per_adhesion", 1.0, 3.0),
    Range("fibres.order", 0.0, 24.0),
    Range("fibres.straightness", 2.0, 12.0),
    Range("mechanics.spread", 1.2, 2.5),
)
"""The same for cells whose stress fibres set the direction of force."""

MEASUREMENT = (
    Range("instrument.window", 0.8, 2.0),
    Range("instrument.noise", 0.003, 0.015),
    Range("instrument.regularisation", 1e-4, 6e-4, logarithmic=True),
)


def fibroblasts(
    cells: int = 100,
    seed: int = 0,
    *,
    frames: int = 1,
    side: int = 256,
    pixel_size: float = 0.68,
    measured: bool = False,
) -> PopulationConfig:
    """Return a population of fibroblasts: spread and rounded shapes, three in four pulling as a sheet.

    Parameters
    ----------
    cells, seed, frames : int
    side : int
        Height and width of the images in pixels.
    pixel_size : float
        In µm.
    measured : bool
        Whether to simulate the measurement of the traction too.
    """
    recipes = tuple(
        Recipe(
            CellConfig(
                shape=Shape(kind=kind),
                proteins=(ZYXIN, ACTIN),
                mechanics=mechanics,
                instrument=Instrument() if measured else None,
                frames=frames,
                side=side,
                pixel_size=pixel_size,
            ),
            SHAPES + ADHESIONS + LOOKS + ranges,
            weight,
        )
        for kind in _KINDS
        for mechanics, ranges, weight in ((SheetMechanics(), SHEET, 3.0), (FibreMechanics(), FIBRES, 1.0))
    )
    return PopulationConfig(recipes, cells, seed)


def directed_fibroblasts(
    cells: int = 100,
    seed: int = 0,
    *,
    frames: int = 1,
    side: int = 256,
    pixel_size: float = 0.68,
    measured: bool = False,
) -> PopulationConfig:
    """Return a population whose forces follow stress fibres, and need not point to the cell's centre.

    Each cell has a bent director. Adhesions lie along it and gather where it meets the edge; half of the
    cells pull as sheets with the larger tension along it, half by fibres that follow it. Adhesions turn
    towards the force that they bear, and grow with it. Some do not pull, others more or less than they show,
    and the instruments differ.

    Parameters
    ----------
    cells, seed, frames, side, pixel_size, measured
        As for `fibroblasts`.
    """
    recipes = tuple(
        Recipe(
            CellConfig(
                shape=Shape(kind=kind),
                proteins=(ZYXIN, ACTIN),
                mechanics=mechanics,
                instrument=Instrument() if measured else None,
                frames=frames,
                side=side,
                pixel_size=pixel_size,
                director=DirectorRule(),
                remodelling=Remodelling(),
            ),
            DIRECTED + DIRECTED_LOOKS + ranges + (MEASUREMENT if measured else ()),
        )
        for kind in _KINDS
        for mechanics, ranges in (
            (SheetMechanics(tension=20.0), DIRECTED_SHEET),
            (FibreMechanics(), DIRECTED_FIBRES),
        )
    )
    return PopulationConfig(recipes, cells, seed)


_KINDS: tuple[Kind, ...] = ("spread", "blob")
