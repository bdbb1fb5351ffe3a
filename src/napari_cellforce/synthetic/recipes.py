"""Kinds of cells to simulate: fibroblasts of several shapes, with either mechanics."""

from __future__ import annotations

import math

from napari_cellforce.synthetic.cell import CellConfig
from napari_cellforce.synthetic.fibre_mechanics import FibreMechanics
from napari_cellforce.synthetic.instrument import Instrument
from napari_cellforce.synthetic.population import PopulationConfig, Range, Recipe
from napari_cellforce.synthetic.proteins import ACTIN, ZYXIN
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


_KINDS: tuple[Kind, ...] = ("spread", "blob")
