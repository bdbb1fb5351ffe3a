"""Single planes of a z-stack that was opened as a maximum projection."""

from __future__ import annotations

import dataclasses

from magicgui.widgets import request_values
from napari.layers import Layer
from napari.viewer import Viewer

from napari_cellforce import io
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.layers import METADATA_KEY, LayerTuple, image_layers


def show_plane(viewer: Viewer) -> None:
    """Ask for a plane of the z-stack of the selected image, and add it as new layers.

    Raises
    ------
    CellForceError
        If no layer of a z-stack that we have read is selected.
    """
    path, planes = _z_stack(viewer.layers.selection.active)
    options = {"annotation": int, "label": f"Plane, 0 to {planes - 1}", "options": {"max": planes - 1}}
    answer = request_values(plane=options, title="One plane of the z-stack")
    for data, attributes, kind in plane_layers(path, answer["plane"]) if answer else ():
        viewer.add_layer(Layer.create(data, attributes, kind))


def plane_layers(path: str, plane: int) -> list[LayerTuple]:
    """Return the layers of one plane (0-based) of the z-stack at `path`, named after the plane."""
    stack = io.read(path, z=plane)
    return image_layers(dataclasses.replace(stack, name=f"{stack.name} plane {plane}"))


def _z_stack(layer: Layer | None) -> tuple[str, int]:
    """Return the file of a layer and its number of planes."""
    ours = {} if layer is None else layer.metadata.get(METADATA_KEY, {})
    if ours.get("planes", 1) == 1:
        raise CellForceError(
            "No z-stack is selected",
            "planes are taken from the file of a layer that CellForce has read",
            "Open the z-stack (File > Open), select its layer, and ask again.",
            topic=Topic.Z,
        )
    return str(ours["path"]), int(ours["planes"])
