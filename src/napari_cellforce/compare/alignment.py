"""Two fields brought to one grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import BoolArray, ShortRepr, VectorField, to_numpy
from napari_cellforce.io.measured import ORIGIN
from napari_cellforce.text import pluralise

_FEWEST = 20
_BLUR = 0.5
"""Width of the Gaussian that the finer field is averaged with, in pixels of the coarser grid."""

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class FieldPair(ShortRepr):
    """One frame of two fields on one grid, that of the coarser.

    Attributes
    ----------
    first, second : (2, Y, X) arrays
        In their own units.
    mask : (Y, X) bool array
        Where both are known, inside the cell if a mask is known.
    spacing : float
        Side of a pixel in µm.
    frame : int
    cells : (Y, X) array of int
        Label of the cell, 0 outside the mask; 1 all over it where cells are not distinguished.
    """

    first: Array
    second: Array
    mask: BoolArray
    spacing: float
    frame: int
    cells: npt.NDArray[np.integer[Any]]


def pair_fields(
    first: VectorField, second: VectorField, index: int = 0, mask: npt.NDArray[Any] | None = None
) -> FieldPair:
    """Bring one frame of two fields to the grid of the coarser one.

    The finer is averaged over the coarser's pixels (a Gaussian), then sampled linearly at their centres.

    Parameters
    ----------
    first, second : VectorField
        Fields of one quantity at the same place; pixel size and origin may differ.
    index : int
        Frame number in both fields; a field of one frame stands for all.
    mask : (Y, X) array of bool or int, optional
        The cell, or the labels of several, on the grid of `first`; by default the fields' own masks.

    Raises
    ------
    CellForceError
        If they are of different quantities, their pixel size is not known, they do not overlap, or a value
        is missing inside.
    """
    _check(first, second)
    coarse, fine = (first, second) if _size(first) >= _size(second) else (second, first)
    centres = _centres(coarse)
    fields = {id(coarse): _frame(coarse, index), id(fine): _sampled(fine, index, centres)}
    inside = _known(first, index, mask, centres) & _known(second, index, None, centres)
    frame = first.frames[_at(first, index)]
    cells = _labels(first, mask, centres) * inside
    pair = FieldPair(fields[id(first)], fields[id(second)], inside, _size(coarse), frame, cells)
    _require_enough(first, second, mask, inside, frame)
    for name, field in (("A", pair.first), ("B", pair.second)):
        if not np.isfinite(field[:, inside]).all():
            raise CellForceError(
                f"{name} has NaN or infinite values inside the cell",
                "every vector there must be a number",
                "Fill the gaps, or leave them out of the mask.",
                topic=Topic.INPUT,
            )
    return pair


def _require_enough(
    first: VectorField, second: VectorField, mask: npt.NDArray[Any] | None, inside: BoolArray, frame: int
) -> None:
    """Refuse fields that share too little, and a mask without a cell."""
    if mask is not None and not np.any(mask):
        raise CellForceError(
            f"the mask is empty in frame {frame}",
            "vectors are compared inside it",
            "Draw the cell, or choose another mask.",
            topic=Topic.MASK,
        )
    if inside.sum() < _FEWEST:
        raise CellForceError(
            f"{first.name or 'A'} and {second.name or 'B'} share {pluralise(int(inside.sum()), 'vector')}",
            f"at least {_FEWEST} are needed for a comparison",
            "Check pixel sizes and origins: both must show the same place.",
            topic=Topic.INPUT,
        )


def _check(first: VectorField, second: VectorField) -> None:
    if first.quantity != second.quantity:
        raise CellForceError(
            f"one field is a {first.quantity}, the other a {second.quantity}",
            "like must be compared with like",
            "Compute the traction from the displacement first, by traction force microscopy.",
            topic=Topic.INPUT,
        )
    for field in (first, second):
        if not field.pixel_size.known:
            raise CellForceError(
                f"the pixel size of {field.name or 'a field'} is not known",
                "fields are laid over each other by it",
                "Give it where the file is opened.",
                topic=Topic.PIXEL_SIZE,
            )


def _size(field: VectorField) -> float:
    return field.pixel_size.micron


def _at(field: VectorField, index: int) -> int:
    return 0 if len(field.frames) == 1 else index


def _frame(field: VectorField, index: int) -> Array:
    return to_numpy(field.data[_at(field, index)], dtype=np.float64)


def _origin(field: VectorField) -> tuple[float, float]:
    y, x = field.provenance.settings.get(ORIGIN, (0.0, 0.0))
    return float(y), float(x)


def _centres(field: VectorField) -> tuple[Array, Array]:
    """Return the places of rows and columns in µm."""
    shape, size = field.data.shape[2:], _size(field)
    y, x = (start + (np.arange(n) + 0.5) * size for start, n in zip(_origin(field), shape, strict=True))
    return y, x


def _sampled(field: VectorField, index: int, centres: tuple[Array, Array]) -> Array:
    """Return the field at other places, NaN beyond its edge."""
    values = _frame(field, index)
    step = float(np.diff(np.concatenate(centres)[:2])[0]) if len(centres[0]) > 1 else _size(field)
    if step > 1.01 * _size(field):
        values = gaussian_filter(values, (0, *(2 * (_BLUR * step / _size(field),))))
    return _linear(values, field, centres)


def _linear(values: Array, field: VectorField, centres: tuple[Array, Array]) -> Array:
    beyond = np.zeros((len(centres[0]), len(centres[1])), bool)
    for axis, (start, places) in enumerate(zip(_origin(field), centres, strict=True)):
        at = (places - start) / _size(field) - 0.5
        side = values.shape[axis - 2]
        outside = (at < -0.5) | (at > side - 0.5)
        beyond |= outside[:, None] if axis == 0 else outside
        at = at.clip(0, side - 1)
        low = np.minimum(np.floor(at).astype(int), max(side - 2, 0))
        rest = (at - low).reshape((-1, 1) if axis == 0 else -1)
        above = np.minimum(low + 1, side - 1)
        values = (1 - rest) * values.take(low, axis - 2) + rest * values.take(above, axis - 2)
    return np.where(beyond, np.nan, values)


def _known(
    field: VectorField, index: int, mask: npt.NDArray[Any] | None, centres: tuple[Array, Array]
) -> BoolArray:
    """Return where a mask (or the field's own, or its extent) is, at the centres of the common grid."""
    if mask is None and field.mask is not None:
        mask = to_numpy(field.mask[0 if len(field.mask) == 1 else index])
    shape = field.data.shape[2:]
    values = np.ones(shape) if mask is None else (np.asarray(mask) != 0).astype(np.float64)
    if values.shape != tuple(shape):
        raise CellForceError(
            f"the mask is {values.shape[0]} x {values.shape[1]}",
            f"the field is {shape[0]} x {shape[1]}",
            "Give a mask drawn on the first field's image.",
            topic=Topic.MASK,
        )
    known: BoolArray = _linear(values, field, centres) > 0.5
    return known


def _labels(
    field: VectorField, mask: npt.NDArray[Any] | None, centres: tuple[Array, Array]
) -> npt.NDArray[np.integer[Any]]:
    """Return the label of the nearest pixel at the centres of the common grid; 1 without labels."""
    if mask is None or mask.dtype == bool:
        return np.ones((len(centres[0]), len(centres[1])), np.int32)
    places = [
        np.clip(np.floor((at - start) / _size(field)).astype(int), 0, side - 1)
        for at, start, side in zip(centres, _origin(field), mask.shape, strict=True)
    ]
    return np.asarray(mask[np.ix_(*places)]).astype(np.int32)
