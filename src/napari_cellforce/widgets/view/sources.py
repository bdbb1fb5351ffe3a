"""From the viewer's layers to our fields: which layers are images, their pixel size, masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import dask.array as da
import numpy as np
import pint
from napari.components import ViewerModel
from napari.layers import Image, Labels, Layer, Shapes

from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import ImageStack, Mask, PixelSize
from napari_cellforce.layers import METADATA_KEY, Frame

_PIXEL = pint.Unit("pixel")


@dataclass(frozen=True)
class ChosenImage:
    """What a panel works on; equal to another if the layers, their shape and the pixel size are.

    Attributes
    ----------
    layers : tuple of Image
        One for each protein.
    stack : ImageStack
    pixel_size : PixelSize or None
    frame : Frame
        Where results belong.
    """

    layers: tuple[Image, ...]
    stack: ImageStack = field(compare=False)
    pixel_size: PixelSize | None
    frame: Frame


def role(layer: Layer) -> str:
    """Return what we made the layer for (``"magnitude"``, ``"outline"`` ...); empty for others' layers."""
    return str(layer.metadata.get(METADATA_KEY, {}).get("role", ""))


def images(viewer: ViewerModel) -> list[Image]:
    """Return the layers that may be protein images, topmost first: no results, no RGB."""
    return [
        layer
        for layer in reversed(viewer.layers)
        if isinstance(layer, Image) and not layer.rgb and role(layer) in ("", "image")
    ]


def masks(viewer: ViewerModel) -> list[Labels | Shapes]:
    """Return the layers that may be cell masks, topmost first."""
    return [
        layer
        for layer in reversed(viewer.layers)
        if isinstance(layer, Labels | Shapes) and role(layer) in ("", "mask")
    ]


def pixel_size_of(layer: Layer) -> PixelSize | None:
    """Return the layer's pixel size, or None where its units are pixels."""
    sides = [
        _in_unit(scale, unit, "micrometer") for scale, unit in zip(layer.scale, layer.units, strict=True)
    ]
    y, x = sides[-2:]
    if y is None or x is None or y <= 0 or x <= 0:
        return None
    return PixelSize(y, x, "layer")


def frame_interval_of(layer: Layer) -> float | None:
    """Return the minutes between frames, or None where the layer does not say."""
    return _in_unit(layer.scale[0], layer.units[0], "minute") if layer.ndim == 3 else None


def current_frame(viewer: ViewerModel, frame: Frame, n_frames: int) -> int:
    """Return which frame of a movie with `n_frames` the viewer shows."""
    if frame.ndim == 2 or viewer.dims.ndim < 3:
        return 0
    return min(max(int(viewer.dims.current_step[-3]), 0), n_frames - 1)


def frame_of(layer: Layer) -> Frame:
    """Return where results of this layer belong: on top of it."""
    missing = 3 - layer.ndim
    return Frame(
        scale=(1.0,) * missing + tuple(float(s) for s in layer.scale),
        translate=(0.0,) * missing + tuple(float(s) for s in layer.translate),
        units=("pixel",) * missing + tuple(str(u) for u in layer.units),
        ndim=layer.ndim,
    )


def problem_with(layer: Image) -> CellForceError | None:
    """Return why a layer cannot be predicted as it is, or None."""
    if layer.ndim in (2, 3) and "z" not in tuple(str(a).lower() for a in layer.axis_labels):
        return None
    if layer.ndim == 3:
        return CellForceError(
            f"{layer.name} is a z-stack",
            "tractions are predicted from one plane or a projection",
            "Project it (right-click the layer > Projections > Max), then choose the projection.",
            topic="image",
        )
    return CellForceError(
        f"{layer.name} has {layer.ndim} axes",
        "an image has (time, y, x), one layer a channel",
        "Right-click the layer > Split Stack, then choose the layer of the protein.",
        topic="image",
    )


def stack_of(layers: Sequence[Image]) -> ImageStack:
    """Return the chosen layers as channels of one stack, without copying them.

    Raises
    ------
    CellForceError
        If a layer is no (time, y, x) image, or they differ in size.
    """
    for layer in layers:
        problem = problem_with(layer)
        if problem:
            raise problem
    first = layers[0]
    for layer in layers[1:]:
        if _data(layer).shape != _data(first).shape:
            raise CellForceError(
                f"{first.name} has shape {_data(first).shape} and {layer.name} {_data(layer).shape}",
                "the proteins of a cell must be imaged alike",
                "Choose channels of the same movie.",
                topic="channel",
            )
    channels = [_lazy(_data(layer)) for layer in layers]
    ours = first.metadata.get(METADATA_KEY, {})
    return ImageStack(
        data=da.stack(channels, axis=1),
        channel_names=tuple(layer.name for layer in layers),
        pixel_size=pixel_size_of(first),
        frame_interval=frame_interval_of(first),
        name=str(ours.get("cell") or first.name),
        path=str(ours.get("path") or first.source.path or ""),
    )


def labels_in(layer: Labels | Shapes) -> list[int]:
    """Return the labels of a layer, one for each cell: those of the first frame that has any."""
    if isinstance(layer, Shapes):
        return [1] if len(layer.data) else []
    data = layer.data if layer.ndim == 3 else layer.data[None]
    for frame in data:
        found = np.unique(np.asarray(frame))
        if found.any():
            return [int(label) for label in found if label]
    return []


def mask_of(layer: Labels | Shapes, stack: ImageStack, label: int) -> Mask:
    """Return one cell of a Labels layer, or the shapes of a Shapes layer, as a mask.

    Raises
    ------
    CellForceError
        If the layer is empty.
    """
    if isinstance(layer, Shapes):
        mask = _drawn(layer, stack)
    else:
        labels = np.asarray(layer.data)
        mask = labels == label if labels.ndim == 3 else (labels == label)[None]
    if not mask.any():
        raise CellForceError(
            f"{layer.name} is empty",
            "the cell must be marked in it",
            "Draw the outline of the cell, or let it be found automatically.",
            topic="mask",
        )
    return Mask(mask, layer.name)


def _drawn(layer: Shapes, stack: ImageStack) -> Any:
    """Fill the shapes; those with a time belong to that frame, else to all."""
    if layer.ndim == 2:
        return layer.to_labels(stack.shape)[None] > 0
    return layer.to_labels((stack.n_frames, *stack.shape)) > 0


def _data(layer: Image) -> Any:
    """Return the layer's data at full resolution."""
    return layer.data[0] if layer.multiscale else layer.data


def _lazy(data: Any) -> da.Array:
    """Return ``(T, Y, X)`` data, read a frame at a time."""
    if data.ndim == 2:
        data = data[None]
    if isinstance(data, da.Array):
        return data
    return da.from_array(data, chunks=(1, *data.shape[1:]), name=False)


def _in_unit(scale: float, unit: Any, target: str) -> float | None:
    """Return a scale in the target unit; None where the layer counts in pixels or something else."""
    if unit == _PIXEL:
        return None
    try:
        return float((float(scale) * unit).to(target).magnitude)
    except pint.DimensionalityError:
        return None
