"""Choice of the cell mask: found automatically or taken from a layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from napari.components import ViewerModel
from napari.layers import Layer, Shapes
from qtpy.QtCore import QSignalBlocker, Qt, QTimer, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QPushButton,
    QRadioButton,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import Mask
from napari_cellforce.viewer.images import ChosenImage
from napari_cellforce.viewer.masks import cell_mask, is_mask_layer, label_numbers
from napari_cellforce.widgets.base.form import LABEL_WIDTH, Form, TextLine, Tone, align_labels
from napari_cellforce.widgets.shared.layer_choice import LayerChoice
from napari_cellforce.widgets.shared.outline_preview import OutlinePreview

_DEBOUNCE = 300
"""Milliseconds without an edit before the labels of the layer are listed again."""


class CellSection(QWidget):
    """Choice of the cell mask, with its outline drawn in the viewer.

    Signals
    -------
    changed
        Another method, layer or label was chosen.
    """

    changed = Signal()

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._image: ChosenImage | None = None
        self._picked_position: tuple[float, float] | None = None
        self._editing = False
        self._preview = OutlinePreview(viewer, self)
        self._preview.searching.connect(self._show_searching)
        self._preview.found.connect(self._on_found)
        self._preview.not_found.connect(self._on_not_found)
        self._layers = LayerChoice(viewer, is_mask_layer, self)
        self._layers.changed.connect(self._list_labels)
        self._edit_timer = QTimer(self)
        self._edit_timer.setSingleShot(True)
        self._edit_timer.setInterval(_DEBOUNCE)
        self._edit_timer.timeout.connect(self._list_labels)
        self._layers.edited.connect(self._edit_timer.start)
        self._build()

    def dispose(self) -> None:
        """Disconnect from the viewer and stop the search."""
        self._preview.dispose()
        self._layers.dispose()
        self._edit_timer.stop()
        self._stop_picking()

    @property
    def automatic(self) -> bool:
        """True if the cell is found automatically."""
        return bool(self._automatic.isChecked())

    @property
    def layer(self) -> Layer | None:
        """The layer that marks the cell; None if it is found automatically."""
        return None if self.automatic else self._layers.layer

    @property
    def sensitivity(self) -> float:
        """Sensitivity of the automatic outline; 1 in the middle of the slider, 0.5 and 2 at its ends."""
        return float(2 ** (self._width.value() / 100))

    @property
    def cell_at(self) -> tuple[float, float] | None:
        """Position (y, x) in pixels of the cell that was picked; None for the largest one."""
        return self._picked_position

    def set_image(self, image: ChosenImage | None) -> None:
        """Set the chosen image; None if there is none."""
        if image == self._image:
            return
        self._image, self._picked_position, self._editing = image, None, False
        if image is None:
            self._preview.hide()
        self._update_preview()

    def mask(self) -> Callable[[], Mask]:
        """Return a function that computes the chosen mask; it may be called off the GUI thread.

        Raises
        ------
        CellForceError
            If no layer is chosen; the function raises one if the layer is empty.
        """
        if self._image is None:
            raise ValueError("no image has been set")
        problem = self.problem()
        if problem:
            raise problem
        if self.automatic:
            finder = self._preview.finder()
            return lambda: Mask(finder, "automatic")
        layer, image, label = self._layers.layer, self._image, self._labels.currentData() or 1
        return lambda: cell_mask(layer, image.layers[0], label)

    def problem(self) -> CellForceError | None:
        """Return the reason why the mask cannot be used, or None."""
        if self.automatic or self._layers.layer is not None:
            return None
        return CellForceError(
            "No layer marks the cell",
            "a Labels or Shapes layer is needed",
            "Draw the outline in one, turn an image of a mask into one (right-click it > Convert to Labels), "
            "or let the cell be found automatically.",
            topic=Topic.MASK,
        )

    def remember(self) -> dict[str, Any]:
        """Return the settings that are stored between sessions."""
        return {"outline": self._width.value()}

    def recall(self, values: dict[str, Any]) -> None:
        """Restore the settings that `remember` returned."""
        self._width.setValue(int(values.get("outline", 0)))

    def _build(self) -> None:
        self._automatic = QRadioButton("find automatically")
        self._automatic.setChecked(True)
        self._automatic.toggled.connect(self._on_mode)
        self._by_layer = QRadioButton("from layer")
        modes = QWidget()
        row = QHBoxLayout(modes)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._automatic)
        row.addWidget(self._by_layer)
        row.addStretch()
        self._note = TextLine()
        form = Form()
        form.add(
            "Cell", modes, "Region of the cell; its outline is drawn in cyan", page="tutorials/predict/#cell"
        )
        align_labels(form, width=LABEL_WIDTH)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(form)
        layout.addWidget(self._build_automatic())
        layout.addWidget(self._build_by_layer())
        layout.addWidget(self._note)

    def _build_automatic(self) -> QWidget:
        self._width = QSlider(Qt.Horizontal)
        self._width.setRange(-100, 100)
        self._width.valueChanged.connect(self._update_preview)
        self._pick = QPushButton("Pick cell")
        self._pick.setCheckable(True)
        self._pick.setToolTip("Click on your cell in the image if another one was found")
        self._pick.toggled.connect(self._on_pick)
        self._edit = QPushButton("Edit")
        self._edit.setToolTip("Convert the outline into a Labels layer that you can edit")
        self._edit.clicked.connect(self._on_edit)
        self._automatic_rows = QWidget()
        form = Form(self._automatic_rows)
        form.add("Outline", self._width, "Tighter (left) or wider (right) around the cell")
        buttons = QHBoxLayout()
        buttons.addWidget(self._pick)
        buttons.addWidget(self._edit)
        form.addRow("", buttons)
        align_labels(form, width=LABEL_WIDTH)
        return self._automatic_rows

    def _build_by_layer(self) -> QWidget:
        self._labels = QComboBox()
        self._labels.currentIndexChanged.connect(lambda _: self.changed.emit())
        self._labels.setToolTip("Label of the cell")
        self._layer_rows = QWidget()
        form = Form(self._layer_rows)
        form.add(
            "Layer", self._layers.combo, "Labels or Shapes layer that marks the cell", beside=self._labels
        )
        align_labels(form, width=LABEL_WIDTH)
        self._layer_rows.hide()
        return self._layer_rows

    def _on_mode(self, automatic: bool) -> None:
        self._automatic_rows.setVisible(automatic)
        self._layer_rows.setVisible(not automatic)
        if not automatic:
            self._preview.hide()
            self._note.set_text("")
            self._list_labels()
        self._update_preview()

    def _list_labels(self) -> None:
        """List the labels of the chosen layer; the selection is kept."""
        if self.automatic:
            return
        layer, chosen = self._layers.layer, self._labels.currentData()
        labels = label_numbers(layer) if layer is not None else []
        with QSignalBlocker(self._labels):
            self._labels.clear()
            for label in labels:
                self._labels.addItem(f"{'shape' if isinstance(layer, Shapes) else 'label'} {label}", label)
            self._labels.setCurrentIndex(max(self._labels.findData(chosen), 0))
        self._labels.setVisible(len(labels) > 1)
        self.changed.emit()

    def _update_preview(self, value: int = 0) -> None:
        """Start a search with the present settings if the cell is found automatically."""
        del value
        if self.automatic and self._image is not None:
            self._preview.start_search(self._image, sensitivity=self.sensitivity, at=self._picked_position)
        self.changed.emit()

    def _show_searching(self) -> None:
        self._note.set_text("Finding the cell in all frames …" if self._editing else "Finding the cell …")

    def _on_found(self) -> None:
        """Clear the note, or convert the outline once it is complete."""
        if not self._editing:
            self._note.set_text("")
        elif self._preview.complete:
            self._convert_to_mask()

    def _on_not_found(self, error: Exception) -> None:
        if self._editing:
            self._convert_to_mask()
        self._note.set_text(str(error), Tone.PROBLEM)

    def _on_edit(self) -> None:
        """Find the cell in all frames: those that were not displayed yet would be empty."""
        self._editing = True
        self._preview.find_all()

    def _convert_to_mask(self) -> None:
        """Convert the outline into a mask layer that the user can edit, as far as the cell was found."""
        self._editing = False
        layer = self._preview.release()
        if layer is None:
            return
        self._layers.fill()
        self._layers.choose(layer)
        self._by_layer.setChecked(True)
        self._viewer.layers.selection.active = layer
        layer.mode = "paint"

    def _on_pick(self, picking: bool) -> None:
        if picking:
            self._viewer.mouse_drag_callbacks.append(self._on_click)
            self._note.set_text("Click on the cell in the image.")
        else:
            self._stop_picking()

    def _on_click(self, viewer: ViewerModel, event: Any) -> None:
        del viewer
        self._picked_position = self._preview.to_pixels(event.position)
        self._pick.setChecked(False)
        self._update_preview()

    def _stop_picking(self) -> None:
        if self._on_click in self._viewer.mouse_drag_callbacks:
            self._viewer.mouse_drag_callbacks.remove(self._on_click)
