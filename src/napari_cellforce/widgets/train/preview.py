"""A validation cell in the viewer: its image, its measured traction, and what is predicted so far."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Layer, Points

from napari_cellforce.fields import FloatArray, PixelSize, VectorField
from napari_cellforce.layers import (
    ArrowStyle,
    LayerLabel,
    Placement,
    magnitude_layer,
    reference_length,
    upper_limit,
)
from napari_cellforce.layers.layer_tuples import DEFAULT_THRESHOLD, contrast_limits
from napari_cellforce.widgets.shared.live_arrows import LiveArrows

if TYPE_CHECKING:
    from napari_cellforce.train.preview import Preview

MEASURED, PREDICTED = "measured", "predicted"
_GAP = 0.05
"""Between the pictures, as a share of their width."""

_GREY = "#808080"
"""Of captions: about 4 : 1 against the canvas of napari's dark and its light theme."""


class TrainPreview:
    """Three pictures side by side, the last of which changes after every pass.

    Parameters
    ----------
    viewer : ViewerModel
    arrow_style : ArrowStyle
    """

    def __init__(self, viewer: ViewerModel, arrow_style: ArrowStyle) -> None:
        self._viewer, self._arrow_style = viewer, arrow_style
        self._layers: list[Layer] = []
        self._field: VectorField | None = None
        self._length: Image | None = None
        self._arrows: LiveArrows | None = None

    @property
    def layers(self) -> tuple[Layer, ...]:
        """What is in the viewer."""
        return tuple(self._layers)

    def show(self, preview: Preview) -> None:
        """Show a prediction in the place of the last one."""
        if self._field is None or any(layer not in self._viewer.layers for layer in self._layers):
            self._begin(preview)
        assert self._field is not None
        assert self._length is not None
        assert self._arrows is not None
        self._field.data[0] = preview.predicted
        self._length.data = np.hypot(*preview.predicted)
        self._arrows.redraw()

    def remove(self) -> None:
        """Take the pictures away."""
        for layer in self._layers:
            if layer in self._viewer.layers:
                self._viewer.layers.remove(layer)
        self._layers, self._field = [], None

    def _begin(self, preview: Preview) -> None:
        self.remove()
        left = self._free_space()
        step = preview.mask.shape[1] * preview.pixel_size * (1 + _GAP)
        self._add_image(preview, left)
        reference = reference_length(np.moveaxis(preview.measured, 0, -1))
        limit = upper_limit(np.hypot(*preview.measured))
        self._add_field(preview, preview.measured, MEASURED, left + step, reference, limit)
        self._add_field(preview, preview.predicted, PREDICTED, left + 2 * step, reference, limit)
        self._add_captions(preview, [left + i * step for i in range(3)])
        self._viewer.reset_view()

    def _add_image(self, preview: Preview, left: float) -> None:
        layer = Image(
            preview.image,
            name=f"image {preview.cell} (validation)",
            contrast_limits=contrast_limits(preview.image),
            **_frame(preview, left).attributes,
        )
        self._layers.append(self._viewer.add_layer(layer))

    def _add_field(
        self, preview: Preview, values: FloatArray, what: str, left: float, reference: float, limit: float
    ) -> None:
        """Add |F| and arrows, the measured and the predicted ones drawn alike."""
        field = VectorField(
            values[None].astype(np.float32), "traction", preview.unit, PixelSize.square(preview.pixel_size)
        )
        frame, label = _frame(preview, left), LayerLabel(preview.cell, what)
        length = Layer.create(*magnitude_layer(field, frame, label))
        length.contrast_limits = (0.0, limit)
        length.colorbar.visible = what == MEASURED
        arrow_style = ArrowStyle(
            threshold=DEFAULT_THRESHOLD * reference,
            length=self._arrow_style.length,
            width=self._arrow_style.width,
            colormap=self._arrow_style.colormap,
        )
        arrows = LiveArrows(self._viewer, field, frame, label, arrow_style, reference)
        self._layers += [self._viewer.add_layer(layer) for layer in (length, arrows.layer)]
        self._field, self._length, self._arrows = field, length, arrows

    def _add_captions(self, preview: Preview, lefts: Sequence[float]) -> None:
        """Write above each picture what it is."""
        height, width = (side * preview.pixel_size for side in preview.mask.shape)
        layer = Points(
            [(-0.08 * height, left + width / 2) for left in lefts],
            name=f"captions {preview.cell}",
            size=0.0,
            face_color="transparent",
            border_color="transparent",
            text={"string": ["image", MEASURED, PREDICTED], "size": 12, "color": _GREY},
            units=("micrometer", "micrometer"),
            axis_labels=("y", "x"),
        )
        self._layers.append(self._viewer.add_layer(layer))

    def _free_space(self) -> float:
        """Return where, in µm, the other layers end to the right."""
        if not self._viewer.layers:
            return 0.0
        extent = self._viewer.layers.extent.world
        return float(extent[1][-1] + _GAP * (extent[1][-1] - extent[0][-1]))


def _frame(preview: Preview, left: float) -> Placement:
    size = preview.pixel_size
    return Placement((1.0, size, size), (0.0, 0.0, left), ("pixel", "micrometer", "micrometer"), ndim=2)
