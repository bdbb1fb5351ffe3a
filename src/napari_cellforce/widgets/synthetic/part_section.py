"""What outline and adhesions have in common: rules draw them, or a hand does in a layer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Labels, Layer, Shapes
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QPushButton, QVBoxLayout, QWidget

from napari_cellforce.fields import BoolArray
from napari_cellforce.synthetic import CellConfig, SyntheticCell
from napari_cellforce.widgets.base.form import Form, align_labels
from napari_cellforce.widgets.shared.layer_choice import LayerChoice
from napari_cellforce.widgets.synthetic.cell_layers import BY_HAND, show_or_hide


class DrawingLayerChoice(LayerChoice):
    """A choice of layers to draw in, some of them made by the panel itself.

    Of those, the ones that do not count are hidden: a new outline is not drawn on top of the one before.
    Layers of the user's own stay as they are.
    """

    _own_layers: tuple[Layer, ...] = ()

    def start_drawing(self, layer: Layer, mode: str) -> None:
        """Draw in a layer from now on, with the tool `mode`; two empty ones are not needed."""
        before = self.layer
        if before in self._own_layers and is_empty(before) and is_empty(layer):
            self._viewer.layers.remove(before)
        self._own_layers = (*(own for own in self._own_layers if own in self._viewer.layers), layer)
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
        for layer in self._own_layers:
            show_or_hide(layer, used and layer is self.layer)


def is_empty(layer: Layer | None) -> bool:
    """Say whether nothing has been drawn yet."""
    if isinstance(layer, Labels):
        return not layer.data.any()
    return not (isinstance(layer, Shapes) and len(layer.data))


class PartSection(QWidget):
    """Choice of a part of the cell: by one of several rules, or by hand.

    Parameters
    ----------
    viewer : ViewerModel
    suits : callable
        Which layers can have been drawn in.

    Signals
    -------
    changed
        Another rule, size or stroke.
    """

    changed = Signal()
    _anchor: str
    """Of the part in the tutorial."""

    def __init__(self, viewer: ViewerModel, accepts: Callable[[Layer], bool]) -> None:
        super().__init__()
        self._layers = DrawingLayerChoice(viewer, accepts, self)
        self.ways = QComboBox()
        self.edit_button = QPushButton("Edit")
        self._hand_rows = QWidget()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._layers.changed.connect(self._on_layer)
        self._layers.edited.connect(self._on_stroke)
        self.edit_button.clicked.connect(self._on_edit)

    def dispose(self) -> None:
        """Disconnect from the viewer."""
        self._layers.dispose()

    @property
    def by_hand(self) -> bool:
        """True if this part of the cell is drawn in a layer."""
        return bool(self.ways.currentData() == BY_HAND)

    def set_source(self, config: Callable[[], CellConfig], cell: Callable[[], SyntheticCell | None]) -> None:
        """Say where the settings are to be had, and the cell of which a part is made editable."""
        self._config, self._cell = config, cell

    def draw_by_hand(self, layer: Layer, mode: str) -> None:
        """Add a layer that holds (or will hold) this part of the cell, and use it."""
        self.ways.setCurrentIndex(self.ways.findData(BY_HAND))
        self._layers.start_drawing(layer, mode)

    def _build_modes(self, name: str, rules: Iterable[tuple[str, Any]], tip: str, edit: str) -> None:
        """Begin the section with the choice of a rule (its words and data) or of the hand."""
        for text, rule in (*rules, ("drawn by hand", BY_HAND)):
            self.ways.addItem(text, rule)
        self.ways.currentIndexChanged.connect(self._on_mode)
        self.edit_button.setToolTip(edit)
        self.edit_button.setAccessibleName(f"Edit {name}")
        form = Form()
        form.add(
            name, self.ways, tip, page=f"tutorials/drawing-cells/#{self._anchor}", beside=self.edit_button
        )
        align_labels(form)
        self._column.addLayout(form)

    def _on_mode(self, index: int = 0) -> None:
        del index
        self._layers.show_used(self.by_hand)
        self._hand_rows.setVisible(self.by_hand)
        self.edit_button.setVisible(not self.by_hand)
        self._show_sliders()
        self.changed.emit()

    def _on_layer(self) -> None:
        self._layers.show_used(self.by_hand)
        self._on_stroke()

    def _on_stroke(self) -> None:
        if self.by_hand:
            self.changed.emit()

    def _show_sliders(self) -> None:
        """Show the sliders that what is chosen has."""
        raise NotImplementedError

    def _on_edit(self) -> None:
        cell = self._cell()
        if cell is not None:
            self._edit_part(cell)

    def _edit_part(self, cell: SyntheticCell) -> None:
        """Put this part of the cell into a layer to be edited."""
        raise NotImplementedError
