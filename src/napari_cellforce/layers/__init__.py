"""Fields to napari layer tuples, without napari: where they sit, how they look."""

from napari_cellforce.layers.arrows import (
    ArrowLook,
    Arrows,
    finest_spacing,
    longest,
    screen_angle,
    usual_spacing,
)
from napari_cellforce.layers.frame import METADATA_KEY, Frame, Labelling
from napari_cellforce.layers.make import (
    USUAL_THRESHOLD,
    LayerTuple,
    MagnitudeLook,
    arrow_features,
    arrow_layer,
    field_layers,
    image_layers,
    magnitude_layer,
    mask_layer,
    scalar_layer,
    upper_limit,
)
from napari_cellforce.layers.views import Edges, Magnitude

__all__ = [
    "METADATA_KEY",
    "USUAL_THRESHOLD",
    "ArrowLook",
    "Arrows",
    "Edges",
    "Frame",
    "Labelling",
    "LayerTuple",
    "Magnitude",
    "MagnitudeLook",
    "arrow_features",
    "arrow_layer",
    "field_layers",
    "finest_spacing",
    "image_layers",
    "longest",
    "magnitude_layer",
    "mask_layer",
    "scalar_layer",
    "screen_angle",
    "upper_limit",
    "usual_spacing",
]
