"""Samples of pixels of measured or predicted cells for the regression, grouped by cell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import BoolArray, FloatArray, PixelSize, ShortRepr
from napari_cellforce.models.grid import on_model_grid
from napari_cellforce.models.record import ModelRecord
from napari_cellforce.models.symbolic.library import Library, PotentialFields, potential_fields

MIN_PIXELS = 100
"""Minimum number of pixels per frame."""


@dataclass(frozen=True, eq=False, repr=False)
class RegressionFrame(ShortRepr):
    """A frame for the regression.

    Attributes
    ----------
    image : (C, Y, X) array
        Normalised image; the first channel is used.
    traction : (2, Y, X) array
        Traction (y, x); pixels that are NaN are excluded.
    mask : (Y, X) bool array
    pixel_size : PixelSize
    cell : str
        Name of the cell; frames of one cell are in the same fold.
    """

    image: FloatArray
    traction: FloatArray
    mask: BoolArray
    pixel_size: PixelSize
    cell: str


@dataclass(frozen=True, eq=False, repr=False)
class Samples(ShortRepr):
    """Pixels of one cell.

    Attributes
    ----------
    cell : str
    fields : PotentialFields
        Potentials at n pixels.
    traction : (2, n) float32 array
    """

    cell: str
    fields: PotentialFields
    traction: FloatArray


def draw_samples(
    frames: Iterable[RegressionFrame],
    library: Library,
    record: ModelRecord,
    pixels_per_frame: int = 3000,
    seed: int = 0,
) -> tuple[Samples, ...]:
    """Draw pixels inside the cells, one `Samples` per frame.

    Parameters
    ----------
    frames : iterable of RegressionFrame
        Frames, read one at a time.
    library : Library
    record : ModelRecord
        Record of the formula: pixel size, inputs and mask margin.
    pixels_per_frame : int
    seed : int

    Raises
    ------
    CellForceError
        If a frame is not finite, has no cell, or too few pixels with a traction.
    """
    rng = np.random.default_rng(seed)
    return tuple(_sample(frame, library, record, pixels_per_frame, rng) for frame in frames)


def _sample(
    frame: RegressionFrame, library: Library, record: ModelRecord, count: int, rng: np.random.Generator
) -> Samples:
    grid = on_model_grid(frame.image, frame.mask, frame.pixel_size, record)
    traction = grid.to_model(frame.traction)
    usable = np.flatnonzero(grid.mask_to_model(frame.mask) & np.isfinite(traction).all(axis=0))
    if usable.size < MIN_PIXELS:
        raise CellForceError(
            f"a frame of {frame.cell} has {usable.size} pixels of {library.pixel_size:g} µm with a traction",
            f"a regression needs at least {MIN_PIXELS}",
            "Check the mask and the pixel size, or leave the frame out.",
            topic=Topic.INPUT,
        )
    chosen = rng.choice(usable, min(count, usable.size), replace=False)
    fields = potential_fields(grid.inputs[0], library).at(chosen)
    return Samples(frame.cell, fields, traction.reshape(2, -1)[:, chosen])
