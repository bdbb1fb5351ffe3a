"""Vector fields displayed in the viewer: listing them and adding new ones."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from napari.components import ViewerModel
from napari.layers import Image, Layer

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import PixelSize, VectorField
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
from napari_cellforce.viewer.coordinates import pixel_size_of, place_of
from napari_cellforce.viewer.images import input_images, layer_role, path_of
from napari_cellforce.viewer.result_layers import mark_source, results_of
from napari_cellforce.widgets.shared.live_arrows import LiveArrows

MEASURED = "FTTC"
"""Model name in the provenance of a measured traction."""

COMPARED = "compared"
"""Metadata key of the layers of a comparison: they are not listed as fields."""


@dataclass(frozen=True, eq=False)
class DisplayedField:
    """A field displayed in the viewer.

    Attributes
    ----------
    field : VectorField
    layers : tuple of Layer
        That show it, on the grid of the field.
    """

    field: VectorField
    layers: tuple[Layer, ...]

    @property
    def title(self) -> str:
        """Model, name and unit of the field."""
        model = self.field.provenance.model
        return f"{f'{model}: ' if model else ''}{self.field.name or 'field'} [{self.field.unit}]"

    @property
    def predicted(self) -> bool:
        """True if the field was predicted by a model."""
        return self.field.provenance.model not in ("", MEASURED)


def displayed_fields(viewer: ViewerModel) -> list[DisplayedField]:
    """Return the fields behind the viewer's layers, topmost first, each once."""
    found: dict[VectorField, list[Layer]] = {}
    for layer in reversed(viewer.layers):
        ours = layer.metadata.get(METADATA_KEY, {})
        if layer_role(layer) in ("magnitude", "arrows") and "field" in ours and not ours.get(COMPARED):
            found.setdefault(ours["field"], []).append(layer)
    return [DisplayedField(field, tuple(layers)) for field, layers in found.items()]


def origin_of(field: VectorField) -> tuple[float, float]:
    """Return the origin of the field, (y, x) in µm from the corner of the image on which it was measured."""
    y, x = field.provenance.settings.get(ORIGIN, (0.0, 0.0))
    return float(y), float(x)


def place_beside(
    shown: DisplayedField, field: VectorField, origin: tuple[float, float], *, still: bool
) -> Placement:
    """Return the place of another field that was computed with one that is shown.

    Parameters
    ----------
    shown : ShownField
    field : VectorField
        On a grid of its own.
    origin : tuple of 2 float
        See `origin_of`; counted from the same corner as that of the shown field.
    still : bool
        True for layers without a time axis.
    """
    own = shown.field.pixel_size
    start = tuple(b - a for a, b in zip(origin_of(shown.field), origin, strict=True))
    return _placed(grid_layer(shown), own, field.pixel_size, (start[0], start[1]), still=still)


def place_on(image: Layer, used: PixelSize, field: VectorField, *, still: bool) -> Placement:
    """Return the place of a field that was measured on an image.

    Parameters
    ----------
    image : Layer
    used : PixelSize
        What was taken for the image's, in µm: typed by the user, or the layer's own.
    field : VectorField
    still : bool
        True for layers without a time axis.
    """
    return _placed(image, used, field.pixel_size, origin_of(field), still=still)


def _placed(
    layer: Layer, used: PixelSize, wanted: PixelSize, start: tuple[float, float], *, still: bool
) -> Placement:
    """Return the place of pixels of another size that begin `start` µm after the corner of a layer."""
    sides, own = (wanted.y, wanted.x), (used.y, used.x)
    ratio = tuple(side / pixel for side, pixel in zip(sides, own, strict=True))
    middle = tuple((s + side / 2) / pixel - 0.5 for s, side, pixel in zip(start, sides, own, strict=True))
    frame = place_of(layer, ratio=(ratio[0], ratio[1]), start=(middle[0], middle[1]))
    return frame.without_time() if still else frame


