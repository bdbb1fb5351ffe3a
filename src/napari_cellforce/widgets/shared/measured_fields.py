"""The vector fields among the viewer's layers, and new ones put there."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from napari.components import ViewerModel
from napari.layers import Labels, Layer

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import VectorField
from napari_cellforce.io.measured import ORIGIN
from napari_cellforce.layers import (
    DEFAULT_THRESHOLD,
    METADATA_KEY,
    ArrowStyle,
    LayerLabel,
    Placement,
    magnitude_layer,
    reference_length,
)
from napari_cellforce.widgets.shared.input_layers import input_images, layer_role
from napari_cellforce.widgets.shared.live_arrows import LiveArrows

MEASURED = "FTTC"
"""What the provenance calls the model of a traction that was measured."""

COMPARED = "compared"
"""Marks the layers of a comparison in their metadata: they are no fields to choose."""


@dataclass(frozen=True, eq=False)
class DisplayedField:
    """A field that the viewer shows.

    Attributes
    ----------
    field : VectorField
    corner : tuple of 2 float
        Where in the world the point lies from which the field's origin is counted, (y, x) in µm.
    layers : tuple of Layer
        That show it.
    """

    field: VectorField
    corner: tuple[float, float]
    layers: tuple[Layer, ...]

    @property
    def title(self) -> str:
        """Model, name and unit."""
        model = self.field.provenance.model
        return f"{f'{model}: ' if model else ''}{self.field.name or 'field'} [{self.field.unit}]"

    @property
    def predicted(self) -> bool:
        """True if a model made it that is no measurement."""
        return self.field.provenance.model not in ("", MEASURED)


def displayed_fields(viewer: ViewerModel) -> list[DisplayedField]:
    """Return the fields behind the viewer's layers, topmost first, each once."""
    found: dict[int, list[Layer]] = {}
    for layer in reversed(viewer.layers):
        ours = layer.metadata.get(METADATA_KEY, {})
        if layer_role(layer) in ("magnitude", "arrows") and "field" in ours and not ours.get(COMPARED):
            found.setdefault(id(ours["field"]), []).append(layer)
    return [_shown(layers) for layers in found.values()]


def origin_of(field: VectorField) -> tuple[float, float]:
    """Return where the field begins, (y, x) in µm from the corner of the image it was measured on."""
    y, x = field.provenance.settings.get(ORIGIN, (0.0, 0.0))
    return float(y), float(x)


def placement_of_field(
    corner: tuple[float, float], field: VectorField, origin: tuple[float, float], *, still: bool
) -> Placement:
    """Return the place of the layers of a field.

    Parameters
    ----------
    corner : tuple of 2 float
        See `DisplayedField`.
    field : VectorField
    origin : tuple of 2 float
        See `origin_of`.
    still : bool
        True for layers without time.
    """
    size = field.pixel_size
    y, x = (c + o + s / 2 for c, o, s in zip(corner, origin, (size.y, size.x), strict=True))
    frame = Placement.of(size, field.frame_interval)
    return dataclasses.replace(frame, translate=(0.0, y, x), ndim=2 if still else 3)


def corner_of_images(viewer: ViewerModel) -> tuple[float, float]:
    """Return the world position of the corner of the topmost image: half a pixel before its first centre."""
    for layer in input_images(viewer):
        y, x = (float(t - s / 2) for t, s in zip(layer.translate[-2:], layer.scale[-2:], strict=True))
        return y, x
    return 0.0, 0.0


def labels_on_grid(layer: Labels, field: VectorField, viewer: ViewerModel) -> npt.NDArray[np.integer[Any]]:
    """Return a Labels layer on the grid of a field, ``(Y, X)`` or ``(T, Y, X)``: the nearest pixel of each.

    Raises
    ------
    CellForceError
        If the layer has other axes than time, y and x.
    """
    if layer.ndim not in (2, 3):
        raise CellForceError(
            f"{layer.name} has {layer.ndim} axes",
            "regions are drawn in the plane, for all frames or for each",
            "Choose a Labels layer of two or three axes.",
            topic=Topic.REGIONS,
        )
    sides = layer.data.shape[-2:]
    if sides == field.data.shape[2:]:  # drawn on the images themselves
        return np.asarray(layer.data)
    corner, origin = corner_of_images(viewer), origin_of(field)
    places = []
    for axis, n in zip((-2, -1), field.data.shape[2:], strict=True):
        start = corner[axis] + origin[axis] + field.pixel_size.micron / 2
        world = start + field.pixel_size.micron * np.arange(n)
        places.append(np.rint((world - layer.translate[axis]) / layer.scale[axis]).astype(int))
    inside = [(place >= 0) & (place < side) for place, side in zip(places, sides, strict=True)]
    rows, columns = (np.clip(place, 0, side - 1) for place, side in zip(places, sides, strict=True))
    labels = np.asarray(layer.data)[..., rows[:, None], columns]
    found: npt.NDArray[np.integer[Any]] = labels * np.outer(*inside)
    return found


def show_field(
    viewer: ViewerModel, field: VectorField, arrow_style: ArrowStyle, *, visible: bool = True, **entries: Any
) -> list[Layer]:
    """Add magnitude and arrows of a field; those of a field of the same name and model are replaced."""
    label = LayerLabel(field.name, field.provenance.model, entries)
    for layer in list(viewer.layers):
        ours = layer.metadata.get(METADATA_KEY, {})
        same = (ours.get("cell"), ours.get("model")) == (label.cell, label.model)
        same = same and getattr(ours.get("field"), "quantity", "") == field.quantity
        if same and layer_role(layer) in ("magnitude", "arrows") and not ours.get(COMPARED):
            viewer.layers.remove(layer)
    place = placement_of_field(corner_of_images(viewer), field, origin_of(field), still=len(field.data) == 1)
    magnitude = Layer.create(*magnitude_layer(field, place, label))
    magnitude.colorbar.visible = True
    reference = reference_length(field.data[0].transpose(1, 2, 0))
    arrow_style = dataclasses.replace(arrow_style, threshold=DEFAULT_THRESHOLD * reference)
    arrows = LiveArrows(viewer, field, place, label, arrow_style, reference)
    layers = [magnitude, arrows.layer]
    for layer in layers:
        layer.visible = visible
    active = viewer.layers.selection.active
    viewer.layers.extend(layers)
    viewer.layers.selection.active = active
    return layers


def _shown(layers: list[Layer]) -> DisplayedField:
    layer = layers[0]
    field: VectorField = layer.metadata[METADATA_KEY]["field"]
    size = (field.pixel_size.y, field.pixel_size.x)
    y, x = (
        float(place) - side / 2 - start
        for place, side, start in zip(layer.translate[-2:], size, origin_of(field), strict=True)
    )
    return DisplayedField(field, (y, x), tuple(layers))
