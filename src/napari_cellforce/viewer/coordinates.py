"""The only code that turns places in napari's world into pixels of a layer, and back.

napari 0.9 converts units where it draws: a layer in nm lies over one in µm as it does on the sample. Its
layers' own ``world_to_data`` does not. Everything here does, so that a click, a mask or a time point means
the same in every layer, whatever the units, the order and the number of layers.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pint
from napari.components import ViewerModel
from napari.layers import Layer

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import PixelSize
from napari_cellforce.layers import METADATA_KEY, Placement

Matrix = npt.NDArray[np.float64]

TYPED = "pixel size typed"
"""Entry of our metadata: the user has corrected the pixel size of a layer."""

_PIXEL = pint.Unit("pixel")

_SQUARE = 1e-3
"""Relative tolerance for what counts as the same length, and for right angles."""


@dataclass(frozen=True)
class PixelToWorld:
    """Where the pixels of a layer lie.

    Two layers with equal placements lie on each other pixel by pixel.

    Attributes
    ----------
    matrix : nested tuple of float
        ``(ndim + 1, ndim + 1)``, from the layer's pixels to world coordinates in `units`.
    units : tuple of str
        One per axis, as pint names.
    """

    matrix: tuple[tuple[float, ...], ...]
    units: tuple[str, ...]

    @classmethod
    def of(cls, layer: Layer) -> PixelToWorld:
        """Return the placement of a layer; of its full resolution where it has several."""
        origin = np.array(layer.data_to_world(np.zeros(layer.ndim)), float)
        matrix = np.eye(layer.ndim + 1)
        matrix[:-1, -1] = origin
        for i, step in enumerate(np.eye(layer.ndim)):
            matrix[:-1, i] = np.array(layer.data_to_world(step), float) - origin
        rows = tuple(tuple(float(value) for value in row) for row in matrix)
        return cls(rows, tuple(str(unit) for unit in layer.units))

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.units)

    @property
    def in_units(self) -> Matrix:
        """The matrix as an array, in `units`."""
        return np.array(self.matrix)


def pixels_to_pixels(source: Layer, target: Layer) -> Matrix:
    """Return the affine map from the pixels of one layer to those of another.

    Axes are paired from the last, as napari does; an axis that only the target has is left at pixel 0.
    Lengths and times are converted between units; an axis in pixels is taken as napari draws it.

    Returns
    -------
    (target.ndim + 1, source.ndim + 1) array
    """
    here, there = PixelToWorld.of(source), PixelToWorld.of(target)
    shared = min(here.ndim, there.ndim)
    lift = np.zeros((there.ndim + 1, here.ndim + 1))
    lift[-1, -1] = 1.0
    for axis in range(1, shared + 1):
        lift[-1 - axis, -1 - axis] = _factor(here.units[-axis], there.units[-axis])
    result: Matrix = np.linalg.inv(there.in_units) @ lift @ here.in_units
    return result


def to_pixels(viewer: ViewerModel, layer: Layer, position: Sequence[float]) -> Matrix:
    """Return where in a layer a world position is: pixels ``(ndim,)``, not rounded.

    Parameters
    ----------
    viewer : ViewerModel
    layer : Layer
    position : sequence of float
        A click or the cursor, in the viewer's world coordinates.
    """
    point = np.zeros(layer.ndim)
    given = np.asarray(position, float)[-layer.ndim :]
    point[layer.ndim - len(given) :] = given
    inverse = np.linalg.inv(PixelToWorld.of(layer).in_units)
    result: Matrix = (inverse @ np.append(point / _to_world(viewer, layer), 1.0))[:-1]
    return result


def to_world(viewer: ViewerModel, layer: Layer, pixel: Sequence[float]) -> Matrix:
    """Return the world position ``(ndim,)`` of a pixel of a layer; the inverse of `to_pixels`."""
    placed = PixelToWorld.of(layer).in_units @ np.append(np.asarray(pixel, float), 1.0)
    result: Matrix = placed[:-1] * _to_world(viewer, layer)
    return result


def to_micron(layer: Layer, points: Any, pixel_size: float) -> Matrix:
    """Return points of a layer in µm.

    Parameters
    ----------
    layer : Layer
    points : (N, ndim) array-like
        In pixels of the layer.
    pixel_size : float
        µm per pixel of a layer whose units are not lengths.

    Returns
    -------
    (N, 2) array
        y and x, from the origin of the world.
    """
    own = PixelToWorld.of(layer).in_units
    sides = np.linalg.norm(own[-3:-1, -3:-1], axis=0)
    lengths = [_in_unit(1.0, unit, "micrometer") for unit in layer.units[-2:]]
    factors = [pixel_size / side if unit is None else unit for unit, side in zip(lengths, sides, strict=True)]
    placed = np.asarray(points, float)[:, -2:] @ own[-3:-1, -3:-1].T + own[-3:-1, -1]
    micron: Matrix = placed * np.array(factors)
    return micron


def shown_frame(viewer: ViewerModel, layer: Layer, n_frames: int) -> int:
    """Return the frame of a movie that the viewer shows; the nearest one where it shows none.

    Not the step of napari's slider: that counts in the shortest interval of all layers.
    """
    if layer.ndim < 3 or viewer.dims.ndim < 3:
        return 0
    t = to_pixels(viewer, layer, viewer.dims.point)[-3]
    return int(min(max(round(float(t)), 0), n_frames - 1))


def show_frame(viewer: ViewerModel, layer: Layer, frame: int) -> None:
    """Let the viewer show a frame of a movie."""
    if layer.ndim < 3 or viewer.dims.ndim < 3:
        return
    pixel = np.zeros(layer.ndim)
    pixel[-3] = frame
    viewer.dims.set_point(viewer.dims.ndim - 3, float(to_world(viewer, layer, list(pixel))[-3]))


def pixel_size_of(layer: Layer) -> PixelSize | None:
    """Return the pixel size of a layer; None where its units are not lengths."""
    columns = PixelToWorld.of(layer).in_units[-3:-1, -3:-1]
    sides = np.linalg.norm(columns, axis=0)
    y, x = (
        _in_unit(side, layer.units[axis], "micrometer") for side, axis in zip(sides, (-2, -1), strict=True)
    )
    typed = layer.metadata.get(METADATA_KEY, {}).get(TYPED)
    return None if y is None or x is None else PixelSize(y, x, "typed" if typed else "layer")


def frame_interval_of(layer: Layer) -> float | None:
    """Return the minutes between frames; None where the layer does not give them."""
    if layer.ndim < 3:
        return None
    step = abs(PixelToWorld.of(layer).matrix[-4][-4])
    return _in_unit(step, layer.units[-3], "minute")


def has_time(layer: Layer) -> bool:
    """Return True if the frames of a movie are apart by a time, not only numbered."""
    return frame_interval_of(layer) is not None


def spatial_steps(layer: Layer) -> bool:
    """Return True if the frames of a movie are apart by a length, as the planes of a z-stack are."""
    return _in_unit(1.0, layer.units[0], "micrometer") is not None


def place_of(
    layer: Layer, *, ratio: tuple[float, float] = (1.0, 1.0), start: tuple[float, float] = (0.0, 0.0)
) -> Placement:
    """Return the place of a result of a layer: on top of it, however that lies.

    Parameters
    ----------
    layer : Layer
    ratio : tuple of 2 float
        Height and width of the result's pixels, in pixels of the layer.
    start : tuple of 2 float
        Where the middle of the result's first pixel lies, in pixels of the layer.
    """
    missing = 3 - layer.ndim
    own = PixelToWorld.of(layer).in_units
    moved = own.copy()
    moved[:-1, -3:-1] = own[:-1, -3:-1] * np.array(ratio)
    moved[:-1, -1] = own[:-1, -1] + own[:-1, -3:-1] @ np.array(start)
    diagonal = np.diagonal(moved)[:-1]
    frame = Placement(
        scale=(1.0,) * missing + tuple(float(s) for s in diagonal),
        translate=(0.0,) * missing + tuple(float(s) for s in moved[:-1, -1]),
        units=("pixel",) * missing + tuple(str(u) for u in layer.units),
        ndim=layer.ndim,
    )
    upright = np.allclose(moved[:-1, :-1], np.diag(diagonal), rtol=0, atol=1e-12 * float(np.abs(moved).max()))
    if upright and np.all(diagonal > 0):
        return frame
    # A turn goes into the affine, together with the translation; the sides of the pixels stay in the scale.
    scale = np.linalg.norm(moved[:-1, :-1], axis=0)
    turn = moved.copy()
    turn[:-1, :-1] = moved[:-1, :-1] / scale
    rows = tuple(tuple(float(value) for value in row) for row in turn)
    sides = (1.0,) * missing + tuple(float(s) for s in scale)
    return dataclasses.replace(frame, scale=sides, translate=(0.0, 0.0, 0.0), affine=rows)


def is_unplaced(layer: Layer) -> bool:
    """Return True if a layer counts pixels from its corner: it has neither scale nor units nor place."""
    plain = np.array_equal(PixelToWorld.of(layer).in_units[-3:, -3:], np.eye(3))
    return plain and all(unit == _PIXEL for unit in layer.units[-2:])


def distorted(layer: Layer) -> CellForceError | None:
    """Return why the pixels of a layer are no rectangles of the sample, or None.

    Turned and mirrored layers are no problem; a sheared one is, for forces have directions. Pixels that are
    not square are refused by `PixelSize.micron`, once it is known whether the user has corrected their size.
    """
    placing = PixelToWorld.of(layer).in_units
    columns = placing[-3:-1, -3:-1]
    sides = np.linalg.norm(columns, axis=0)
    if not np.all(sides > 0):
        return _distortion(layer, "has pixels without extent")
    if abs(float(columns[:, 0] @ columns[:, 1])) > _SQUARE * float(sides.prod()):
        return _distortion(layer, "is sheared")
    if layer.ndim > 2:
        mixed = np.abs(placing[-4, -3:-1]).max(), np.abs(placing[-3:-1, -4]).max()
        if max(mixed) > 1e-9 * float(sides.max()):
            return _distortion(layer, "is turned from time into space")
    return None


def _distortion(layer: Layer, what: str) -> CellForceError:
    return CellForceError(
        f"{layer.name} {what}",
        "forces are computed on square pixels",
        "Resample the image to square pixels, or correct the scale, shear and affine of the layer.",
        topic=Topic.PIXEL_SIZE,
    )


def _to_world(viewer: ViewerModel, layer: Layer) -> Matrix:
    """Return what turns lengths in the units of a layer into those of the viewer, ``(ndim,)``."""
    world = viewer.dims.units
    if world is None or len(world) < layer.ndim:
        return np.ones(layer.ndim)
    pairs = zip(layer.units, world[-layer.ndim :], strict=True)
    return np.array([_factor(str(own), str(shown)) for own, shown in pairs])


def _factor(unit: str, other: str) -> float:
    """Return how many of the other unit one unit is; 1 where one of them is no such quantity."""
    if unit == other:
        return 1.0
    try:
        return float(pint.Quantity(1.0, unit).to(other).magnitude)
    except pint.DimensionalityError:
        return 1.0


def _in_unit(length: float, unit: Any, target: str) -> float | None:
    """Return a length in the target unit; None for pixels and what else is none."""
    if unit == _PIXEL:
        return None
    try:
        return float((float(length) * unit).to(target).magnitude)
    except pint.DimensionalityError:
        return None