def source_of(viewer: ViewerModel, field: VectorField) -> Image | None:
    """Return the image in the viewer that a field says it was made from; None if it is not open."""
    path = field.provenance.input_file
    found = (layer for layer in input_images(viewer) if path and path_of(layer) == path)
    return next(found, None)


def grid_layer(shown: DisplayedField) -> Layer:
    """Return the layer of a field whose pixels are the field's own: its magnitude, if that is there."""
    return next((layer for layer in shown.layers if isinstance(layer, Image)), shown.layers[0])


def layer_of(viewer: ViewerModel, field: VectorField) -> Layer:
    """Return the layer in the viewer whose pixels are those of a field.

    Raises
    ------
    CellForceError
        If it was deleted.
    """
    for shown in displayed_fields(viewer):
        if shown.field is field:
            return grid_layer(shown)
    raise CellForceError(
        f"the layers of {field.name or 'the field'} were deleted",
        "regions are taken where they lie on them",
        "Compute the field again, or open it again.",
        topic=Topic.REGIONS,
    )


def show_field(
    viewer: ViewerModel,
    field: VectorField,
    arrow_style: ArrowStyle,
    *,
    on: tuple[Layer, PixelSize] | None = None,
    beside: DisplayedField | None = None,
    visible: bool = True,
    **entries: Any,
) -> list[Layer]:
    """Add magnitude and arrows of a field, in place of those of the same origin and model.

    Parameters
    ----------
    viewer : ViewerModel
    field : VectorField
    arrow_style : ArrowStyle
    on : tuple of Layer and PixelSize, optional
        The image that it was measured on, and the pixel size that was taken for it. By default the open image
        that the field names as its source; where there is none, it lies at the corner of the world.
    beside : ShownField, optional
        A field that it was computed from, in place of an image.
    visible : bool
    **entries
        For the metadata of the layers.
    """
    source, place = _place_of_field(viewer, field, on, beside)
    label = LayerLabel(field.name, field.provenance.model, entries)
    for layer in results_of(viewer, source, field.provenance.input_file, field.name):
        ours = layer.metadata[METADATA_KEY]
        same = ours.get("model") == label.model
        same = same and getattr(ours.get("field"), "quantity", "") == field.quantity
        if same and layer_role(layer) in ("magnitude", "arrows") and not ours.get(COMPARED):
            viewer.layers.remove(layer)
    magnitude = Layer.create(*magnitude_layer(field, place, label))
    magnitude.colorbar.visible = True
    reference = reference_length(field.data[0].transpose(1, 2, 0))
    arrow_style = dataclasses.replace(arrow_style, threshold=DEFAULT_THRESHOLD * reference)
    arrows = LiveArrows(viewer, field, place, label, arrow_style, reference)
    layers = [magnitude, arrows.layer]
    for layer in layers:
        mark_source(layer, source, field.provenance.input_file)
        layer.visible = visible
    active = viewer.layers.selection.active
    viewer.layers.extend(layers)
    viewer.layers.selection.active = active
    return layers


def _place_of_field(
    viewer: ViewerModel,
    field: VectorField,
    on: tuple[Layer, PixelSize] | None,
    beside: DisplayedField | None,
) -> tuple[Layer | None, Placement]:
    """Return the layer that a field comes from, if it is known, and the place of the field."""
    still = len(field.data) == 1
    if beside is not None:
        return grid_layer(beside), place_beside(beside, field, origin_of(field), still=still)
    image = source_of(viewer, field) if on is None else None
    size = pixel_size_of(image) if image is not None else None
    if image is not None and size is not None:
        on = image, size
    if on is None:
        return None, _at_the_corner(field, still=still)
    return on[0], place_on(*on, field, still=still)


def _at_the_corner(field: VectorField, *, still: bool) -> Placement:
    """Return the place of a field whose image is not known."""
    size = field.pixel_size
    y, x = (o + s / 2 for o, s in zip(origin_of(field), (size.y, size.x), strict=True))
    frame = Placement.of(size, field.frame_interval)
    return dataclasses.replace(frame, translate=(0.0, y, x), ndim=2 if still else 3)
