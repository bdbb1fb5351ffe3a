"""Which layers belong to which image: by the layer they were computed from and its file, never by name."""

from __future__ import annotations

import weakref

from napari.components import ViewerModel
from napari.layers import Layer

from napari_cellforce.layers import METADATA_KEY

_SOURCE, _FILE = "source layer", "source file"
"""Entries of our metadata."""


def mark_source(layer: Layer, source: Layer | None, path: str = "") -> None:
    """Note in a layer what it was computed from.

    Parameters
    ----------
    layer : Layer
    source : Layer or None
        The image in the viewer.
    path : str
        The file of the image; empty for data made in memory.
    """
    ours = layer.metadata.setdefault(METADATA_KEY, {})
    ours[_SOURCE] = None if source is None else weakref.ref(source)
    ours[_FILE] = path


def results_of(viewer: ViewerModel, source: Layer | None, path: str, name: str) -> list[Layer]:
    """Return the layers of the viewer that were computed from an image.

    Parameters
    ----------
    viewer : ViewerModel
    source : Layer or None
        The image in the viewer; where a result knows its own, it counts alone.
    path : str
        The file of the image. Two files of one name in different folders are two images.
    name : str
        The name of the cell, by which only data without layer and file are known.
    """
    return [layer for layer in viewer.layers if _belongs(layer, source, path, name)]


def _belongs(layer: Layer, source: Layer | None, path: str, name: str) -> bool:
    ours = layer.metadata.get(METADATA_KEY, {})
    if "role" not in ours or ours["role"] in ("image", "mask"):
        return False
    reference = ours.get(_SOURCE)
    known = None if reference is None else reference()
    if known is not None and known is source:
        return True
    own = ours.get(_FILE) or getattr(getattr(ours.get("field"), "provenance", None), "input_file", "")
    if own or path:
        return bool(own == path)
    if known is not None or source is not None:
        return known is source
    return bool(ours.get("cell") == name)
