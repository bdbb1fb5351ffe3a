"""From Labels and Shapes layers to cells on the grid of an image.

A mask is taken at the place where it lies over the image on screen, in whatever units, resolution and
order the layers are. What is no area is refused.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from napari.components import ViewerModel
from napari.layers import Labels, Layer, Shapes
from scipy import ndimage

from napari_cellforce.errors import CellForceError, CellForceWarning, Topic
from napari_cellforce.fields import BoolArray, Mask
from napari_cellforce.layers import METADATA_KEY
from napari_cellforce.viewer.coordinates import has_time, is_unplaced, pixels_to_pixels

LabelArray = npt.NDArray[np.integer[Any]]

SMALLEST_CELL = 25
"""Pixels; less is a slip of the brush, not a cell."""

_CLOSED = 0.1
"""A path whose ends are nearer than this part of its length was meant to be closed."""

_WHOLE = 1e-6
"""Pixels; grids that differ by less are the same."""


def label_numbers(layer: Labels | Shapes) -> list[int]:
    """Return the numbers of the cells that a layer marks: those of the first frame with any.

    The areas of a Shapes layer count from 1, in the order in which they were drawn in that frame.
    """
    if isinstance(layer, Shapes):
        frames = _areas_by_frame(layer)
        return list(range(1, 1 + len(next(iter(frames.values()), []))))
    data = full_resolution(layer)
    for t in range(data.shape[0]) if data.ndim == 3 else (slice(None),):
        found = np.unique(np.asarray(data[t]))
        if found.any():
            return [int(label) for label in found if label]
    return []


def cell_mask(layer: Labels | Shapes, image: Layer, label: int = 1) -> Mask:
    """Return one cell of a layer as a mask on the grid of an image.

    Parameters
    ----------
    layer : Labels or Shapes
        ``(Y, X)`` for all frames, or ``(T, Y, X)``.
    image : Layer
        An Image layer, ``(Y, X)`` or ``(T, Y, X)``.
    label : int
        One of `label_numbers`.

    Returns
    -------
    Mask
        With the cell in every frame: those in which it is not marked take the nearest that has it.

    Raises
    ------
    CellForceError
        If nothing is marked, or not over the image, or less than a cell.

    Warns
    -----
    CellForceWarning
        If the cell is marked in some frames only, or its number changes on the way.
    """
    labels = labels_over(layer, image)
    mask = _one_cell(labels, label, layer.name)
    largest = int(mask.sum(axis=(1, 2)).max(initial=0))
    if largest < SMALLEST_CELL:
        raise CellForceError(
            f"the cell in {layer.name} covers {largest} pixels of {image.name}",
            f"a cell has at least {SMALLEST_CELL}",
            "Draw around the whole cell, or choose another layer or label.",
            topic=Topic.MASK,
        )
    return Mask(mask, layer.name).in_every_frame()


def mask_layers(viewer: ViewerModel) -> list[Labels | Shapes]:
    """Return the layers that may mark cells, topmost first."""
    return [layer for layer in reversed(viewer.layers) if is_mask_layer(layer)]


def is_mask_layer(layer: Layer) -> bool:
    """Return True for layers of others, or painted in by the user, that may mark cells."""
    role = layer.metadata.get(METADATA_KEY, {}).get("role", "")
    return isinstance(layer, Labels | Shapes) and layer.ndim in (2, 3) and role in ("", "mask")


def labels_over(layer: Labels | Shapes, grid: Layer) -> LabelArray:
    """Return all cells or regions of a layer on the grid of an image or field.

    Parameters
    ----------
    layer : Labels or Shapes
    grid : Layer
        ``(Y, X)`` or ``(T, Y, X)``.

    Returns
    -------
    (T, Y, X) array
        Labels, 0 outside; T is 1 where the layer holds for all frames.

    Raises
    ------
    CellForceError
        If nothing is marked there.
    """
    if layer.ndim not in (2, 3):
        raise CellForceError(
            f"{layer.name} has {layer.ndim} axes",
            "cells and regions are drawn in the plane, for all frames or for each",
            "Choose a layer of two or three axes.",
            topic=Topic.REGIONS,
        )
    labels = _drawn(layer, grid) if isinstance(layer, Shapes) else _painted(layer, grid)
    if not labels.any():
        raise _nothing(layer, grid)
    return labels


def cells_mask(layer: Labels | Shapes, image: Layer) -> Mask:
    """Return where any cell of a layer is on the grid of an image; see `labels_over`."""
    return Mask(labels_over(layer, image) > 0, layer.name)


def full_resolution(layer: Layer) -> Any:
    """Return the data of an Image or Labels layer at full resolution."""
    return layer.data[0] if getattr(layer, "multiscale", False) else layer.data


def _painted(layer: Labels, image: Layer) -> LabelArray:
    """Return the labels ``(T, Y, X)`` of a Labels layer on the grid of an image; T is 1 for all frames."""
    data, onto = full_resolution(layer), full_resolution(image)
    back = pixels_to_pixels(image, layer)
    shape = tuple(int(side) for side in onto.shape[-2:])
    if data.shape[-2:] == shape and is_unplaced(layer) != is_unplaced(image):
        bare = layer if is_unplaced(layer) else image
        message = (
            f"{bare.name} has no pixel size; mask and image are of one size, so it is taken pixel by pixel."
        )
        warnings.warn(message, CellForceWarning, stacklevel=3)
        back[-3:-1, -3:-1], back[-3:-1, -1] = np.eye(2), 0.0
    frames = _frames_for(layer, image, back)
    return np.stack([_resampled(np.asarray(data if t is None else data[t]), back, shape) for t in frames])


def _frames_for(layer: Layer, image: Layer, back: npt.NDArray[np.float64]) -> Sequence[int | None]:
    """Return the frame of a mask for each frame of an image; None for a mask without time."""
    if layer.ndim == 2:
        return (None,)
    n_masks = full_resolution(layer).shape[0]
    if image.ndim == 2:
        if n_masks == 1:
            return (0,)
        raise CellForceError(
            f"{layer.name} has {n_masks} frames and {image.name} has one",
            "it is not clear which of them marks the cell",
            "Keep one frame of the mask (right-click the layer > Split Stack).",
            topic=Topic.MASK,
        )
    if n_masks == 1:
        return (0,)
    n_frames = full_resolution(image).shape[0]
    if has_time(layer) != has_time(image):
        if n_masks != n_frames:
            raise CellForceError(
                f"{layer.name} has {n_masks} frames and {image.name} has {n_frames}",
                "one of them does not give the time between its frames",
                "Set scale and units of the time axis of both, or give the mask as many frames.",
                topic=Topic.MASK,
            )
        return range(n_frames)
    times = back[-4, -4] * np.arange(n_frames) + back[-4, -1]
    return [int(t) for t in np.clip(np.round(times), 0, n_masks - 1)]


def _resampled(labels: npt.NDArray[Any], back: npt.NDArray[np.float64], shape: tuple[int, ...]) -> LabelArray:
    """Return labels ``(Y, X)`` at the pixels of an image: the nearest, 0 where there are none."""
    turn, offset = back[-3:-1, -3:-1], back[-3:-1, -1]
    if (
        np.allclose(turn, np.eye(2), atol=_WHOLE)
        and labels.shape == shape
        and np.all(np.abs(offset) < _WHOLE)
    ):
        return labels
    # Half-way between two pixels the last bit would decide: let it always be the same one.
    found: LabelArray = ndimage.affine_transform(
        labels, turn, np.round(offset, 9) + 1e-9, output_shape=shape, order=0, mode="grid-constant", cval=0
    )
    return found


def _drawn(layer: Shapes, image: Layer) -> LabelArray:
    """Return the areas of a Shapes layer ``(T, Y, X)``, numbered, on the grid of an image."""
    shape = tuple(int(side) for side in full_resolution(image).shape[-2:])
    onto = pixels_to_pixels(layer, image)
    frames = _areas_by_frame(layer)
    if layer.ndim == 2 or image.ndim == 2:
        areas = [area for found in frames.values() for area in found]
        return _filled(areas, onto, shape)[None]
    n_frames = full_resolution(image).shape[0]
    labels = np.zeros((n_frames, *shape), np.int32)
    for time, areas in frames.items():
        t = round(float(onto[-4, -4] * time + onto[-4, -1]))
        if 0 <= t < n_frames:
            labels[t] = _filled(areas, onto, shape)
    return labels


def _filled(
    areas: Sequence[npt.NDArray[Any]], onto: npt.NDArray[np.float64], shape: tuple[int, ...]
) -> LabelArray:
    """Return polygons ``(N, 2)`` of a layer, filled and numbered from 1; the first wins where two overlap."""
    from skimage.draw import polygon2mask

    labels = np.zeros(shape, np.int32)
    for number, corners in reversed(list(enumerate(areas, 1))):
        moved = corners @ onto[-3:-1, -3:-1].T + onto[-3:-1, -1]
        labels[polygon2mask(shape, moved)] = number
    return labels


def _areas_by_frame(layer: Shapes) -> dict[float, list[npt.NDArray[Any]]]:
    """Return the corners ``(N, 2)`` of the areas of a Shapes layer, by their time in its own pixels.

    Raises
    ------
    CellForceError
        If a shape encloses nothing.
    """
    frames: dict[float, list[npt.NDArray[Any]]] = {}
    for corners, kind in zip(layer.data, layer.shape_type, strict=True):
        outline = np.asarray(corners, float)
        time = float(outline[0, -3]) if layer.ndim > 2 else 0.0
        if layer.ndim > 2 and np.ptp(outline[:, -3]) > 0.5:
            raise _no_area(layer, f"a {kind} that goes through several frames")
        outline = outline[:, -2:]
        if kind == "ellipse":
            outline = _ellipse(outline)
        elif kind == "line" or (kind == "path" and not _closes(outline)):
            raise _no_area(layer, f"a {kind} whose ends do not meet" if kind == "path" else "a line")
        frames.setdefault(time, []).append(outline)
    return dict(sorted(frames.items()))


def _ellipse(corners: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the ellipse in a (turned) rectangle of four corners as a polygon."""
    centre = corners.mean(axis=0)
    half, other = (corners[1] - corners[0]) / 2, (corners[3] - corners[0]) / 2
    angle = np.linspace(0, 2 * np.pi, 181)[:-1, None]
    points: npt.NDArray[np.float64] = centre + np.cos(angle) * half + np.sin(angle) * other
    return points


