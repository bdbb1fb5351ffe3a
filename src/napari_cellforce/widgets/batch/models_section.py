"""Further models that predict the same images, beside the one that is chosen above."""

from __future__ import annotations

from collections.abc import Iterable

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from napari_cellforce import zoo
from napari_cellforce.widgets.base.form import folded

_ROWS = 4
"""Height of the list."""


class BatchModelsSection(QWidget):
    """A list of models to tick; each predicts every image, and has its own folder of results.

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
        self._list = QListWidget()
        self._list.setAccessibleName("More models")
        self._list.setToolTip("Every ticked model predicts all images too; the report sets them side by side")
        self._list.itemChanged.connect(lambda _: self.changed.emit())
        self._list.setMaximumHeight(_ROWS * self._list.fontMetrics().height() * 3 // 2)
        self._unfolding = folded("More models")
        self._unfolding.addWidget(self._list)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._unfolding)

    @property
    def chosen(self) -> tuple[str, ...]:
        """Names of the ticked models."""
        items = (self._list.item(i) for i in range(self._list.count()))
        return tuple(str(item.text()) for item in items if item.checkState() == Qt.Checked)

    def offer(self, but: str, ticked: Iterable[str] | None = None) -> None:
        """List what is on this computer, but the model that is chosen anyway.

        Parameters
        ----------
        but : str
        ticked : iterable of str, optional
            What is to be ticked, listed or not; by default what is now.
        """
        chosen = self.chosen if ticked is None else tuple(ticked)
        here = [e.name for e in zoo.entries(folder=self._folder) if zoo.is_available(e.name, self._folder)]
        with QSignalBlocker(self._list):
            self._list.clear()
            for name in dict.fromkeys((*here, *chosen)):
                if name != but:
                    item = QListWidgetItem(name, self._list)
                    item.setFlags(item.flags() | Qt.ItemIsUserCheckable)
                    item.setCheckState(Qt.Checked if name in chosen else Qt.Unchecked)
        if chosen and ticked is not None:
            self._unfolding.expand(animate=False)
