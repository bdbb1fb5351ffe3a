"""The choice of a layer of the viewer, and notice of every change in it."""

from __future__ import annotations

from collections.abc import Callable

from napari.components import ViewerModel
from napari.layers import Layer
from qtpy.QtCore import QObject, QSignalBlocker, Signal
from qtpy.QtWidgets import QComboBox

from napari_cellforce.viewer.workspace import Workspace
from napari_cellforce.widgets.base.form import shrinkable_combo


class LayerChoice(QObject):
    """A combo box of layers, kept up to date with the viewer.

    Parameters
    ----------
    viewer : ViewerModel
    suits : callable
        Returns True for layers that are listed.
    parent : QObject, optional

    Signals
    -------
    changed
        Another layer was chosen.
    edited
        The data or the place of the chosen layer have changed.
    """

    changed = Signal()
    edited = Signal()

    def __init__(
        self, viewer: ViewerModel, accepts: Callable[[Layer], bool], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._viewer, self._accepts = viewer, accepts
        self._workspace = Workspace.of(viewer)
        self.combo = shrinkable_combo(QComboBox())
        self.combo.currentIndexChanged.connect(self._on_chosen)
        self._workspace.layers_changed.connect(self.fill)
        self._workspace.layer_changed.connect(self._on_layer)
        self.fill()

    @property
    def layer(self) -> Layer | None:
        """The chosen layer."""
        return self.combo.currentData()

    def choose(self, layer: Layer) -> None:
        """Choose a layer of the viewer."""
        self.combo.setCurrentIndex(self.combo.findData(layer))

    def add(self, layer: Layer, mode: str) -> None:
        """Add a layer to the viewer, choose it, and activate a drawing tool."""
        self._viewer.add_layer(layer)
        self.choose(layer)
        self._viewer.layers.selection.active = layer
        layer.mode = mode

    def fill(self) -> None:
        """List the layers, topmost first; the chosen one stays."""
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
        """Disconnect from the viewer and its layers."""
        self._workspace.layers_changed.disconnect(self.fill)
        self._workspace.layer_changed.disconnect(self._on_layer)

    def _on_chosen(self, index: int = 0) -> None:
        del index
        self.changed.emit()

    def _on_layer(self, layer: Layer, what: str) -> None:
        del what
        if layer is self.layer:
            self.edited.emit()
