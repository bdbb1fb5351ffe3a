"""What outline and adhesions have in common: rules draw them, or a hand does in a layer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from napari.components import ViewerModel
from napari.layers import Layer
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QPushButton, QVBoxLayout, QWidget

from napari_cellforce.synthetic import CellConfig, SyntheticCell
from napari_cellforce.widgets.base.form import Form, align
from napari_cellforce.widgets.synthetic.drawn_layers import BY_HAND
from napari_cellforce.widgets.synthetic.hand_layers import HandLayers


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

    def __init__(self, viewer: ViewerModel, suits: Callable[[Layer], bool]) -> None:
        super().__init__()
        self._layers = HandLayers(viewer, suits, self)
        self._ways = QComboBox()
        self._edit = QPushButton("Edit")
        self._hand = QWidget()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._layers.changed.connect(self._on_layer)
        self._layers.edited.connect(self._on_stroke)
        self._edit.clicked.connect(self._on_edit)

    def disconnect_viewer(self) -> None:
        """Hear nothing more of the viewer."""
        self._layers.disconnect_viewer()

    @property
    def by_hand(self) -> bool:
        """True if this part of the cell is drawn in a layer."""
        return bool(self._ways.currentData() == BY_HAND)

    def set_source(self, config: Callable[[], CellConfig], cell: Callable[[], SyntheticCell | None]) -> None:
        """Say where the settings are to be had, and the cell of which a part is made editable."""
        self._config, self._cell = config, cell

    def draw_by_hand(self, layer: Layer, mode: str) -> None:
        """Add a layer that holds (or will hold) this part of the cell, and use it."""
        self._ways.setCurrentIndex(self._ways.findData(BY_HAND))
        self._layers.take_up(layer, mode)

    def _build_ways(self, name: str, rules: Iterable[tuple[str, Any]], tip: str, edit: str) -> None:
        """Begin the section with the choice of a rule (its words and data) or of the hand."""
        for words, rule in (*rules, ("drawn by hand", BY_HAND)):
            self._ways.addItem(words, rule)
        self._ways.currentIndexChanged.connect(self._on_way)
        self._edit.setToolTip(edit)
        self._edit.setAccessibleName(f"Edit {name}")
        form = Form()
        form.add(name, self._ways, tip, page=f"tutorials/drawing-cells/#{self._anchor}", beside=self._edit)
        align(form)
        self._column.addLayout(form)

    def _on_way(self, index: int = 0) -> None:
        del index
        self._layers.show_used(self.by_hand)
        self._hand.setVisible(self.by_hand)
        self._edit.setVisible(not self.by_hand)
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