def _closes(path: npt.NDArray[np.float64]) -> bool:
    """Return True if the ends of a path meet around an area."""
    length = float(np.linalg.norm(np.diff(path, axis=0), axis=1).sum())
    return len(path) > 3 and float(np.linalg.norm(path[-1] - path[0])) <= _CLOSED * length


def _one_cell(labels: LabelArray, label: int, name: str) -> BoolArray:
    """Return one label ``(T, Y, X)``; it is followed by overlap where its number goes to another cell."""
    first = next((t for t, frame in enumerate(labels) if (frame == label).any()), None)
    if first is None:
        raise CellForceError(
            f"{name} has no label {label} over the image",
            f"it has {', '.join(str(n) for n in np.unique(labels) if n) or 'none'}",
            "Choose one of these.",
            topic=Topic.MASK,
        )
    mask: BoolArray = labels == label
    renamed: list[str] = []
    last = mask[first]
    for t in range(first + 1, len(labels)):
        successor = _successor(labels[t], last, label)
        if successor is not None and successor != label:
            mask[t] = labels[t] == successor
            renamed.append(f"{successor} in frame {t}")
        last = mask[t] if mask[t].any() else last
    if renamed:
        shown = ", ".join(renamed[:3]) + (" ..." if len(renamed) > 3 else "")
        message = (
            f"The cell with label {label} in {name} has other numbers later ({shown}): followed by overlap."
        )
        warnings.warn(message, CellForceWarning, stacklevel=3)
    return mask


