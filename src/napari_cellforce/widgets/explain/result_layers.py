"""What came of an explanation, as layers: inner fields, forces by model and formula, changes by probes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.experimental import link_layers
from napari.layers import Image, Layer

from napari_cellforce.explain.config import first_protein
from napari_cellforce.fields import BoolArray, FloatArray, PixelSize, ScalarField
from napari_cellforce.io.temp_arrays import allocate
from napari_cellforce.layers import METADATA_KEY, LayerLabel, MagnitudeStyle, Placement, scalar_layer
from napari_cellforce.layers.layer_tuples import upper_limit
from napari_cellforce.predict import Prediction
from napari_cellforce.preprocess.normalise import Baselines
from napari_cellforce.viewer.coordinates import shown_frame
from napari_cellforce.viewer.images import layer_role

DIVERGING, SEQUENTIAL = "coolwarm", "inferno"
_NOISE = 1e-3
"""Share of the largest value below which negative values are rounding errors."""


@dataclass
class _ColourGroup:
    """Layers that share colours, and the range of what they have shown so far."""

    length: bool
    names: list[str] = field(default_factory=list)
    top: float = 0.0
    signed: bool = False


class FieldLayers:
    """Layers of one cell and model.

    Parameters
    ----------
    viewer : ViewerModel
    label : Labelling
    frame : Frame
        Where the layers sit.
    shape : tuple of 3 int
        (T, Y, X).
    """

    def __init__(
        self, viewer: ViewerModel, label: LayerLabel, frame: Placement, shape: tuple[int, int, int]
    ) -> None:
        self._viewer, self._label, self._frame, self._shape = viewer, label, frame, shape
        self._data: dict[str, FloatArray] = {}
        self._layers: dict[str, Image] = {}
        self._colour_groups: dict[str, _ColourGroup] = {}

    def __contains__(self, name: str) -> bool:
        """Whether there is such a field, and its layer still in the viewer."""
        return name in self._layers and self._layers[name] in self._viewer.layers

    def put(
        self,
        name: str,
        values: FloatArray,
        mask: BoolArray,
        t: int,
        unit: str = "",
        *,
        colour_group: str = "",
        length: bool = False,
        visible: bool = False,
    ) -> None:
        """Show values ``(Y, X)`` in frame `t` of a layer, which is made if it is not there.

        Parameters
        ----------
        name : str
        values : (Y, X) array
        mask : (Y, X) bool array
            The cell; clear outside.
        t : int
        unit : str
        kin : str
            Fields of the same kin share one colour scale; each has its own by default.
        length : bool
            True for the length of a force, which has its own colours.
        visible : bool
            Show the layer when it is made, and hide others.
        """
        if name not in self:
            self._add(name, unit, colour_group or name, length=length, visible=visible)
        self._data[name][t] = np.where(mask, values, np.nan)
        self._widen(colour_group or name, np.asarray(values)[mask])
        self._layers[name].refresh()

    def show_only(self, name: str) -> None:
        """Show one of the fields, and hide all other scalar fields in the viewer, which would lie on it."""
        for layer in self._viewer.layers:
            if layer_role(layer) == "scalar":
                layer.visible = layer is self._layers[name]

    def _add(self, name: str, unit: str, colour_group: str, *, length: bool, visible: bool) -> None:
        self._remove_older(name)
        data = self._data[name] = allocate(self._shape)
        data[:] = np.nan
        scalar = ScalarField(data, name, unit, PixelSize.unknown())
        values, attributes, kind = scalar_layer(scalar, self._frame, self._label)
        appearance: dict[str, Any] = {"colormap": MagnitudeStyle().colormap} if length else {"opacity": 0.75}
        layer = Layer.create(values, {**attributes, **appearance}, kind)
        layer.colorbar.visible = True
        # napari's colour bars have no title; the layer's name above it says what it shows, in which unit.
        layer.name_overlay.visible = True
        layer.name_overlay.position = "bottom_right"
        active = self._viewer.layers.selection.active
        self._viewer.add_layer(layer)
        self._viewer.layers.selection.active = active
        self._layers[name] = layer
        self._link(name, self._colour_groups.setdefault(colour_group, _ColourGroup(length)))
        if visible:
            self.show_only(name)

    def _link(self, name: str, group: _ColourGroup) -> None:
        group.names = [other for other in group.names if other in self and other != name] + [name]
        if group.top:
            self._colour(group)
        if len(group.names) > 1:
            link_layers([self._layers[other] for other in group.names], ("contrast_limits",))

    def _widen(self, colour_group: str, values: FloatArray) -> None:
        """Let the colours of a kin hold what is new: one scale over all frames, grown as they arrive."""
        group = self._colour_groups[colour_group]
        finite = values[np.isfinite(values)]
        top = upper_limit(np.abs(finite)) if finite.any() else 0.0
        signed = group.signed or bool(finite.size and finite.min() < -_NOISE * max(top, group.top))
        if top > group.top or signed != group.signed:
            group.top, group.signed = max(top, group.top), signed
            self._colour(group)

    def _colour(self, group: _ColourGroup) -> None:
        low = -group.top if group.signed else 0.0
        for name in group.names:
            if name in self:
                if not group.length:
                    self._layers[name].colormap = DIVERGING if group.signed else SEQUENTIAL
                self._layers[name].contrast_limits = (low, group.top)

    def _remove_older(self, name: str) -> None:
        """Remove what an earlier explanation of the same cell and model called so."""
        for layer in list(self._viewer.layers):
            ours = layer.metadata.get(METADATA_KEY, {})
            same = (ours.get("cell"), ours.get("model")) == (self._label.cell, self._label.model)
            if same and ours.get("role") == "scalar" and ours.get("name") == name:
                self._viewer.layers.remove(layer)


FORCE, FORMULA = "|F| by the model", "|F| by the formula"
_FORCES = "forces"
_PARTS = ("grad_phi", "psi_grad_chi")


class ExplanationLayers:
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
        self,
        viewer: ViewerModel,
        job: Prediction,
        baselines: Baselines | None,
        frame: Placement,
        image: Image,
    ) -> None:
        self._viewer, self.job, self.baselines, self.frame, self.image = viewer, job, baselines, frame, image
        label = LayerLabel(job.stack.name, job.predictor.record.name)
        self._layers = FieldLayers(viewer, label, frame, (job.stack.n_frames, *job.stack.shape))

    @property
    def unit(self) -> str:
        """Of the model's traction."""
        return str(self.job.predictor.record.output_unit)

    @property
    def protein(self) -> int:
        """Which of the model's inputs is the image that is explained."""
        return self.job.predictor.record.inputs.index(first_protein(self.job))

    def current_frame(self) -> int:
        """Return the frame that the viewer shows."""
        return shown_frame(self._viewer, self.image, self.job.stack.n_frames)

    def show_fields(self, t: int, scalars: Mapping[str, FloatArray]) -> None:
        """Show the inner fields ``(Y, X)`` of a frame; the first is seen, the others are a click away."""
        mask = self.job.mask.frame(t)
        for i, (name, values) in enumerate(scalars.items()):
            unit = self.job.scalar_unit(name)
            self._layers.put(name, values, mask, t, unit, colour_group=_colour_group(name), visible=i == 0)

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
        self._layers.put(name, values, mask, t, self.unit, colour_group=_FORCES, length=True, visible=visible)


def _colour_group(name: str) -> str:
    """Return what a component of a vector shares its colours with; "" for a scalar."""
    stem, _, axis = name.rpartition("_")
    if axis not in ("y", "x"):
        return ""
    return "parts of the force" if stem in _PARTS else stem
