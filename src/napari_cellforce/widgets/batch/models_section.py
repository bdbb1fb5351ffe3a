"""Further models that predict the same images, beside the one that is chosen above."""

from __future__ import annotations

from collections.abc import Iterable

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from napari_cellforce import zoo
from napari_cellforce.widgets.base.form import folded

_TIP = "Every ticked model predicts all images too; the report sets them side by side"


class BatchModelsSection(QWidget):
    """Models to tick; each predicts every image, and has its own folder of results.

    Parameters
    ----------
    folder : str or None
        Of the models.

    Signals
    -------
    changed
    """

    changed = Signal()

    def __init__(self, folder: str | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._folder = folder
        self._boxes: dict[str, QCheckBox] = {}
        content = QWidget()
        self._column = QVBoxLayout(content)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._unfolding = folded("More models")
        self._unfolding.addWidget(content)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._unfolding)

    @property
    def chosen(self) -> tuple[str, ...]:
        """Names of the ticked models."""
        return tuple(name for name, box in self._boxes.items() if box.isChecked())

    def list_models(self, but: str, ticked: Iterable[str] | None = None) -> None:
        """List what is on this computer, but the model that is chosen anyway.

        Parameters
        ----------
        but : str
        ticked : iterable of str, optional
            What is to be ticked, listed or not; by default what is now.
        """
        chosen = self.chosen if ticked is None else tuple(ticked)
        here = [e.name for e in zoo.entries(folder=self._folder) if zoo.is_available(e.name, self._folder)]
        names = [name for name in dict.fromkeys((*here, *chosen)) if name != but]
        if names != list(self._boxes):
            self._list(names)
        for name, box in self._boxes.items():
            with QSignalBlocker(box):
                box.setChecked(name in chosen)
        if chosen and ticked is not None:
            self._unfolding.expand(animate=False)

    def _list(self, names: list[str]) -> None:
        """Put a box for each of these models in the place of the former ones."""
        for box in self._boxes.values():
            self._column.removeWidget(box)
            box.setParent(None)  # at once: deleted later, it would still be painted
        self._boxes = {name: QCheckBox(name) for name in names}
        for box in self._boxes.values():
            box.setToolTip(_TIP)
            box.toggled.connect(lambda _: self.changed.emit())
            self._column.addWidget(box)