def _successor(labels: LabelArray, last: BoolArray, label: int) -> int | None:
    """Return the label that a cell has one frame later, if another one than its own lies in its place."""
    under = labels[last]
    if (under == label).any() or not under.any():
        return None
    numbers, counts = np.unique(under[under > 0], return_counts=True)
    best = int(np.argmax(counts))
    return int(numbers[best]) if counts[best] >= 0.5 * last.sum() else None


def _nothing(layer: Layer, image: Layer) -> CellForceError:
    marked = len(layer.data) > 0 if isinstance(layer, Shapes) else np.any(full_resolution(layer))
    if not marked:
        return CellForceError(
            f"{layer.name} is empty",
            "the cell must be marked in it",
            "Draw the outline of the cell, or let it be found automatically.",
            topic=Topic.MASK,
        )
    return CellForceError(
        f"{layer.name} does not lie over {image.name}",
        "a mask is taken at the place where it lies on the image",
        "Move it there: give the layer the scale, units and translation of the image, or draw it again.",
        topic=Topic.MASK,
    )


def _no_area(layer: Shapes, what: str) -> CellForceError:
    return CellForceError(
        f"{layer.name} holds {what}",
        "a cell is an area",
        "Draw it as a polygon, an ellipse or a closed path, and delete what else is in the layer.",
        topic=Topic.MASK,
    )
