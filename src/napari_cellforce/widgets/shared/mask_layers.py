"""Cell masks from the viewer's layers: Labels and Shapes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from napari.components import ViewerModel
from napari.layers import Image, Labels, Layer, Shapes

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import BoolArray, ImageStack, Mask
from napari_cellforce.widgets.shared.input_layers import data_of, layer_role


def mask_layers(viewer: ViewerModel) -> list[Labels | Shapes]:
    """Return the layers that may be cell masks, topmost first."""
    return [layer for layer in reversed(viewer.layers) if is_mask_layer(layer)]


def is_mask_layer(layer: Layer) -> bool:
    """Return True for the layers of others, or painted in by the user, that may be cell masks."""
    return isinstance(layer, Labels | Shapes) and layer.ndim in (2, 3) and layer_role(layer) in ("", "mask")


def label_values(layer: Labels | Shapes) -> list[int]:
    """Return the labels of a layer, one for each cell: those of the first frame that has any."""
    if isinstance(layer, Shapes):
        return [1] if len(layer.data) else []
    data = data_of(layer)
    for frame in data if layer.ndim == 3 else data[None]:
        found = sorted(int(label) for label in pd.unique(np.asarray(frame).ravel()) if label)
        if found:
            return found
    return []


def mask_of(layer: Labels | Shapes, stack: ImageStack, label: int, image: Image | None = None) -> Mask:
    """Return one cell of a Labels layer, or the shapes of a Shapes layer, as a mask.

    Frames of a movie in which it is not marked take the mark of the nearest one in which it is.

    Parameters
    ----------
    layer : Labels or Shapes
    stack : ImageStack
        Which the mask is for.
    label : int
    image : Image, optional
        Layer of the stack; shapes that were drawn on another grid are brought to its own.

    Raises
    ------
    CellForceError
        If the layer is empty.

    Warns
    -----
    CellForceWarning
        If the cell is marked in some frames only.
    """
    if isinstance(layer, Shapes):
        mask = _rasterise(layer, stack, image)
    else:
        labels = np.asarray(data_of(layer))
        mask = labels == label if labels.ndim == 3 else (labels == label)[None]
    if not mask.any():
        raise CellForceError(
            f"{layer.name} is empty",
            "the cell must be marked in it",
            "Draw the outline of the cell, or let it be found automatically.",
            topic=Topic.MASK,
        )
    return Mask(mask, layer.name).in_every_frame()


def _rasterise(layer: Shapes, stack: ImageStack, image: Image | None) -> BoolArray:
    """Fill the shapes, ``(T, Y, X)``; those with a time belong to that frame, else to all."""
    if image is not None and not _share_grid(layer, image):
        corners = [_to_image_pixels(image, layer, shape) for shape in layer.data]
        layer = Shapes(corners, shape_type=list(layer.shape_type), ndim=layer.ndim)
    if layer.ndim == 2:
        flat: BoolArray = layer.to_labels(stack.shape)[None] > 0
        return flat
    filled: BoolArray = layer.to_labels((stack.n_frames, *stack.shape)) > 0
    return filled


def _share_grid(layer: Layer, image: Image) -> bool:
    """Return True if a pixel of one is a pixel of the other."""
    corners = np.vstack([np.zeros(layer.ndim), np.eye(layer.ndim)])
    return np.allclose(_to_image_pixels(image, layer, corners), corners)


def _to_image_pixels(image: Image, layer: Layer, points: Any) -> Any:
    """Return points ``(N, ndim)`` of a layer as those of an image, in pixels; first axes may be missing."""
    shared = min(image.ndim, layer.ndim)
    moved = np.array(points, float)
    for point in moved:
        world = np.zeros(max(image.ndim, layer.ndim))
        world[-layer.ndim :] = layer.data_to_world(point)
        point[-shared:] = image.world_to_data(world[-image.ndim :])[-shared:]
    return moved
