"""Choice of the parts of an explanation."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from napari_cellforce.explain.config import supported_parts
from napari_cellforce.models import registry
from napari_cellforce.widgets.base.form import Form


class PartsSection(QWidget):
    """Choice of the parts of an explanation.

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
        form.add(
            "Explain",
            column,
            "Parts of the explanation; models differ in the parts they support",
            page="explain/",
        )
        self.reset()

    @property
    def chosen(self) -> tuple[str, ...]:
        """Names of the chosen parts."""
        return tuple(name for name, box in self._boxes.items() if box.isChecked())

    def reset(self) -> None:
        """Choose the inner fields only."""
        self._wanted = {name: name == "fields" for name in self._boxes}
        for name, box in self._boxes.items():
            box.setChecked(box.isEnabled() and self._wanted[name])

    def set_kind(self, kind: str) -> None:
        """Offer only the parts that models of a kind support; what was ticked is ticked again with others."""
        supported = supported_parts(kind)
        for name, box in self._boxes.items():
            if box.isEnabled():
                self._wanted[name] = box.isChecked()
            box.setEnabled(name in supported)
            box.setChecked(name in supported and self._wanted[name])
            box.setToolTip(
                "" if name in supported else f"Models of this kind ({registry.title(kind)}) have none"
            )

    @property
    def _boxes(self) -> dict[str, QCheckBox]:
        return {"fields": self._fields, "greens": self._greens, "formula": self._formula}
