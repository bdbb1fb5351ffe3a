"""Gridding of vectors at given positions."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.interpolate import LinearNDInterpolator
from scipy.spatial import QhullError, cKDTree

from napari_cellforce.errors import CellForceError, CellForceWarning, Topic
from napari_cellforce.fields import BoolArray, ShortRepr, VectorField
from napari_cellforce.io.measured._layout import RealArray

ORIGIN = "origin [µm]"
"""Key in the settings of the provenance: (y, x) of the corner of the field in the image."""

_GRID_TOLERANCE = 0.1
"""Deviation from a regular grid, in grid steps, that counts as rounding."""
_MAX_SITES_PER_VECTOR = 4
"""Maximum number of grid points per vector; sparser positions are not a grid."""
_MAX_VECTORS = 4_000_000
_TYPICAL = (5.0, 2e4)
"""Expected range in Pa of the 99th percentile of the tractions of a cell."""


@dataclass(frozen=True, eq=False, repr=False)
class GriddedVectors(ShortRepr):
    """Vectors on a regular grid.

    Attributes
    ----------
    vectors : (2, Y, X) array
        Vectors in the given order and unit.
    known : (Y, X) bool array
        False at grid points without a measurement, where the vectors are 0.
    spacing : float
        Grid spacing in the unit of the positions.
    first : tuple of 2 float
        Position (y, x) of the first vector.
    """

    vectors: RealArray
    known: BoolArray
    spacing: float
    first: tuple[float, float]


def to_grid(y: RealArray, x: RealArray, vectors: RealArray, name: str) -> GriddedVectors:
    """Put vectors ``(2, N)`` at y, x ``(N,)`` on a grid; irregular positions are interpolated linearly.

    Raises
    ------
    CellForceError
        If there are too few vectors, or all on a line.

    Warns
    -----
    CellForceWarning
        If they were interpolated.
    """
    finite = np.flatnonzero(np.isfinite(np.stack([y, x, *vectors])).all(axis=0))
    y, x, vectors = y[finite], x[finite], vectors[:, finite]
    if len(y) < 9:
        raise _bad(f"{name} holds {len(y)} vectors", "at least 9 are needed for a field")
    steps = [_step(positions) for positions in (y, x)]
    spacing = max(steps)
    area = (np.ptp(y) / spacing + 1) * (np.ptp(x) / spacing + 1) if spacing > 0 else math.inf
    dense = area <= _MAX_SITES_PER_VECTOR * len(y)
    if dense and min(steps) > 0.98 * spacing and _on_grid(y, spacing) and _on_grid(x, spacing):
        return _fill_grid(y, x, vectors, spacing, name)
    return _interpolate(y, x, vectors, name)


def unit_warning(field: VectorField) -> str:
    """Return a warning if the unit of a traction field is implausible; otherwise an empty text."""
    if field.quantity != "traction" or field.unit != "Pa":
        return ""
    high = float(np.nanpercentile(field.magnitude(), 99))
    low, top = _TYPICAL
    if 0 < high < low:
        return f"The largest tractions are about {high:.2g} Pa; cells exert hundreds. Are they in kPa?"
    if high > top:
        return f"The largest tractions are about {high:.2g} Pa; cells exert hundreds. Is the unit correct?"
    return ""


def _step(positions: RealArray) -> float:
    """Return the median distance of neighbouring positions; single rows may be missing."""
    different = np.unique(np.round(positions, 6))
    return float(np.median(np.diff(different))) if len(different) > 1 else 0.0


def _on_grid(positions: RealArray, spacing: float) -> bool:
    indices = (positions - positions.min()) / spacing
    return bool(np.abs(indices - np.rint(indices)).max() < _GRID_TOLERANCE)


def _fill_grid(y: RealArray, x: RealArray, vectors: RealArray, spacing: float, name: str) -> GriddedVectors:
    rows, columns = (np.rint((p - p.min()) / spacing).astype(int) for p in (y, x))
    shape = _limited((int(rows.max()) + 1, int(columns.max()) + 1), name)
    field, known = np.zeros((2, *shape)), np.zeros(shape, bool)
    field[:, rows, columns] = vectors
    known[rows, columns] = True
    return GriddedVectors(field, known, spacing, (float(y.min()), float(x.min())))


def _interpolate(y: RealArray, x: RealArray, vectors: RealArray, name: str) -> GriddedVectors:
    positions = np.stack([y, x], axis=1)
    nearest = np.asarray(cKDTree(positions).query(positions, 2)[0])
    spacing = float(np.median(nearest[:, 1]))
    if not spacing > 0:
        raise _bad(f"{name} has several vectors at one position", "each position must have one vector")
    low = positions.min(axis=0)
    rows, columns = (int(extent // spacing) + 1 for extent in np.ptp(positions, axis=0))
    shape = _limited((rows, columns), name)
    grid = [start + spacing * np.arange(n) for start, n in zip(low, shape, strict=True)]
    try:
        found = LinearNDInterpolator(positions, vectors.T)(*np.meshgrid(*grid, indexing="ij"))
    except QhullError as error:
        raise _bad(f"all vectors of {name} lie on a line", "they must cover an area") from error
    known: npt.NDArray[np.bool_] = np.isfinite(found[..., 0])
    warnings.warn(
        f"{name}: {len(y)} vectors at irregular positions were interpolated linearly to a grid of "
        f"{shape[0]} x {shape[1]}.",
        CellForceWarning,
        stacklevel=4,
    )
    field = np.moveaxis(np.where(known[..., None], found, 0), -1, 0)
    return GriddedVectors(field, known, spacing, (float(low[0]), float(low[1])))


def _limited(shape: tuple[int, int], name: str) -> tuple[int, int]:
    if shape[0] * shape[1] > _MAX_VECTORS:
        raise _bad(
            f"the positions in {name} give a grid of {shape[0]} x {shape[1]}",
            f"at most {_MAX_VECTORS} vectors are read",
        )
    return shape


def _bad(value: str, rule: str) -> CellForceError:
    return CellForceError(value, rule, "Check which columns are x and y, and their units.", topic=Topic.INPUT)
