"""Preview of the automatic outline: found off the GUI thread, up to the current frame."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from napari.components import ViewerModel
from napari.layers import Labels, Layer
from qtpy.QtCore import QObject, QTimer, Signal

from napari_cellforce.io.temp_arrays import allocate
from napari_cellforce.layers import METADATA_KEY, LayerLabel, mask_layer
from napari_cellforce.predict import LazyCellMask
from napari_cellforce.viewer.coordinates import shown_frame, to_pixels
from napari_cellforce.viewer.images import ChosenImage
from napari_cellforce.widgets.base.worker import Job

_DEBOUNCE = 300
"""Milliseconds without a change before the search starts again."""

_ORPHANED = "left behind"
"""Metadata key of an outline whose panel was closed."""


class OutlinePreview(QObject):
    """Finds the cell of a stack and shows its outline in a Labels layer.

    Signals
    -------
    searching
    found
        The cell was found in the current frame, or in all frames.
    not_found : Exception
    """

    searching = Signal()
    found = Signal()
    not_found = Signal(object)

    def __init__(self, viewer: ViewerModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._image: ChosenImage | None = None
        self._settings: dict[str, Any] = {}
        self._finder: LazyCellMask | None = None
        self._layer: Labels | None = None
        self._n_found = 0
        self._job = Job(self)
        self._job.yielded.connect(self._on_frame)
        self._job.failed.connect(self.not_found)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_DEBOUNCE)
        self._timer.timeout.connect(lambda: self._search())
        viewer.dims.events.current_step.connect(self._on_time)
        viewer.layers.events.removed.connect(self._on_removed)

    def dispose(self) -> None:
        """Disconnect from the viewer and stop the search; the outline layer is not removed."""
        self._timer.stop()
        self._job.cancel()
        if self._layer is not None:
            self._layer.metadata[METADATA_KEY][_ORPHANED] = True
        self._viewer.dims.events.current_step.disconnect(self._on_time)
        self._viewer.layers.events.removed.disconnect(self._on_removed)

    def start_search(self, image: ChosenImage, *, sensitivity: float, at: tuple[float, float] | None) -> None:
        """Start a new search after a short time without further changes."""
        if self._image is None or image.layers != self._image.layers:
            self.hide()
        self._job.cancel()
        self._finder, self._n_found = None, 0
        self._image = image
        self._settings = {"pixel_size": image.pixel_size, "sensitivity": sensitivity, "at": at}
        self._timer.start()

    def finder(self) -> LazyCellMask:
        """Return the search with the present settings; its results are cached."""
        if self._image is None:
            raise ValueError("start_search has not been called")
        if self._finder is None:
            self._finder = LazyCellMask(self._image.stack, **self._settings)
        return self._finder

    @property
    def complete(self) -> bool:
        """True if the cell has been found in all frames."""
        return self._image is not None and self._n_found == self._image.stack.n_frames

    def find_all(self) -> None:
        """Find the cell in all frames, not only up to the current one."""
        if self._image is None:
            return
        self._timer.stop()
        if self.complete:
            self.found.emit()
        else:
            self._search(self._image.stack.n_frames - 1)

    def hide(self) -> None:
        """Remove the outline and stop the search."""
        self._timer.stop()
        self._job.cancel()
        layer, self._layer = self._layer, None
        if layer is not None and layer in self._viewer.layers:
            self._viewer.layers.remove(layer)

    def release(self) -> Labels | None:
        """Convert the outline layer into a mask that the user can edit, and return it."""
        layer, self._layer = self._layer, None
        if layer is not None and self._image is not None:
            layer.metadata[METADATA_KEY]["role"] = "mask"
            layer.name = f"cell {self._image.stack.name}"
        return layer

    def to_pixels(self, position: tuple[float, ...]) -> tuple[float, float] | None:
        """Return a world position in pixels of the image, (y, x)."""
        if self._image is None:
            return None
        y, x = to_pixels(self._viewer, self._image.layers[0], position)[-2:]
        return float(y), float(x)

    def _search(self, last: int | None = None) -> None:
        """Find the cell up to a frame; default: the current frame."""
        if self._layer is None:
            self._show()
        finder, frames = self.finder(), range(self._n_found, (self._time if last is None else last) + 1)

        def find() -> Iterator[tuple[int, Any]]:
            for t in frames:
                yield t, finder[t]

        self.searching.emit()
        self._job.start(find)

    def _show(self) -> None:
        assert self._image is not None
        stack = self._image.stack
        data = allocate((stack.n_frames, *stack.shape), "uint8")
        layer = Layer.create(*mask_layer(data, self._image.frame, LayerLabel(stack.name)))
        layer.contour = 2
        self._n_found = 0
        self._remove_orphaned(stack.name)
        active = self._viewer.layers.selection.active
        self._viewer.add_layer(layer)
        self._viewer.layers.selection.active = active
        self._layer = layer

    def _remove_orphaned(self, cell: str) -> None:
        """Remove the outline of a cell whose panel was closed."""
        for layer in list(self._viewer.layers):
            ours = layer.metadata.get(METADATA_KEY, {})
            if ours.get(_ORPHANED) and ours.get("role") == "outline" and ours.get("cell") == cell:
                self._viewer.layers.remove(layer)

    def _on_frame(self, frame: tuple[int, Any]) -> None:
        t, mask = frame
        layer = self._layer
        if layer is None:
            return
        if layer.ndim == 2:
            layer.data = mask.astype("uint8")
        else:
            layer.data[t] = mask
        self._n_found = t + 1
        if t == self._time:
            layer.refresh()
        if t == self._time or self.complete:
            self.found.emit()

    def _on_time(self, event: Any = None) -> None:
        del event
        if self._layer is not None and not self._job.running and self._time >= self._n_found:
            self._timer.start()

    def _on_removed(self, event: Any) -> None:
        if event.value is self._layer:
            self._layer = None

    @property
    def _time(self) -> int:
        if self._image is None:
            return 0
        return shown_frame(self._viewer, self._image.layers[0], self._image.stack.n_frames)
