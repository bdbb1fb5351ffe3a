"""Conversion of napari layers to an image stack that can be written with its pixel size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import ImageStack, PixelSize
from napari_cellforce.io import units
from napari_cellforce.io.paths import format_shape


def stack_from_layers(layers: Sequence[tuple[Any, dict[str, Any], str]]) -> ImageStack:
    """Return Image layers, or Labels layers, as the channels of one stack.

    Parameters
    ----------
    layers : sequence of (data, attributes, layer type)
        At least one layer, in the form that napari passes to writers.

    Raises
    ------
    CellForceError
        If the layers are of other or of several types, coloured, of different shapes, or have more axes
        than (T, Y, X).
    """
    import dask.array as da  # takes 0.6 s to load

    kinds = {kind for _, _, kind in layers}
    shapes = {_frames(data, attributes).shape for data, attributes, _ in layers}
    coloured = any(attributes.get("rgb") for _, attributes, _ in layers)
    if len(kinds) > 1 or not kinds <= {"image", "labels"} or coloured or len(shapes) > 1:
        listed = ", ".join(str(attributes.get("name")) for _, attributes, _ in layers)
        raise CellForceError(
            f"{listed} cannot be written to one file",
            "a file holds Image layers or Labels layers, of one shape and without colours",
            "Save them one by one (as .tif if necessary), or choose the |F| or arrow layer of a prediction.",
            topic=Topic.OUTPUT,
        )
    _, first, _ = layers[0]
    size, interval = _sampling(first)
    channels = [_lazy(_frames(data, attributes), kind) for data, attributes, kind in layers]
    names = tuple(str(attributes.get("name", "")) for _, attributes, _ in layers)
    return ImageStack(da.stack(channels, axis=1), names, size, interval, names[0])


def _frames(data: Any, attributes: dict[str, Any]) -> Any:
    """Return the data of a layer at full resolution, (T, Y, X) or (Y, X)."""
    full = data[0] if attributes.get("multiscale") else data
    if full.ndim not in (2, 3):
        raise CellForceError(
            f"{attributes.get('name')} is {format_shape(tuple(full.shape))}",
            "an image has height, width and optionally time",
            "Save it as .tif, or split it (right-click the layer > Split Stack) and save the parts.",
            topic=Topic.OUTPUT,
        )
    return full


def _lazy(data: Any, kind: str) -> Any:
    """Return a dask array with one chunk per frame; labels in the smallest dtype (OME has no int64)."""
    if kind == "labels":
        data = np.asarray(data)
        data = data.astype(np.min_scalar_type(data.max(initial=0)))
    return as_dask(data)


def _sampling(attributes: dict[str, Any]) -> tuple[PixelSize | None, float | None]:
    """Return pixel size and minutes between frames, if the units of the layer define them."""
    scale, names = attributes.get("scale", ()), [str(unit) for unit in attributes.get("units", ())]
    if len(scale) < 2 or len(names) != len(scale):
        return None, None
    y, x = (units.micron(side, unit) for side, unit in zip(scale[-2:], names[-2:], strict=True))
    size = None if y is None or x is None else PixelSize(y, x, "layer")
    return size, units.minutes(scale[0], names[0]) if len(scale) == 3 else None


def as_dask(data: Any) -> Any:
    """Return data as a ``(T, Y, X)`` dask array, one chunk per frame, without the copy of ``from_array``.

    Parameters
    ----------
    data : (T, Y, X) or (Y, X) array
        Numpy array, memory-mapped file or similar object; a dask array keeps its chunks.
    """
    import dask.array as da  # takes 0.6 s to load

    if data.ndim == 2:
        data = data[None]
    if isinstance(data, da.Array):
        return data
    return da.from_array(_LazyArray(data), chunks=(1, *data.shape[1:]), name=False)


class _LazyArray:
    """Wrapper that dask does not recognise as a numpy array and therefore does not copy."""

    def __init__(self, data: Any) -> None:
        self._data = data
        self.shape, self.dtype, self.ndim = tuple(data.shape), data.dtype, data.ndim

    def __getitem__(self, index: Any) -> Any:
        return np.asarray(self._data[index])
