"""Arrows of the current frame, redrawn when the frame or the style changes.

A Vectors layer with all arrows of a long movie is slow to step through and slower to restyle;
one frame of at most 64 x 64 arrows takes milliseconds, whatever the length of the movie.
"""

from __future__ import annotations

from typing import Any

from napari.components import ViewerModel
from napari.layers import Vectors

from napari_cellforce.fields import VectorField
from napari_cellforce.layers import (
    METADATA_KEY,
    Arrows,
    ArrowStyle,
    LayerLabel,
    Placement,
    arrow_features,
    arrow_layer,
)
from napari_cellforce.viewer.coordinates import shown_frame


class LiveArrows:
    """Keeps a Vectors layer at the current frame of the viewer, until the layer is removed.

    Parameters
    ----------
    viewer : ViewerModel
    field : VectorField
        Field whose data may still be filled in.
    frame : Placement
    label : LayerLabel
    arrow_style : ArrowStyle
    reference : float
        Magnitude of the longest arrows, in the unit of the field.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        field: VectorField,
        frame: Placement,
        label: LayerLabel,
        arrow_style: ArrowStyle,
        reference: float,
    ) -> None:
        self._viewer, self._field, self._frame = viewer, field, frame
        self.arrow_style, self.reference = arrow_style, reference
        data, attributes, _ = arrow_layer(field, self._arrows(0), frame, label, arrow_style)
        self.layer = Vectors(data, **attributes)
        # The layer keeps this object alive: napari holds only weak references to callbacks.
        self.layer.metadata[METADATA_KEY]["live"] = self
        if self.frame_index:
            self.redraw()
        viewer.dims.events.current_step.connect(self.redraw)
        viewer.layers.events.removed.connect(self._on_removed)

    def restyle(self, arrow_style: ArrowStyle) -> None:
        """Draw with another spacing, threshold or length."""
        self.arrow_style = arrow_style
        self.redraw()

    def redraw(self, event: Any = None) -> None:
        """Draw the arrows of the current frame."""
        del event
        arrows = self._arrows(self.frame_index)
        data, magnitude, angle = arrows.to_vectors(self.arrow_style, self._frame.ndim)
        if self._frame.ndim == 3:
            data[:, 0, 0] = self.frame_index
        self.layer.data = data
        self.layer.features = arrow_features(magnitude, angle, self._field)
        # Set even if unchanged: this makes napari redraw the new data, colours included.
        self.layer.edge_width = self.arrow_style.width * arrows.spacing
        self.layer.edge_contrast_limits = (0.0, self.reference)
        self.layer.refresh_colors(update_color_mapping=False)

    @property
    def frame_index(self) -> int:
        """Index of the displayed frame of the field."""
        return shown_frame(self._viewer, self.layer, len(self._field.data))

    def _arrows(self, t: int) -> Arrows:
        return Arrows.of(self._field.data[t : t + 1], self.arrow_style.spacing, self.reference)

    def _on_removed(self, event: Any) -> None:
        if event.value is self.layer:
            self._viewer.dims.events.current_step.disconnect(self.redraw)
            self._viewer.layers.events.removed.disconnect(self._on_removed)
