"""What the panels of one viewer share: notice of every change of a layer, and pixel sizes typed by the user.

Panels ask the workspace of their viewer and listen to it, so that all of them see the same layers, the same
pixel size, and every change that makes a result out of date.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Labels, Layer
from psygnal import Signal

from napari_cellforce.fields import PixelSize
from napari_cellforce.layers import METADATA_KEY
from napari_cellforce.viewer.coordinates import TYPED, PixelToWorld, pixel_size_of
from napari_cellforce.viewer.images import path_of

PLACE, DATA = "place", "data"
"""What may change of a layer."""

_PLACING = ("scale", "units", "translate", "rotate", "shear", "affine")
_serial = itertools.count()


@dataclass(eq=False)
class _Tracked:
    """A layer's number in the session, how often it has changed, and what to disconnect."""

    serial: int
    version: int
    connections: list[tuple[Any, Callable[..., None]]]


@dataclass(frozen=True)
class _Placing:
    """What places a layer, to be restored."""

    scale: tuple[float, ...]
    translate: tuple[float, ...]
    units: tuple[Any, ...]
    affine: Any
    typed: bool

    @classmethod
    def of(cls, layer: Layer) -> _Placing:
        typed = bool(layer.metadata.get(METADATA_KEY, {}).get(TYPED))
        return cls(
            tuple(layer.scale), tuple(layer.translate), tuple(layer.units), layer.affine.affine_matrix, typed
        )

    def apply(self, layer: Layer) -> None:
        layer.units = self.units
        layer.scale, layer.translate = self.scale, self.translate
        layer.affine = self.affine
        layer.metadata.setdefault(METADATA_KEY, {})[TYPED] = self.typed


