"""Layers of one prediction, filled while frames are predicted, and its table per frame."""

from __future__ import annotations

import dataclasses
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd
from napari.components import ViewerModel
from napari.layers import Image, Layer

from napari_cellforce.fields import (
    PASCAL,
    FloatArray,
    FrameResult,
    PixelSize,
    Progress,
    Provenance,
    ScalarField,
    Unit,
    VectorField,
    X,
    Y,
)
from napari_cellforce.io.temp_arrays import allocate
from napari_cellforce.layers import (
    METADATA_KEY,
    ArrowStyle,
    LayerLabel,
    MagnitudeStyle,
    Placement,
    magnitude_layer,
    reference_length,
    scalar_layer,
    screen_angle,
    upper_limit,
)
from napari_cellforce.results import frame_row
from napari_cellforce.viewer.coordinates import show_frame, shown_frame, to_pixels
from napari_cellforce.viewer.result_layers import mark_source, results_of
from napari_cellforce.widgets.shared.live_arrows import LiveArrows

PER_FRAME_NOTE = "Tractions are normalised per frame: they show where the cell pulls, not how strongly."
"""Note on results that must not be compared between frames."""


class PredictionLayers:
    """Predicted frames, and the layers that show them.

    Parameters
    ----------
    viewer : ViewerModel
    shape : tuple of 3 int
        Shape (T, Y, X) of the input.
    unit : str
    pixel_size : PixelSize
    frame_interval : float or None
        Frame interval in minutes.
    frame : Placement
        Placement of the input layer.
    label : LayerLabel
    provenance : Provenance
    arrow_style : ArrowStyle
    source : Layer, optional
        The image in the viewer.
    scalar_unit : callable
        Returns the unit of an inner field of the model by its name.
    """

    def __init__(
        self,
        viewer: ViewerModel,
        *,
        shape: tuple[int, int, int],
        unit: Unit,
        pixel_size: PixelSize,
        frame_interval: float | None,
        frame: Placement,
        label: LayerLabel,
        provenance: Provenance,
        arrow_style: ArrowStyle,
        source: Layer | None = None,
        scalar_unit: Callable[[str], str] = lambda _: "",
    ) -> None:
        frames, height, width = shape
        self._model_unit, self._scalar_unit = unit, scalar_unit
        self._viewer, self._frame, self._label, self._arrow_style = viewer, frame, label, arrow_style
        self._source = source
        self.field = VectorField(
            data=allocate((frames, 2, height, width)),
            quantity="traction",
            unit=unit,
            pixel_size=pixel_size,
            frame_interval=frame_interval,
            mask=allocate(shape, bool),
            name=label.cell,
            provenance=provenance,
        )
        self._extra: dict[str, Any] = {}
        self.rows: list[dict[str, float]] = []
        self.layers: list[Layer] = []
        self.arrows: LiveArrows | None = None

    @property
    def table(self) -> pd.DataFrame:
        """One row per predicted frame, with units in the column names."""
        return pd.DataFrame(self.rows)

    def columns(self) -> dict[str, list[float]]:
        """Return the table as lists, which is faster than a data frame during a prediction."""
        return {name: [row[name] for row in self.rows] for name in self.rows[0]}

    @property
    def reference(self) -> float:
        """Magnitude of the longest arrows, in the unit of the field."""
        return self.arrows.reference if self.arrows is not None else 1.0

    @property
    def shown_frame(self) -> int:
        """The frame that the viewer shows."""
        return shown_frame(self._viewer, self.layers[0], len(self.field.data)) if self.layers else 0

    def go_to(self, frame: int) -> None:
        """Let the viewer show a frame."""
        if self.layers:
            show_frame(self._viewer, self.layers[0], frame)

    @property
    def predicted_frames(self) -> tuple[int, ...]:
        """Indices of the predicted frames."""
        return tuple(int(row["frame"]) for row in self.rows)

    def add(self, result: FrameResult, row: dict[str, float]) -> None:
        """Add one frame and its row of the table, and show it."""
        t = result.frame
        self.field.data[t] = result.traction
        if result.mask is not None:
            self.field.mask[t] = result.mask
        for name, values in self._scalars(result).items():
            self._extra.setdefault(name, allocate(self.field.mask.shape))[t] = values
        self.rows.append(row)
        if not self.layers:
            self.show()
        self._refresh(t)

    def predicted_field(self) -> VectorField:
        """Return the field of the predicted frames, for saving."""
        frames = self.predicted_frames
        if len(frames) == len(self.field.data):
            return self.field
        chosen = list(frames)
        return dataclasses.replace(
            self.field, data=self.field.data[chosen], mask=self.field.mask[chosen], frames=frames
        )

    def uncertainty(self) -> ScalarField | None:
        """Return the uncertainty of the predicted frames, for saving; None if there is none."""
        if "uncertainty" not in self._extra:
            return None
        whole = self._scalar_field("uncertainty")
        provenance = self.field.provenance
        return dataclasses.replace(whole, data=whole.data[list(self.predicted_frames)], provenance=provenance)

    def restyle(self, arrow_style: ArrowStyle) -> None:
        """Redraw the arrows with another spacing or threshold."""
        self._arrow_style = arrow_style
        if self.arrows is not None:
            self.arrows.restyle(arrow_style)

    def value_at(self, position: tuple[float, ...]) -> tuple[float, float] | None:
        """Return traction and direction (degrees, counter-clockwise on screen) at a world position.

        None outside the cell.
        """
        if not self.layers:
            return None
        index = np.round(to_pixels(self._viewer, self.layers[0], position)).astype(int)
        y, x = index[-2:]
        t = int(index[-3]) if self._frame.ndim == 3 else 0
        frames, height, width = self.field.mask.shape
        if not (0 <= t < frames and 0 <= y < height and 0 <= x < width and self.field.mask[t, y, x]):
            return None
        vector = self.field.data[t, :, y, x]
        return float(np.hypot(*vector)), float(screen_angle(vector[Y], vector[X]))

    def calibrate(self, factor: float) -> Iterator[Progress]:
        """Multiply the tractions by `factor` to convert them to Pa; run it off the GUI thread.

        Call `show` afterwards to update the layers.
        """
        settings = {**self.field.provenance.settings, "calibration factor [Pa]": factor}
        provenance = dataclasses.replace(self.field.provenance, settings=settings)
        field = dataclasses.replace(self.field, unit=PASCAL, provenance=provenance)
        forces = [values for name, values in self._extra.items() if self._is_force(name)]
        rows = []
        for i, t in enumerate(self.predicted_frames):
            field.data[t] *= factor
            for values in forces:
                values[t] *= factor
            rows.append(
                frame_row(t, field.data[t], field.mask[t], field.pixel_size, field.unit, field.frame_interval)
            )
            yield Progress("Calibrating", i + 1, len(self.rows))
        self.field, self.rows = field, rows
        self._arrow_style = dataclasses.replace(
            self._arrow_style, threshold=self._arrow_style.threshold * factor
        )

    def show(self) -> None:
        """Add the layers to the viewer, replacing the previous ones."""
        self._remove_earlier_results()
        first = self.field.data[self.predicted_frames[0]]
        magnitude = Layer.create(*magnitude_layer(self.field, self._frame, self._label, MagnitudeStyle()))
        magnitude.contrast_limits = (0.0, upper_limit(np.hypot(first[Y], first[X])))
        magnitude.colorbar.visible = True
        scalars = [
            Layer.create(*scalar_layer(self._scalar_field(name), self._frame, self._label))
            for name in self._extra
        ]
        reference = reference_length(np.moveaxis(first, 0, -1))
        self.arrows = LiveArrows(
            self._viewer, self.field, self._frame, self._label, self._arrow_style, reference
        )
        self.layers = [*scalars, magnitude, self.arrows.layer]
        for layer in self.layers:
            mark_source(layer, self._source, self.field.provenance.input_file)
        with _preserve_selection(self._viewer):
            self._viewer.layers.extend(self.layers)
        self._viewer.canvas.overlays.scale_bar.visible = self._frame.units[-1] != "pixel"

    def _remove_earlier_results(self) -> None:
        """Remove the layers of earlier predictions of the image by this model, and hide those by others.

        Two overlaid fields of arrows cannot be distinguished.
        """
        self.layers, earlier = [], []
        path = self.field.provenance.input_file
        for layer in results_of(self._viewer, self._source, path, self._label.cell):
            ours = layer.metadata[METADATA_KEY]
            if not ours.get("model") or ours["role"] not in ("magnitude", "arrows", "scalar"):
                continue
            if ours["model"] == self._label.model:
                earlier.append(layer)
            else:
                layer.visible = False
        if earlier:
            with _defer_garbage_collection():
                for layer in earlier:
                    self._viewer.layers.remove(layer)

    def _refresh(self, t: int) -> None:
        """Refresh the layers if frame `t` is displayed."""
        if self.arrows is None or (self._frame.ndim == 3 and self.arrows.frame_index != t):
            return
        for layer in self.layers:
            if isinstance(layer, Image):
                if self._frame.ndim == 2:
                    layer.data = self._still(layer)
                layer.refresh()
        self.arrows.redraw()

    def _still(self, layer: Image) -> FloatArray:
        """Return the data of an image layer without a time axis."""
        name = layer.metadata[METADATA_KEY].get("name")
        if name:
            still: FloatArray = self._extra[name][0]
            return still
        y, x = self.field.data[0]
        length: FloatArray = np.hypot(y, x)
        return length

    def _scalars(self, result: FrameResult) -> dict[str, FloatArray]:
        scalars = dict(result.scalars)
        if result.uncertainty is not None:
            scalars["uncertainty"] = result.uncertainty
        return scalars

    def _is_force(self, name: str) -> bool:
        """Return True if a field has the unit of the tractions and is calibrated with them."""
        return name == "uncertainty" or self._scalar_unit(name) == self._model_unit

    def _scalar_field(self, name: str) -> ScalarField:
        unit = self.field.unit if self._is_force(name) else self._scalar_unit(name)
        return ScalarField(self._extra[name], name, unit, self.field.pixel_size, self.field.frame_interval)


@contextmanager
def _preserve_selection(viewer: ViewerModel) -> Iterator[None]:
    """Keep the selection while layers are added: it is the image that the user works on.

    Selection events in between are blocked, which would change the layer controls with each layer.
    """
    selection = viewer.layers.selection
    active, chosen = selection.active, set(selection)
    with selection.events.blocker_all():
        yield
        selection.clear()
        selection.update(chosen)
        selection.active = active


@contextmanager
def _defer_garbage_collection() -> Iterator[None]:
    """Collect garbage once, instead of 0.2 s per removed layer, as napari does."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.collect()
