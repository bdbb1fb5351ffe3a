"""All predictors, a card of three lines each."""

from __future__ import annotations

import re
from collections.abc import Sequence

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from napari_cellforce import zoo
from napari_cellforce.widgets.base.form import TextLine
from napari_cellforce.widgets.models.card_painter import ENTRY, STATE, CardPainter
from napari_cellforce.widgets.models.words import spoken

_SHOWN = 5
"""Models that are seen without scrolling the list."""


class ModelList(QWidget):
    """Choice of a model, narrowed down by words.

    Signals
    -------
    chosen
        Another model is selected, or none.
    taken
        Enter was pressed on the selected one, or it was double-clicked.
    """

    chosen = Signal()
    taken = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._filter = QLineEdit()
        self._filter.setPlaceholderText("Filter: name, protein, purpose …")
        self._filter.setAccessibleName("Filter")
        self._filter.setClearButtonEnabled(True)
        self._filter.textChanged.connect(self._narrow)
        self._list = QListWidget()
        self._list.setAccessibleName("Models")
        self._list.setItemDelegate(CardPainter(self._list))
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        self._list.setVerticalScrollMode(QListWidget.ScrollPerPixel)
        self._list.currentItemChanged.connect(lambda *_: self.chosen.emit())
        self._list.itemActivated.connect(lambda _: self.taken.emit())
        self._none = TextLine()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (self._filter, self._list, self._none):
            layout.addWidget(widget)

    @property
    def entry(self) -> zoo.ZooEntry | None:
        """The selected model."""
        item = self._list.currentItem()
        return None if item is None or item.isHidden() else item.data(ENTRY)

    @property
    def state(self) -> zoo.State:
        """State of the selected model."""
        return zoo.State(self._list.currentItem().data(STATE))

    def fill(self, models: Sequence[tuple[zoo.ZooEntry, zoo.State]], choose: str = "") -> None:
        """List models; select that of the given name, else the one of before, else the default."""
        before = self.entry.name if self.entry else ""
        with QSignalBlocker(self._list):
            self._list.clear()
            for entry, state in models:
                item = QListWidgetItem(entry.name, self._list)
                item.setData(ENTRY, entry)
                item.setToolTip(entry.card)
                _set_state(item, state)
        height = self._list.sizeHintForRow(0) * _SHOWN + 2 * self._list.frameWidth()
        self._list.setFixedHeight(height)
        if choose in [entry.name for entry, _ in models]:
            self._filter.clear()  # what has just arrived is not to be hidden
        self._narrow()
        self._select(choose or before, zoo.DEFAULT_MODEL)

    def set_state(self, name: str, state: zoo.State) -> None:
        """Show what has been found out about a model."""
        for item in self._list.findItems(name, Qt.MatchExactly):
            _set_state(item, state)

    def _select(self, *names: str) -> None:
        found = (item for name in names for item in self._list.findItems(name, Qt.MatchExactly))
        visible = next((item for item in found if not item.isHidden()), None) or self._first()
        self._list.setCurrentItem(visible)
        self.chosen.emit()

    def _first(self) -> QListWidgetItem | None:
        items = (self._list.item(row) for row in range(self._list.count()))
        return next((item for item in items if not item.isHidden()), None)

    def _narrow(self) -> None:
        """Hide models that lack one of the words; "actin" is not meant to find "contracting"."""
        words = [rf"(?<!\w){re.escape(word)}" for word in self._filter.text().split()]
        for row in range(self._list.count()):
            item = self._list.item(row)
            text = str(item.data(Qt.AccessibleTextRole))
            item.setHidden(not all(re.search(word, text, re.IGNORECASE) for word in words))
        self._none.say("" if self._first() else "No model has all these words.")
        if self.entry is None:
            self._select()


def _set_state(item: QListWidgetItem, state: zoo.State) -> None:
    item.setData(STATE, state.value)
    item.setData(Qt.AccessibleTextRole, spoken(item.data(ENTRY), state))
