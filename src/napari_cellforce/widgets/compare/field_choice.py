"""Choice of the two fields, the region and the method of a comparison."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from napari.components import ViewerModel
from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QPushButton, QVBoxLayout, QWidget

from napari_cellforce.compare import CompareConfig
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.viewer.masks import labels_over, mask_layers
from napari_cellforce.viewer.workspace import Workspace
from napari_cellforce.widgets.base.form import Form, TextLine, shrinkable_combo
from napari_cellforce.widgets.shared.measured_fields import DisplayedField, displayed_fields, grid_layer

_PAGE = "tutorials/compare/"
_OWN = "region of both fields"


class FieldChoiceSection(QWidget):
    """Rows for two fields of the viewer, the cell mask, and scaling of the first field.

    Signals
    -------
    changed
    opened : str
        "Open ..." was pressed; the field that is opened goes to this row, "A" or "B".
    """

    changed = Signal()
    opened = Signal(str)

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._workspace = Workspace.of(viewer)
        self._fields: list[DisplayedField] = []
        self._combos = {"A": shrinkable_combo(QComboBox()), "B": shrinkable_combo(QComboBox())}
        self.cell_list = shrinkable_combo(QComboBox())
        self._scaled = QCheckBox("Scale A to B first")
        self._scaled.setToolTip("Compare the pattern only: A is multiplied by one fitted factor")
        self._note = TextLine()
        form = Form()
        tips = {"A": "Field A, usually predicted", "B": "Field B, usually measured"}
        for name, title in (("A", "A: predicted"), ("B", "B: measured")):
            form.add(title, self._combos[name], tips[name], beside=self._open_button(name))
        form.add(
            "Cell", self.cell_list, "Only vectors inside are compared", page=_PAGE + "#which-vectors-count"
        )
        form.addRow("", self._scaled)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(form)
        layout.addWidget(self._note)
        for combo in (*self._combos.values(), self.cell_list):
            combo.currentIndexChanged.connect(self._on_chosen)
        self._scaled.toggled.connect(self._on_chosen)
        self._workspace.layers_changed.connect(self.fill)
        self.fill()

    @property
    def count(self) -> int:
        """Number of available fields."""
        return len(self._fields)

    @property
    def first(self) -> DisplayedField | None:
        """The chosen A."""
        return self._chosen("A")

    @property
    def second(self) -> DisplayedField | None:
        """The chosen B."""
        return self._chosen("B")

    @property
    def config(self) -> CompareConfig:
        """Settings of the comparison."""
        return CompareConfig(calibrate=self._scaled.isChecked())

    @property
    def mask(self) -> npt.NDArray[np.integer[Any]] | None:
        """The labels of the cells on the grid of A, ``(T, Y, X)``; None for the fields' own masks."""
        layer = self.cell_list.currentData()
        if layer is None or self.first is None:
            return None
        return labels_over(layer, grid_layer(self.first))

    def problem(self) -> CellForceError | None:
        """Return the reason why the fields cannot be compared, or None."""
        if self.first is None or self.second is None or self.count < 2:
            return CellForceError(
                f"{['No field is', 'Only one field is'][min(self.count, 1)]} open",
                "a comparison needs two: predict forces, and open a measured field",
                'Press "…" for a file, or try it on the sample cell.',
                topic=Topic.INPUT,
            )
        if self.first.field is self.second.field:
            return CellForceError(
                "A and B are the same field", "a field agrees with itself", "Choose another for one of them."
            )
        return None

    def choose(self, name: str, field: Any) -> None:
        """Choose a field of the viewer for A or B."""
        for i, shown in enumerate(self._fields):
            if shown.field is field:
                self._combos[name].setCurrentIndex(i)

    def fill(self) -> None:
        """List the fields and masks of the viewer; the selection is kept."""
        before = {name: self._chosen(name) for name in self._combos}
        self._fields = displayed_fields(self._viewer)
        for name, combo in self._combos.items():
            with QSignalBlocker(combo):
                combo.clear()
                combo.addItems([shown.title for shown in self._fields])
                for i, shown in enumerate(self._fields):
                    combo.setItemData(i, shown.title, Qt.ToolTipRole)
                combo.setCurrentIndex(self._index(name, before[name]))
        self._fill_cells()
        self._on_chosen()

    def reset(self) -> None:
        """Restore the automatic choice."""
        self._scaled.setChecked(False)
        self.cell_list.setCurrentIndex(0)
        for name, combo in self._combos.items():
            combo.setCurrentIndex(self._index(name, None))

    def dispose(self) -> None:
        """Disconnect from the viewer."""
        self._workspace.layers_changed.disconnect(self.fill)

    def _chosen(self, name: str) -> DisplayedField | None:
        index = self._combos[name].currentIndex()
        return self._fields[index] if 0 <= index < len(self._fields) else None

    def _index(self, name: str, before: DisplayedField | None) -> int:
        """Return the index of the previous field, else of the topmost predicted (A) or measured (B) one."""
        for i, shown in enumerate(self._fields):
            if before is not None and shown.field is before.field and self._fits(name, shown):
                return i
        fitting = [i for i, shown in enumerate(self._fields) if self._fits(name, shown)]
        return fitting[0] if fitting else min(len(self._fields), 1 if name == "A" else 2) - 1

    def _fits(self, name: str, shown: DisplayedField) -> bool:
        predicted = any(field.predicted for field in self._fields)
        measured = any(not field.predicted for field in self._fields)
        return not (predicted and measured) or shown.predicted == (name == "A")

    def _fill_cells(self) -> None:
        chosen = self.cell_list.currentData()
        layers = mask_layers(self._viewer)
        with QSignalBlocker(self.cell_list):
            self.cell_list.clear()
            self.cell_list.addItem(_OWN, None)
            for layer in layers:
                self.cell_list.addItem(f"inside {layer.name}", layer)
            self.cell_list.setCurrentIndex(layers.index(chosen) + 1 if chosen in layers else 0)

    def _on_chosen(self, *_: Any) -> None:
        first, second = self.first, self.second
        differ = first is not None and second is not None and first.field.unit != second.field.unit
        self._scaled.setEnabled(not differ)
        self._note.set_text("The units differ: A is scaled to B before the comparison." if differ else "")
        self.changed.emit()

    def _open_button(self, name: str) -> QPushButton:
        button = QPushButton("…")
        button.setAccessibleName(f"Open a file for {name}")
        button.setMaximumWidth(36)
        button.setToolTip("Open a file with a traction or displacement field")
        button.clicked.connect(lambda: self.opened.emit(name))
        return button


def default_folder(shown: DisplayedField | None) -> str:
    """Return the default folder for results: that of the input file, if known."""
    path = shown.field.provenance.input_file if shown else ""
    return str(Path(path).parent) if path else ""
