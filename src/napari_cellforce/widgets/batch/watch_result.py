"""Layers of a growing movie in the viewer."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from napari.components import ViewerModel
from napari.layers import Image, Layer

from napari_cellforce.fields import FrameResult, ImageStack, VectorField, X, Y
from napari_cellforce.io.temp_arrays import allocate
from napari_cellforce.layers import (
    DEFAULT_THRESHOLD,
    METADATA_KEY,
    ArrowStyle,
    LayerLabel,
    MagnitudeStyle,
    Placement,
    image_layers,
    magnitude_layer,
    reference_length,
    upper_limit,
)
from napari_cellforce.layers.lazy_arrays import Magnitude
from napari_cellforce.predict import Prediction
from napari_cellforce.viewer.coordinates import show_frame, shown_frame
from napari_cellforce.widgets.shared.live_arrows import LiveArrows

_INITIAL_CAPACITY = 16
"""Initial capacity in frames."""


class GrowingArray:
    """An array that grows along its first axis; skipped frames are zero.

    Parameters
    ----------
    shape : tuple of int
        Shape of one frame.
    dtype : numpy dtype
    """

    def __init__(self, shape: tuple[int, ...], dtype: npt.DTypeLike = np.float32) -> None:
        self._buffer: Any = allocate((_INITIAL_CAPACITY, *shape), dtype)
        self._length = 0
        self.ndim = 1 + len(shape)
        self.dtype = np.dtype(dtype)

    @property
    def shape(self) -> tuple[int, ...]:
        """Present shape."""
        return self._length, *self._buffer.shape[1:]

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, key: Any) -> Any:
        return self._buffer[: self._length][key]

    def put(self, t: int, values: npt.NDArray[Any]) -> None:
        """Set frame `t`; the array is extended if needed."""
        if t >= len(self._buffer):
            buffer = allocate((2 * max(t, len(self._buffer)), *self._buffer.shape[1:]), self.dtype)
            buffer[: self._length] = self._buffer[: self._length]
            self._buffer = buffer
        self._buffer[t] = values
        self._length = max(self._length, t + 1)


class WatchResult:
    """Predicted frames of a growing movie, and the layers that show them.

    Parameters
    ----------
    viewer : ViewerModel
    job : Prediction
        Prediction job of the first frames.
    arrow_style : ArrowStyle, optional
        Default: arrows of standard length, without the shortest.
    """

    def __init__(self, viewer: ViewerModel, job: Prediction, arrow_style: ArrowStyle | None = None) -> None:
        self._viewer, self._job, self._arrow_style = viewer, job, arrow_style
        self._data = GrowingArray((2, *job.stack.shape))
        self._mask = GrowingArray(job.stack.shape, np.bool_)
        self._frame = Placement.of(job.pixel_size, job.stack.frame_interval)
        self._label = LayerLabel(job.stack.name, job.predictor.record.name)
        self._images: list[Layer] = []
        self._magnitude: Image | None = None
        self._arrows: LiveArrows | None = None
        self.rows: list[dict[str, float]] = []

    @property
    def layers(self) -> list[Layer]:
        """The layers that were added."""
        if self._magnitude is None or self._arrows is None:
            return []
        return [*self._images, self._magnitude, self._arrows.layer]

    @property
    def current_frame(self) -> int:
        """The frame that the viewer shows."""
        if self._magnitude is None:
            return 0
        return shown_frame(self._viewer, self._magnitude, len(self._data))

    def go_to(self, frame: int) -> None:
        """Let the viewer show a frame."""
        if self._magnitude is not None:
            show_frame(self._viewer, self._magnitude, frame)

    def remember(self, field: VectorField, rows: list[dict[str, float]]) -> None:
        """Add results of an earlier watch; they are shown with the next frame."""
        for i, t in enumerate(field.frames):
            self._data.put(t, field.data[i])
            self._mask.put(t, field.mask[i])
        self.rows = rows

    def add(self, result: FrameResult, row: dict[str, float], stack: ImageStack) -> None:
        """Add a frame, and go to it if the last frame is displayed."""
        newest = self._is_newest_shown()
        self._data.put(result.frame, result.traction)
        if result.mask is not None:
            self._mask.put(result.frame, result.mask)
        self.rows.append(row)
        if self._magnitude is None:
            self._show(stack)
        self._grow(stack)
        if newest:
            self.go_to(result.frame)

    def remove(self) -> None:
        """Remove the layers from the viewer."""
        for layer in self.layers:
            if layer in self._viewer.layers:
                self._viewer.layers.remove(layer)

    def _field(self) -> VectorField:
        """Return the frames so far, for saving."""
        frames = [int(row["frame"]) for row in self.rows]
        job = self._job
        return VectorField(
            self._data[frames],
            "traction",
            job.unit,
            job.pixel_size,
            job.stack.frame_interval,
            tuple(frames),
            self._mask[frames],
            job.stack.name,
            job.provenance(),
        )

    def _show(self, stack: ImageStack) -> None:
        field = VectorField(
            self._data,
            "traction",
            self._job.unit,
            self._job.pixel_size,
            stack.frame_interval,
            mask=self._mask,
        )
        first = self._data[-1]
        self._images = [Layer.create(*layer) for layer in image_layers(stack)]
        layer = magnitude_layer(field, self._frame, self._label, MagnitudeStyle())
        self._magnitude = Layer.create(*layer)
        self._magnitude.contrast_limits = (0.0, upper_limit(np.hypot(first[Y], first[X])))
        self._magnitude.colorbar.visible = True
        reference = reference_length(np.moveaxis(first, 0, -1))
        arrow_style = self._arrow_style or ArrowStyle(threshold=DEFAULT_THRESHOLD * reference)
        self._arrows = LiveArrows(self._viewer, field, self._frame, self._label, arrow_style, reference)
        self._viewer.layers.extend(self.layers)
        self._viewer.canvas.overlays.scale_bar.visible = True

    def _grow(self, stack: ImageStack) -> None:
        """Extend the layers to the new length."""
        assert self._magnitude is not None
        assert self._arrows is not None
        for c, layer in enumerate(self._images):
            layer.data = stack.data[: len(self._data), c]
        field = self._field()
        self._magnitude.data = Magnitude(self._data)
        for layer in (self._magnitude, self._arrows.layer):
            layer.metadata[METADATA_KEY]["field"] = field
        self._arrows.redraw()

    def _is_newest_shown(self) -> bool:
        """Return True if the last frame is displayed: the viewer then follows the movie."""
        return len(self._data) < 2 or self.current_frame >= len(self._data) - 1
