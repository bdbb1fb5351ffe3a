"""What came of an explanation, as layers: inner fields, the formula's force, the change by a probe."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Layer

from napari_cellforce.explain.fields_part import scalar_field
from napari_cellforce.fields import FloatArray, ScalarField
from napari_cellforce.layers import METADATA_KEY, Frame, Labelling, MagnitudeLook, scalar_layer
from napari_cellforce.models.symbolic import Formula, FormulaPredictor
from napari_cellforce.predict import Prediction
from napari_cellforce.preprocess.normalise import Baselines

FORMULA, CHANGE = "|F| by the formula", "change of |F| without the adhesion"


class Explanation:
    """Layers of one explained movie; NaN, which napari leaves clear, outside the cell.

    Parameters
    ----------
    viewer : ViewerModel
    job : Prediction
    baselines : Baselines or None
    frame : Frame
        Where the layers sit.
    """

    def __init__(
        self, viewer: ViewerModel, job: Prediction, baselines: Baselines | None, frame: Frame
    ) -> None:
        self._viewer, self.job, self.baselines, self.frame = viewer, job, baselines, frame
        self._label = Labelling(job.stack.name, job.predictor.record.name)
        self._layers: dict[str, Image] = {}
        self._data: dict[str, FloatArray] = {}

    def show_fields(self, fields: dict[str, FloatArray]) -> None:
        """Add the inner fields ``(T, Y, X)`` as layers; the first is seen, the others are a click away."""
        outside = ~np.stack([self.job.mask.frame(t) for t in range(self.job.stack.n_frames)])
        for i, (name, values) in enumerate(fields.items()):
            values[outside] = np.nan
            layer = self._add(name, scalar_field(self.job, name, values), opacity=0.7)
            layer.visible = i == 0

    def show_formula(self, formula: Formula, t: int) -> None:
        """Show the length of the force that a formula gives in frame `t`."""
        predictor = FormulaPredictor(formula, self.job.predictor.record)
        image, mask = self.job.inputs(t, self.baselines), self.job.mask.frame(t)
        traction = predictor.predict_frame(image[:1], mask, self.job.pixel_size).traction
        self._put(FORMULA, np.hypot(*traction), t)

    def show_change(self, change: FloatArray, before: FloatArray, t: int) -> None:
        """Show what became of the length of the force ``(2, Y, X)`` in frame `t`."""
        self._put(CHANGE, np.hypot(*(before + change)) - np.hypot(*before), t)

    def _put(self, name: str, values: FloatArray, t: int) -> None:
        """Show values ``(Y, X)`` in one frame of a layer, which is made if it is not there."""
        layer = self._layers.get(name)
        if layer is None or layer not in self._viewer.layers:
            job = self.job
            one = ScalarField(values[None], name, job.predictor.record.output_unit, job.pixel_size)
            look = {"colormap": MagnitudeLook().colormap} if name == FORMULA else {"opacity": 0.7}
            layer = self._add(name, one, **look)
            self._data[name] = np.full((job.stack.n_frames, *job.stack.shape), np.nan, np.float32)
            layer.data = self.frame.fit(self._data[name])
            for other in self._layers.values():
                other.visible = other is layer
        self._data[name][t] = np.where(self.job.mask.frame(t), values, np.nan)
        layer.refresh()

    def _add(self, name: str, field: ScalarField, **look: Any) -> Image:
        self._remove(field.name)
        data, attributes, kind = scalar_layer(field, self.frame, self._label)
        layer = Layer.create(data, {**attributes, **look}, kind)
        layer.colorbar.visible = True
        active = self._viewer.layers.selection.active
        self._viewer.add_layer(layer)
        self._viewer.layers.selection.active = active
        self._layers[name] = layer
        return layer

    def _remove(self, name: str) -> None:
        """Remove what an earlier explanation of the same cell and model called so."""
        for layer in list(self._viewer.layers):
            ours = layer.metadata.get(METADATA_KEY, {})
            same = (ours.get("cell"), ours.get("model")) == (self._label.cell, self._label.model)
            if same and ours.get("role") == "scalar" and ours.get("name") == name:
                self._viewer.layers.remove(layer)
