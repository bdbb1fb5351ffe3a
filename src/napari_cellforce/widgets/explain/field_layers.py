"""Scalar fields as layers that are filled frame by frame: clear outside the cell, kin on one colour scale."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.experimental import link_layers
from napari.layers import Image, Layer

from napari_cellforce.fields import BoolArray, FloatArray, PixelSize, ScalarField
from napari_cellforce.io.scratch import allocate
from napari_cellforce.layers import METADATA_KEY, Frame, Labelling, MagnitudeLook, scalar_layer
from napari_cellforce.layers.make import upper_limit
from napari_cellforce.widgets.view.sources import role

DIVERGING, SEQUENTIAL = "coolwarm", "inferno"
_NOISE = 1e-3
"""Share of the largest value below which negative values are rounding errors."""


@dataclass
class _Kin:
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
        self, viewer: ViewerModel, label: Labelling, frame: Frame, shape: tuple[int, int, int]
    ) -> None:
        self._viewer, self._label, self._frame, self._shape = viewer, label, frame, shape
        self._data: dict[str, FloatArray] = {}
        self._layers: dict[str, Image] = {}
        self._kin: dict[str, _Kin] = {}

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
        kin: str = "",
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
            self._add(name, unit, kin or name, length=length, visible=visible)
        self._data[name][t] = np.where(mask, values, np.nan)
        self._widen(kin or name, np.asarray(values)[mask])
        self._layers[name].refresh()

    def show_only(self, name: str) -> None:
        """Show one of the fields, and hide all other scalar fields in the viewer, which would lie on it."""
        for layer in self._viewer.layers:
            if role(layer) == "scalar":
                layer.visible = layer is self._layers[name]

    def _add(self, name: str, unit: str, kin: str, *, length: bool, visible: bool) -> None:
        self._remove_older(name)
        data = self._data[name] = allocate(self._shape)
        data[:] = np.nan
        scalar = ScalarField(data, name, unit, PixelSize.unknown())
        values, attributes, kind = scalar_layer(scalar, self._frame, self._label)
        look: dict[str, Any] = {"colormap": MagnitudeLook().colormap} if length else {"opacity": 0.75}
        layer = Layer.create(values, {**attributes, **look}, kind)
        layer.colorbar.visible = True
        # napari's colour bars have no title; the layer's name above it says what it shows, in which unit.
        layer.name_overlay.visible = True
        layer.name_overlay.position = "bottom_right"
        active = self._viewer.layers.selection.active
        self._viewer.add_layer(layer)
        self._viewer.layers.selection.active = active
        self._layers[name] = layer
        self._link(name, self._kin.setdefault(kin, _Kin(length)))
        if visible:
            self.show_only(name)

    def _link(self, name: str, family: _Kin) -> None:
        family.names = [other for other in family.names if other in self and other != name] + [name]
        if family.top:
            self._colour(family)
        if len(family.names) > 1:
            link_layers([self._layers[other] for other in family.names], ("contrast_limits",))

    def _widen(self, kin: str, values: FloatArray) -> None:
        """Let the colours of a kin hold what is new: one scale over all frames, grown as they arrive."""
        family = self._kin[kin]
        finite = values[np.isfinite(values)]
        top = upper_limit(np.abs(finite)) if finite.any() else 0.0
        signed = family.signed or bool(finite.size and finite.min() < -_NOISE * max(top, family.top))
        if top > family.top or signed != family.signed:
            family.top, family.signed = max(top, family.top), signed
            self._colour(family)

    def _colour(self, family: _Kin) -> None:
        low = -family.top if family.signed else 0.0
        for name in family.names:
            if name in self:
                if not family.length:
                    self._layers[name].colormap = DIVERGING if family.signed else SEQUENTIAL
                self._layers[name].contrast_limits = (low, family.top)

    def _remove_older(self, name: str) -> None:
        """Remove what an earlier explanation of the same cell and model called so."""
        for layer in list(self._viewer.layers):
            ours = layer.metadata.get(METADATA_KEY, {})
            same = (ours.get("cell"), ours.get("model")) == (self._label.cell, self._label.model)
            if same and ours.get("role") == "scalar" and ours.get("name") == name:
                self._viewer.layers.remove(layer)
