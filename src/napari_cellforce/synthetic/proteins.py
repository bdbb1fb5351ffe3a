"""How proteins look: what each shows of adhesions, fibres, cytosol and nucleus."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import distance_transform_edt, gaussian_filter

from napari_cellforce.config_io import Settings, setting
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import BoolArray, ShortRepr
from napari_cellforce.synthetic.outline import Array
from napari_cellforce.synthetic.rasterise import ellipse


@dataclass(frozen=True)
class ProteinLook(Settings):
    """How bright a protein is where, in units of the cytosol in the middle of the cell."""

    name: str = setting(help="Name of the channel.")
    adhesions: float = setting(3.0, help="Brightness in an adhesion of intensity 1.", minimum=0)
    fibres: float = setting(0.3, help="Brightness on a stress fibre.", minimum=0)
    cortex: float = setting(0.0, help="Brightness at the edge of the cell.", minimum=0)
    nucleus: float = setting(
        0.6,
        help="Factor on the cytosol over the nucleus: 0.4 where the protein is kept out, 2 where it gathers.",
        minimum=0,
    )
    lamella: float = setting(0.4, help="Cytosol at the edge, where the cell is thin.", minimum=0, maximum=1)
    thin: float = setting(
        6.0, help="Distance from the edge over which the cell gains its height.", unit="µm", above=0
    )
    texture: float = setting(
        0.18,
        help="Relative standard deviation of irregularities (half of them 0.5 µm, half 4 µm wide).",
        minimum=0,
    )

    def signal(self, parts: CellComponents) -> Array:
        """Return the protein's ``(Y, X)`` signal, before the microscope; 0 outside the cell."""
        height = self.lamella + (1 - self.lamella) * (1 - np.exp(-parts.edge_distance / self.thin))
        cytosol = height * (1 + (self.nucleus - 1) * parts.nucleus)
        cortex = self.cortex * np.exp(-parts.edge_distance / 0.5)
        smooth = cytosol + cortex + self.fibres * parts.fibres + self.adhesions * parts.adhesions
        return np.where(parts.mask, smooth * np.exp(self.texture * parts.texture), 0.0)


ZYXIN = ProteinLook("zyxin")
PAXILLIN = ProteinLook("paxillin", adhesions=3.5, fibres=0.0, nucleus=0.7)
ACTIN = ProteinLook("actin", adhesions=0.6, fibres=1.6, cortex=1.5, nucleus=0.9, texture=0.15)
MYOSIN = ProteinLook("myosin", adhesions=0.0, fibres=1.5, nucleus=0.8, texture=0.5)

PROTEINS = {look.name: look for look in (ZYXIN, PAXILLIN, ACTIN, MYOSIN)}
"""Looks by name."""


def protein_looks(names: tuple[str, ...]) -> tuple[ProteinLook, ...]:
    """Return the looks of the named proteins.

    Raises
    ------
    CellForceError
        If there is none, or one is not known.
    """
    for name in names or ("",):
        if name not in PROTEINS:
            raise CellForceError(
                f"there is no protein {name!r} to draw",
                f"the proteins are {', '.join(PROTEINS)}",
                "Choose at least one of these.",
                topic=Topic.PROTEINS,
            )
    return tuple(PROTEINS[name] for name in names)


@dataclass(frozen=True, eq=False, repr=False)
class CellComponents(ShortRepr):
    """What there is to be seen in one frame of a cell, each a ``(Y, X)`` array.

    Attributes
    ----------
    mask : bool array
    edge_distance : array
        Distance from the cell's edge in µm, 0 outside.
    nucleus : array
        1 in the nucleus, 0 outside.
    adhesions, fibres : array
        Their intensity.
    texture : array
        Irregularities of mean 0 and variance 1.
    """

    mask: BoolArray
    edge_distance: Array
    nucleus: Array
    adhesions: Array
    fibres: Array
    texture: Array


def edge_distance(mask: BoolArray, pixel_size: float) -> Array:
    """Return the distance to the edge of a ``(Y, X)`` mask in µm, 0 outside."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = slice(max(rows[0] - 1, 0), rows[-1] + 2), slice(max(columns[0] - 1, 0), columns[-1] + 2)
    distance = np.zeros(mask.shape)
    distance[box] = distance_transform_edt(mask[box]) * pixel_size
    return distance


def draw_nucleus(mask: BoolArray, distance: Array, pixel_size: float, rng: np.random.Generator) -> Array:
    """Return an oval nucleus, ``(Y, X)`` from 0 to 1: an eleventh of the cell, near its thickest part."""
    centre = _thickest_part(distance, pixel_size) + rng.normal(scale=1.0, size=2)
    size = 2 * math.sqrt(mask.sum() * pixel_size**2 / 11 / math.pi)
    stretch = rng.uniform(1.1, 1.4)
    image = np.zeros(mask.shape)
    window, cover = ellipse(
        mask.shape,
        pixel_size,
        centre,
        size * math.sqrt(stretch),
        size / math.sqrt(stretch),
        rng.uniform(0, math.pi),
    )
    image[window] = cover
    return image


def draw_texture(shape: tuple[int, int], pixel_size: float, rng: np.random.Generator) -> Array:
    """Return irregularities of mean 0 and variance 1, ``(Y, X)``, half of them 0.5 and half 4 µm wide."""
    fine, coarse = (_smooth_noise(shape, width / pixel_size, rng) for width in (0.25, 2.0))
    return (fine + coarse) / math.sqrt(2)


def _thickest_part(distance: Array, pixel_size: float) -> Array:
    """Return the centre (y, x), in µm, of what lies further from the edge than 0.8 of the furthest point."""
    centre: Array = np.argwhere(distance >= 0.8 * distance.max()).mean(axis=0) * pixel_size
    return centre


def _smooth_noise(shape: tuple[int, int], sigma: float, rng: np.random.Generator) -> Array:
    noise = gaussian_filter(rng.standard_normal(shape), sigma, mode="wrap")
    smooth: Array = noise / noise.std()
    return smooth
