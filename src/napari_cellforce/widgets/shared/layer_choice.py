"""The choice of a layer that is drawn in by hand, and notice of every stroke in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from napari.components import ViewerModel
from napari.layers import Labels, Layer, Shapes
from qtpy.QtCore import QObject, QSignalBlocker, Signal
from qtpy.QtWidgets import QComboBox

from napari_cellforce.widgets.base.form import shrinkable_combo


class LayerChoice(QObject):
    """A combo box of layers, kept up to date with the viewer.

    Parameters
    ----------
    viewer : ViewerModel
    suits : callable
        Which layers are listed.
    parent : QObject, optional

    Signals
    -------
    changed
        Another layer was chosen.
    edited
        Something was drawn, moved or deleted in the chosen layer.
    """

    changed = Signal()
    edited = Signal()

    def __init__(
        self, viewer: ViewerModel, accepts: Callable[[Layer], bool], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._viewer, self._accepts = viewer, accepts
        self._connected_layer: Layer | None = None
        self.combo = shrinkable_combo(QComboBox())
        self.combo.currentIndexChanged.connect(self._on_chosen)
        for event in self._layer_events:
            event.connect(self.fill)
        self.fill()

    @property
    def layer(self) -> Layer | None:
        """The chosen layer."""
        return self.combo.currentData()

    def choose(self, layer: Layer) -> None:
        """Choose a layer of the viewer."""
        self.combo.setCurrentIndex(self.combo.findData(layer))

    def add(self, layer: Layer, mode: str) -> None:
        """Add a layer to the viewer, choose it, and take up a drawing tool."""
        self._viewer.add_layer(layer)
        self.choose(layer)
        self._viewer.layers.selection.active = layer
        layer.mode = mode

    def fill(self, event: Any = None) -> None:
        """List the layers, topmost first; the chosen one stays."""
        del event
        chosen = self.layer
        layers = [layer for layer in reversed(self._viewer.layers) if self._accepts(layer)]
        with QSignalBlocker(self.combo):
            self.combo.clear()
            for layer in layers:
                self.combo.addItem(layer.name, layer)
            if chosen in layers:
                self.combo.setCurrentIndex(layers.index(chosen))
        if self.layer is not chosen:
            self._on_chosen()

    def dispose(self) -> None:
        """Hear nothing more of the viewer and its layers."""
        self._connect_layer(None)
        for event in self._layer_events:
            event.disconnect(self.fill)

    @property
    def _layer_events(self) -> tuple[Any, ...]:
        events = self._viewer.layers.events
        return events.inserted, events.removed, events.renamed

    def _on_chosen(self, index: int = 0) -> None:
        del index
        self._connect_layer(self.layer)
        self.changed.emit()

    def _connect_layer(self, layer: Layer | None) -> None:
        if self._connected_layer is not None:
            for event in _edit_events(self._connected_layer):
                event.disconnect(self._on_edit)
        self._connected_layer = layer
        if layer is not None:
            for event in _edit_events(layer):
                event.connect(self._on_edit)

    def _on_edit(self, event: Any = None) -> None:
        # napari tells of a stroke twice: "adding" when it begins, "added" when it is there.
        if not str(getattr(event, "action", "")).endswith("ing"):
            self.edited.emit()


def _edit_events(layer: Shapes | Labels) -> tuple[Any, ...]:
    """Return the events of a layer after which its drawing may differ."""
    if isinstance(layer, Labels):
        return layer.events.data, layer.events.labels_update, layer.events.paint
    return (layer.events.data,)
