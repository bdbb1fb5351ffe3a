"""Layers of an explanation: inner fields, forces by model and formula, responses to probes."""

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
"""Negative values below this share of the largest value are rounding errors."""


@dataclass
class _ColourGroup:
    """Layers with a common colour scale, and the range of their values so far."""

    length: bool
    names: list[str] = field(default_factory=list)
    top: float = 0.0
    signed: bool = False


class FieldLayers:
    """Layers of one cell and model.

    Parameters
    ----------
    viewer : ViewerModel
    label : LayerLabel
    frame : Placement
        Placement of the layers.
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
        """Return True if the field has a layer in the viewer."""
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
        """Show values ``(Y, X)`` in frame `t` of a layer, which is added if missing.

        Parameters
        ----------
        name : str
        values : (Y, X) array
        mask : (Y, X) bool array
            Mask of the cell; transparent outside.
        t : int
        unit : str
        colour_group : str
            Name of the colour group; fields of a group share one colour scale. Default: the field alone.
        length : bool
            True for the magnitude of a force, which has another colormap.
        visible : bool
            Show the layer when it is added, and hide the others.
        """
        if name not in self:
            self._add(name, unit, colour_group or name, length=length, visible=visible)
        self._data[name][t] = np.where(mask, values, np.nan)
        self._widen(colour_group or name, np.asarray(values)[mask])
        self._layers[name].refresh()

    def show_only(self, name: str) -> None:
        """Show one of the fields, and hide all other scalar fields in the viewer, which would cover it."""
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
        # napari's colour bars have no title; the name of the layer above it shows quantity and unit.
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
        """Extend the colour scale of a group to new values: one scale over all frames."""
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
        """Remove the layer of this name from an earlier explanation of the same cell and model."""
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
    frame : Placement
        Placement of the layers.
    image : Image
        Image layer that is explained.
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
        """Unit of the traction of the model."""
        return str(self.job.predictor.record.output_unit)

    @property
    def protein(self) -> int:
        """Index of the explained image among the inputs of the model."""
        return self.job.predictor.record.inputs.index(first_protein(self.job))

    def current_frame(self) -> int:
        """Return the index of the displayed frame."""
        return shown_frame(self._viewer, self.image, self.job.stack.n_frames)

    def show_fields(self, t: int, scalars: Mapping[str, FloatArray]) -> None:
        """Show the inner fields ``(Y, X)`` of a frame; only the first is visible."""
        mask = self.job.mask.frame(t)
        for i, (name, values) in enumerate(scalars.items()):
            unit = self.job.scalar_unit(name)
            self._layers.put(name, values, mask, t, unit, colour_group=_colour_group(name), visible=i == 0)

    def show_force(self, t: int, traction: FloatArray) -> None:
        """Show the magnitude of the force of the model ``(2, Y, X)`` in frame `t`."""
        self._put_length(FORCE, t, traction, visible=False)

    def show_formula(self, t: int, traction: FloatArray) -> None:
        """Show the magnitude of a formula's force ``(2, Y, X)`` in frame `t`, on the scale of the model's."""
        self._put_length(FORMULA, t, traction, visible=True)

    def show_change(self, name: str, t: int, change: FloatArray, before: FloatArray) -> None:
        """Show the change of the magnitude of the force ``(2, Y, X)`` in frame `t`."""
        values = np.hypot(*(before + change)) - np.hypot(*before)
        self._layers.put(name, values, self.job.mask.frame(t), t, self.unit)
        self._layers.show_only(name)

    def _put_length(self, name: str, t: int, traction: FloatArray, *, visible: bool) -> None:
        values, mask = np.hypot(*traction), self.job.mask.frame(t)
        self._layers.put(name, values, mask, t, self.unit, colour_group=_FORCES, length=True, visible=visible)


def _colour_group(name: str) -> str:
    """Return the colour group of a vector component; "" for a scalar."""
    stem, _, axis = name.rpartition("_")
    if axis not in ("y", "x"):
        return ""
    return "parts of the force" if stem in _PARTS else stem
