"""What is to be explained: a tick for each part."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from napari_cellforce.widgets.base.form import Form


class PartsSection(QWidget):
    """What is to be explained.

    Signals
    -------
    changed
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._fields = QCheckBox("inner fields")
        self._greens = QCheckBox("Green's functions")
        self._formula = QCheckBox("one formula")
        column = QWidget()
        layout = QVBoxLayout(column)
        layout.setContentsMargins(0, 0, 0, 0)
        for box in self._boxes.values():
            box.toggled.connect(self.changed)
            layout.addWidget(box)
        form = Form(self)
        form.add("Explain", column, "What to look at; see which model has what", page="explain/")
        self.reset()

    @property
    def chosen(self) -> tuple[str, ...]:
        """Names of the parts."""
        return tuple(name for name, box in self._boxes.items() if box.isChecked())

    def reset(self) -> None:
        """Ask for the inner fields only."""
        for name, box in self._boxes.items():
            box.setChecked(name == "fields")

    def set_kind(self, kind: str) -> None:
        """Offer Green's functions only of a network that has some."""
        has = kind == "gfnn"
        self._greens.setEnabled(has)
        self._greens.setToolTip("" if has else "Only a Green's-function network (GFNN) has these")
        if not has:
            self._greens.setChecked(False)

    @property
    def _boxes(self) -> dict[str, QCheckBox]:
        return {"fields": self._fields, "greens": self._greens, "formula": self._formula}
