"""Image stacks, masks, vector and scalar fields, with their axes and units.

Axes and component order are defined here and nowhere else: image stacks are ``(T, C, Y, X)``,
vector fields ``(T, 2, Y, X)`` with component 0 along y (rows, downward) and component 1 along x
(columns). Traction is in Pa, displacement and length in µm, time in minutes.
"""

from __future__ import annotations

from napari_cellforce.fields.array_order import ZChoice
from napari_cellforce.fields.arrays import to_numpy
from napari_cellforce.fields.axes import (
    MICROMETRE,
    NORMALISED,
    PASCAL,
    BoolArray,
    FloatArray,
    Quantity,
    Unit,
    X,
    Y,
)
from napari_cellforce.fields.field import FrameResult, ScalarField, VectorField
from napari_cellforce.fields.pixel_size import PixelSize
from napari_cellforce.fields.progress import Progress
from napari_cellforce.fields.provenance import Provenance
from napari_cellforce.fields.short_repr import ShortRepr
from napari_cellforce.fields.stack import ImageStack, Mask
from napari_cellforce.fields.substrate import Substrate

__all__ = [
    "MICROMETRE",
    "NORMALISED",
    "PASCAL",
    "BoolArray",
    "FloatArray",
    "FrameResult",
    "ImageStack",
    "Mask",
    "PixelSize",
    "Progress",
    "Provenance",
    "Quantity",
    "ScalarField",
    "ShortRepr",
    "Substrate",
    "Unit",
    "VectorField",
    "X",
    "Y",
    "ZChoice",
    "to_numpy",
]
