"""Kinds of cells to simulate: fibroblasts of several shapes, with either mechanics."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from napari_cellforce.synthetic.config import CellConfig
from napari_cellforce.synthetic.director import DirectorRule
from napari_cellforce.synthetic.instruments import Instrument
from napari_cellforce.synthetic.mechanics import FibreMechanics, SheetMechanics
from napari_cellforce.synthetic.population import PopulationConfig, Range, Recipe
from napari_cellforce.synthetic.proteins import ACTIN, ZYXIN
from napari_cellforce.synthetic.shape import Kind, Shape
from napari_cellforce.synthetic.time_course import Drug, Remodelling

Limits = tuple[float, float]
_Pull = tuple[SheetMechanics | FibreMechanics, tuple[Range, ...], float]
"""A mechanics, what differs in it from cell to cell, and how many of the cells pull by it."""

_KINDS: tuple[Kind, ...] = ("spread", "blob")


class _VariedSetting(NamedTuple):
    """A setting that differs from cell to cell, and its limits in both populations; None: it does not."""

    setting: str
    plain: Limits | None
    directed: Limits | None
    logarithmic: bool = False


# The order of the rows decides which random number falls to which setting: another order, other cells.
_CELL = (
    _VariedSetting("shape.area", (1800.0, 6000.0), (1500.0, 6500.0), logarithmic=True),
    _VariedSetting("shape.aspect", (1.0, 2.0), (1.0, 3.0)),
    _VariedSetting("shape.angle", (0.0, math.pi), (0.0, math.pi)),
    _VariedSetting("shape.corners", (5, 11), (4, 11)),
    _VariedSetting("shape.depth", (0.1, 0.6), (0.1, 0.6)),
    _VariedSetting("shape.roughness", (0.05, 0.15), (0.05, 0.2)),
    _VariedSetting("director.tilt", None, (0.0, 1.5)),
    _VariedSetting("director.bend", None, (0.0, 1.0)),
    _VariedSetting("director.scale", None, (12.0, 40.0), logarithmic=True),
    _VariedSetting("adhesions.length", (2.5, 6.0), (2.0, 7.0), logarithmic=True),
    _VariedSetting("adhesions.width", (0.8, 1.5), (0.8, 1.7)),
    _VariedSetting("adhesions.density", (0.15, 0.4), (0.12, 0.4)),
    _VariedSetting("adhesions.jitter", (0.2, 0.6), (0.1, 1.0)),
    _VariedSetting("adhesions.alignment", (0.0, 0.5), (0.2, 1.0)),
    _VariedSetting("adhesions.polarity", None, (0.0, 1.5)),
    _VariedSetting("adhesions.inside", (0.05, 0.35), (0.05, 0.6)),
    _VariedSetting("adhesions.depth", (1.0, 4.0), (1.0, 5.0)),
    _VariedSetting("adhesions.corner_preference", (0.0, 5.0), (0.0, 5.0)),
    _VariedSetting("adhesions.intensity_spread", None, (0.3, 0.7)),
    _VariedSetting("adhesions.grip_spread", None, (0.0, 0.5)),
    _VariedSetting("adhesions.idle", None, (0.0, 0.25)),
    _VariedSetting("remodelling.turning", None, (0.3, 1.0)),
    _VariedSetting("remodelling.recruitment", None, (0.0, 0.6)),
    _VariedSetting("proteins.zyxin.adhesions", (1.5, 4.0), (1.2, 5.0)),
    _VariedSetting("proteins.zyxin.fibres", (0.0, 0.4), (0.0, 0.8)),
    _VariedSetting("proteins.zyxin.nucleus", (0.3, 1.9), (0.3, 2.5)),
    _VariedSetting("proteins.zyxin.lamella", (0.05, 0.6), (0.05, 0.6)),
    _VariedSetting("proteins.zyxin.thin", (3.0, 12.0), (3.0, 15.0)),
    _VariedSetting("proteins.zyxin.texture", (0.1, 0.35), (0.1, 0.4)),
    _VariedSetting("expression", (0.4, 2.5), (0.3, 3.0), logarithmic=True),
    _VariedSetting("optics.psf", (0.15, 0.35), (0.15, 0.6)),
)
_SHEET = (
    _VariedSetting("mechanics.penetration", (3.5, 8.0), (4.0, 16.0), logarithmic=True),
    _VariedSetting("mechanics.floor", (0.015, 0.06), (0.005, 0.06), logarithmic=True),
    _VariedSetting("mechanics.alpha", None, (0.2, 1.0)),
    _VariedSetting("mechanics.exponent", None, (0.8, 1.6)),
    _VariedSetting("mechanics.anisotropy", None, (0.2, 0.9)),
)
_FIBRES = (
    _VariedSetting("fibres.per_adhesion", (1.0, 2.5), (1.0, 3.0)),
    _VariedSetting("fibres.order", (0.0, 6.0), (0.0, 24.0)),
    _VariedSetting("fibres.straightness", None, (2.0, 12.0)),
    _VariedSetting("mechanics.spread", (1.2, 2.5), (1.2, 2.5)),
)
"""What differs from cell to cell. Tension and prestrain do not: the image does not tell them."""

_MEASUREMENT = (
    _VariedSetting("instrument.window", None, (0.8, 2.0)),
    _VariedSetting("instrument.noise", None, (0.003, 0.015)),
    _VariedSetting("instrument.regularisation", None, (1e-4, 6e-4), logarithmic=True),
)


def fibroblasts(
    cells: int = 100,
    seed: int = 0,
    *,
    frames: int = 1,
    side: int = 256,
    pixel_size: float = 0.68,
    measured: bool = False,
    frame_interval: float = 1.0,
    drug: Drug | None = None,
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
    frame_interval : float
        In minutes.
    drug : Drug, optional
        Given to all cells.
    """
    common = _common(frames, side, pixel_size, measured, frame_interval, drug)
    pulls = ((SheetMechanics(), _plain(_SHEET), 3.0), (FibreMechanics(), _plain(_FIBRES), 1.0))
    return PopulationConfig(_recipes(common, _plain(_CELL), pulls), cells, seed)


