"""What came of an explanation, as layers: inner fields, forces by model and formula, changes by probes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image

from napari_cellforce.explain.config import first_protein
from napari_cellforce.fields import FloatArray
from napari_cellforce.layers import Frame, Labelling
from napari_cellforce.predict import Prediction
from napari_cellforce.preprocess.normalise import Baselines
from napari_cellforce.widgets.explain.field_layers import FieldLayers
from napari_cellforce.widgets.view.sources import current_frame

FORCE, FORMULA = "|F| by the model", "|F| by the formula"
_FORCES = "forces"
_PARTS = ("grad_phi", "psi_grad_chi")


class Explanation:
    """Layers of one explained movie.

    Parameters
    ----------
    viewer : ViewerModel
    job : Prediction
    baselines : Baselines or None
    frame : Frame
        Where the layers sit.
    image : Image
        That was explained.
    """

    def __init__(
        self, viewer: ViewerModel, job: Prediction, baselines: Baselines | None, frame: Frame, image: Image
    ) -> None:
        self._viewer, self.job, self.baselines, self.frame, self.image = viewer, job, baselines, frame, image
        label = Labelling(job.stack.name, job.predictor.record.name)
        self._layers = FieldLayers(viewer, label, frame, (job.stack.n_frames, *job.stack.shape))

    @property
    def unit(self) -> str:
        """Of the model's traction."""
        return str(self.job.predictor.record.output_unit)

    @property
    def protein(self) -> int:
        """Which of the model's inputs is the image that is explained."""
        return self.job.predictor.record.inputs.index(first_protein(self.job))

    def looked_at(self) -> int:
        """Return the frame that the viewer shows."""
        return current_frame(self._viewer, self.frame, self.job.stack.n_frames)

    def show_fields(self, t: int, scalars: Mapping[str, FloatArray]) -> None:
        """Show the inner fields ``(Y, X)`` of a frame; the first is seen, the others are a click away."""
        mask = self.job.mask.frame(t)
        for i, (name, values) in enumerate(scalars.items()):
            unit = self.job.scalar_unit(name)
            self._layers.put(name, values, mask, t, unit, kin=_kin(name), visible=i == 0)

    def show_force(self, t: int, traction: FloatArray) -> None:
        """Show the length of the model's own force ``(2, Y, X)`` in frame `t`."""
        self._put_length(FORCE, t, traction, visible=False)

    def show_formula(self, t: int, traction: FloatArray) -> None:
        """Show the length of a formula's force ``(2, Y, X)`` in frame `t`, coloured like the model's."""
        self._put_length(FORMULA, t, traction, visible=True)

    def show_change(self, name: str, t: int, change: FloatArray, before: FloatArray) -> None:
        """Show what became of the length of the force ``(2, Y, X)`` in frame `t`."""
        values = np.hypot(*(before + change)) - np.hypot(*before)
        self._layers.put(name, values, self.job.mask.frame(t), t, self.unit)
        self._layers.show_only(name)

    def _put_length(self, name: str, t: int, traction: FloatArray, *, visible: bool) -> None:
        values, mask = np.hypot(*traction), self.job.mask.frame(t)
        self._layers.put(name, values, mask, t, self.unit, kin=_FORCES, length=True, visible=visible)


def _kin(name: str) -> str:
    """Return what a component of a vector shares its colours with; "" for a scalar."""
    stem, _, axis = name.rpartition("_")
    if axis not in ("y", "x"):
        return ""
    return "parts of the force" if stem in _PARTS else stem
