"""The layers that parts of a cell are drawn in by hand: which one counts, and only that one is shown."""

from __future__ import annotations

import numpy as np
from napari.layers import Labels, Layer, Shapes

from napari_cellforce.fields import BoolArray
from napari_cellforce.widgets.synthetic.drawn_layers import show_or_hide
from napari_cellforce.widgets.view.layer_choice import LayerChoice


class HandLayers(LayerChoice):
    """A choice of layers to draw in, some of them made by the panel itself.

    Of those, the ones that do not count are hidden: a new outline is not drawn on top of the one before.
    Layers of the user's own stay as they are.
    """

    _made: tuple[Layer, ...] = ()

    def take_up(self, layer: Layer, mode: str) -> None:
        """Draw in a layer from now on, with the tool `mode`; two empty ones are not needed."""
        before = self.layer
        if before in self._made and nothing_in(before) and nothing_in(layer):
            self._viewer.layers.remove(before)
        self._made = (*(made for made in self._made if made in self._viewer.layers), layer)
        self.add(layer, mode)

    @property
    def painted(self) -> BoolArray | None:
        """What is painted in the plane that is looked at, ``(Y, X)``; None if nothing can be painted."""
        layer = self.layer
        if not isinstance(layer, Labels):
            return None
        planes = np.array(layer.data.shape[:-2], dtype=int)
        at = np.round(layer.world_to_data(self._viewer.dims.point[-layer.ndim :])[:-2]).astype(int)
        return np.asarray(layer.data[tuple(np.clip(at, 0, planes - 1))]) > 0

    def show_used(self, used: bool) -> None:
        """Show the chosen layer if it is `used`; hide the others that were made here."""
        for layer in self._made:
            show_or_hide(layer, used and layer is self.layer)


def nothing_in(layer: Layer | None) -> bool:
    """Say whether nothing has been drawn yet."""
    if isinstance(layer, Labels):
        return not layer.data.any()
    return not (isinstance(layer, Shapes) and len(layer.data))
