"""A small picture of a field's arrows over an image, to see whether they lie and point as they should."""

from __future__ import annotations

import numpy as np
import pyqtgraph as pg
from napari.layers import Image
from qtpy.QtWidgets import QWidget

from napari_cellforce.fields import VectorField
from napari_cellforce.layers import ArrowLook, Arrows
from napari_cellforce.widgets.base.plots import hold_still
from napari_cellforce.widgets.view.measured_fields import origin_of
from napari_cellforce.widgets.view.sources import data_of, pixel_size_of

_SIDE = 340
"""Pixels."""


class ArrowPreview(pg.PlotWidget):
    """The first frame's arrows, in micrometers."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAspectLocked(True)
        self.invertY(True)
        self.setLabel("bottom", "x [µm]")
        self.setLabel("left", "y [µm]")
        hold_still(self)
        self.setFixedSize(_SIDE, _SIDE)
        self.setAccessibleName("First arrows over the image")

    def draw(self, field: VectorField, image: Image | None) -> None:
        """Draw a field, and below it the first frame of an image whose pixel size is known."""
        self.clear()
        if image is not None and pixel_size_of(image) is not None:
            self._draw_image(image)
        arrows = Arrows.of(np.nan_to_num(np.asarray(field.data[:1])))
        data, _, _ = arrows.drawn(ArrowLook(threshold=0.1 * arrows.reference), 2)
        size, origin = field.pixel_size.micron, np.array(origin_of(field))
        starts, ends = ((p + 0.5) * size + origin for p in (data[:, 0], data[:, 0] + data[:, 1]))
        lines = np.stack([starts, ends], axis=1).reshape(-1, 2)
        self.plot(lines[:, 1], lines[:, 0], connect="pairs", pen=pg.mkPen("#4dd0e1", width=1.5))
        tips = {"symbol": "o", "symbolSize": 4, "symbolBrush": "#ffca28", "symbolPen": None}
        self.plot(ends[:, 1], ends[:, 0], pen=None, **tips)
        self.autoRange()

    def _draw_image(self, layer: Image) -> None:
        plane = data_of(layer)[0] if layer.ndim == 3 else data_of(layer)
        coarse = max(1, min(plane.shape) // _SIDE)  # no finer than it is shown
        pixels = np.asarray(plane[::coarse, ::coarse], dtype=float)
        size = pixel_size_of(layer)
        assert size is not None
        item = pg.ImageItem(pixels, axisOrder="row-major", levels=tuple(layer.contrast_limits))
        item.setRect(0, 0, plane.shape[1] * size.x, plane.shape[0] * size.y)
        self.addItem(item)