def directed_fibroblasts(
    cells: int = 100,
    seed: int = 0,
    *,
    frames: int = 1,
    side: int = 256,
    pixel_size: float = 0.68,
    measured: bool = False,
    frame_interval: float = 1.0,
    drug: Drug | None = None,
) -> PopulationConfig:
    """Return a population whose forces follow stress fibres, and need not point to the cell's centre.

    Each cell has a bent director. Adhesions lie along it and gather where it meets the edge; half of the
    cells pull as sheets with the larger tension along it, half by fibres that follow it. Adhesions turn
    towards the force that they bear, and grow with it. Some do not pull, others more or less than they show,
    and the instruments differ. A long cell may find no room in an image: one in forty at the default size.

    Parameters
    ----------
    cells, seed, frames, side, pixel_size, measured, frame_interval, drug
        As for `fibroblasts`.
    """
    common = replace(
        _common(frames, side, pixel_size, measured, frame_interval, drug),
        director=DirectorRule(),
        remodelling=Remodelling(),
    )
    instrument = _directed(_MEASUREMENT) if measured else ()
    pulls = (
        (SheetMechanics(tension=20.0), _directed(_SHEET) + instrument, 1.0),
        (FibreMechanics(), _directed(_FIBRES) + instrument, 1.0),
    )
    return PopulationConfig(_recipes(common, _directed(_CELL), pulls), cells, seed)


def _common(
    frames: int, side: int, pixel_size: float, measured: bool, frame_interval: float, drug: Drug | None
) -> CellConfig:
    return CellConfig(
        proteins=(ZYXIN, ACTIN),
        instrument=Instrument() if measured else None,
        frames=frames,
        side=side,
        pixel_size=pixel_size,
        frame_interval=frame_interval,
        drug=drug,
    )


def _recipes(common: CellConfig, ranges: tuple[Range, ...], pulls: tuple[_Pull, ...]) -> tuple[Recipe, ...]:
    """Return a recipe for each shape and mechanics."""
    return tuple(
        Recipe(replace(common, shape=Shape(kind=kind), mechanics=mechanics), ranges + own, weight)
        for kind in _KINDS
        for mechanics, own, weight in pulls
    )


def _plain(rows: Iterable[_VariedSetting]) -> tuple[Range, ...]:
    return tuple(Range(row.setting, *row.plain, row.logarithmic) for row in rows if row.plain)


def _directed(rows: Iterable[_VariedSetting]) -> tuple[Range, ...]:
    return tuple(Range(row.setting, *row.directed, row.logarithmic) for row in rows if row.directed)
