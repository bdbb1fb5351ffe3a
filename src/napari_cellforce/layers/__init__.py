"""Fields to napari layer tuples, without napari: where they sit, how they look."""

from napari_cellforce.layers.arrows import (
    Arrows,
    ArrowStyle,
    default_spacing,
    reference_length,
    screen_angle,
    smallest_spacing,
)
from napari_cellforce.layers.layer_tuples import (
    DEFAULT_THRESHOLD,
    METADATA_KEY,
    LayerLabel,
    LayerTuple,
    MagnitudeStyle,
    Placement,
    arrow_features,
    arrow_layer,
    field_layers,
    image_layers,
    magnitude_layer,
    mask_layer,
    scalar_layer,
    upper_limit,
)
from napari_cellforce.layers.lazy_arrays import Edges, Magnitude

__all__ = [
    "DEFAULT_THRESHOLD",
    "METADATA_KEY",
    "ArrowStyle",
    "Arrows",
    "Edges",
    "LayerLabel",
    "LayerTuple",
    "Magnitude",
    "MagnitudeStyle",
    "Placement",
    "arrow_features",
    "arrow_layer",
    "default_spacing",
    "field_layers",
    "image_layers",
    "magnitude_layer",
    "mask_layer",
    "reference_length",
    "scalar_layer",
    "screen_angle",
    "smallest_spacing",
    "upper_limit",
]