class Workspace:
    """The layers of a viewer, as panels see them; one per viewer, see `Workspace.of`.

    Signals
    -------
    layers_changed
        Layers came, went, or have other names.
    layer_changed : Layer, str
        Its data (`DATA`) or its place (`PLACE`) is another one.
    """

    layers_changed = Signal()
    layer_changed = Signal(object, str)

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = weakref.ref(viewer)
        self._tracked: weakref.WeakKeyDictionary[Layer, _Tracked] = weakref.WeakKeyDictionary()
        self._before: weakref.WeakKeyDictionary[Layer, _Placing] = weakref.WeakKeyDictionary()
        events = viewer.layers.events
        events.inserted.connect(self._on_inserted)
        events.removed.connect(self._on_removed)
        events.renamed.connect(self._on_renamed)
        for layer in viewer.layers:
            self._track(layer)

    @classmethod
    def of(cls, viewer: ViewerModel) -> Workspace:
        """Return the workspace of a viewer; it lives as long as the viewer does."""
        known = _WORKSPACES.get(viewer)
        if known is None:
            known = _WORKSPACES[viewer] = cls(viewer)
        return known

    def state(self, layer: Layer | None) -> tuple[int, int]:
        """Return what tells whether a layer is still as it was: equal if nothing of it has changed.

        Not the name, the colours or the order, which change no result.
        """
        tracked = None if layer is None else self._tracked.get(layer)
        return (-1, 0) if tracked is None else (tracked.serial, tracked.version)

    def set_pixel_size(self, layer: Layer, micron: float) -> None:
        """Give a layer another pixel size, and with it all that lies on it: channels, masks and results.

        Scale and units of the layers become it, so that scale bar, panels and files agree. Rows and columns
        are stretched about the origin of the world, so that what lay on each other still does.

        Parameters
        ----------
        layer : Layer
        micron : float
            Side of a pixel in µm, above 0.
        """
        own = PixelToWorld.of(layer)
        sides = np.linalg.norm(own.in_units[-3:-1, -3:-1], axis=0)
        factors = micron / np.where(sides > 0, sides, 1.0)
        for other in self._lying_on(layer, own):
            self._before.setdefault(other, _Placing.of(other))
            _stretch(other, factors)
        layer.metadata.setdefault(METADATA_KEY, {})[TYPED] = True
        self.layer_changed.emit(layer, PLACE)

    def can_undo_pixel_size(self, layer: Layer) -> bool:
        """Return True if a pixel size was typed for a layer."""
        return layer in self._before

    def undo_pixel_size(self, layer: Layer) -> None:
        """Give a layer and all that lies on it the pixel size back that they had when they were opened."""
        for other in self._lying_on(layer, PixelToWorld.of(layer)):
            before = self._before.pop(other, None)
            if before is not None:
                before.apply(other)
        self.layer_changed.emit(layer, PLACE)

    def _lying_on(self, layer: Layer, own: PixelToWorld) -> list[Layer]:
        """Return a layer, the other layers of its file, and those drawn on the same pixels."""
        viewer = self._viewer()
        path, size = path_of(layer), pixel_size_of(layer)
        found = []
        for other in () if viewer is None else viewer.layers:
            same_file = bool(path) and path_of(other) == path
            alike = _same_plane(PixelToWorld.of(other), own)
            if other is layer or alike or (same_file and _same_size(pixel_size_of(other), size)):
                found.append(other)
        return found

    def _track(self, layer: Layer) -> None:
        def on_place(event: Any = None) -> None:
            del event
            self._note(layer_ref(), PLACE)

        def on_data(event: Any = None) -> None:
            # napari reports an edit twice: "adding" when it begins, "added" when it is there.
            if not str(getattr(event, "action", "")).endswith("ing"):
                self._note(layer_ref(), DATA)

        layer_ref = weakref.ref(layer)
        places = [(getattr(layer.events, name), on_place) for name in _PLACING if hasattr(layer.events, name)]
        connections = places + [(event, on_data) for event in edit_events(layer)]
        for event, callback in connections:
            event.connect(callback)
        self._tracked[layer] = _Tracked(next(_serial), 0, connections)

    def _note(self, layer: Layer | None, what: str) -> None:
        tracked = None if layer is None else self._tracked.get(layer)
        if tracked is not None:
            tracked.version += 1
            self.layer_changed.emit(layer, what)

    def _on_inserted(self, event: Any) -> None:
        self._track(event.value)
        self.layers_changed.emit()

    def _on_removed(self, event: Any) -> None:
        tracked = self._tracked.pop(event.value, None)
        for emitter, callback in tracked.connections if tracked else ():
            emitter.disconnect(callback)
        self.layers_changed.emit()

    def _on_renamed(self, event: Any = None) -> None:
        del event
        self.layers_changed.emit()


_WORKSPACES: weakref.WeakKeyDictionary[ViewerModel, Workspace] = weakref.WeakKeyDictionary()


def edit_events(layer: Layer) -> tuple[Any, ...]:
    """Return the events of a layer after which its data may be others."""
    if isinstance(layer, Labels):
        return layer.events.data, layer.events.labels_update, layer.events.paint
    return (layer.events.data,) if hasattr(layer.events, "data") else ()


def _stretch(layer: Layer, factors: Any) -> None:
    """Stretch rows and columns of a layer, to pixels in µm."""
    scale, translate = np.array(layer.scale, float), np.array(layer.translate, float)
    scale[-2:] *= factors
    translate[-2:] *= factors
    affine = np.array(layer.affine.affine_matrix)
    affine[-3:-1, -1] *= factors
    layer.units = (*layer.units[:-2], "micrometer", "micrometer")
    layer.scale, layer.translate, layer.affine = scale, translate, affine


def _same_plane(one: PixelToWorld, other: PixelToWorld) -> bool:
    """Return True if rows and columns of two layers lie on each other."""
    same = np.allclose(one.in_units[-3:, -3:], other.in_units[-3:, -3:], rtol=1e-6, atol=1e-9)
    return bool(same) and one.units[-2:] == other.units[-2:]


def _same_size(one: PixelSize | None, other: PixelSize | None) -> bool:
    if one is None or other is None:
        return one is other
    return bool(np.isclose(one.y, other.y) and np.isclose(one.x, other.x))
