"""List of the models with three lines each, and the full description of the selected one."""

from __future__ import annotations

import re
from collections.abc import Sequence

from qtpy.QtCore import QModelIndex, QRect, QSignalBlocker, QSize, Qt, Signal
from qtpy.QtGui import QFont, QFontMetrics, QPainter
from qtpy.QtWidgets import (
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from napari_cellforce import zoo
from napari_cellforce.widgets.base.form import Form, TextLine
from napari_cellforce.widgets.models.messages import (
    accessible_text,
    card,
    describe_inputs,
    status_text,
    summary_text,
)

ENTRY, STATE = Qt.UserRole, Qt.UserRole + 1
"""Item roles of the `ZooEntry` and the state of its model."""

_MARGIN = 5
_FAINT = 0.7
"""Opacity of the third line."""


class CardPainter(QStyledItemDelegate):
    """Paints the entries of the list of models in the colours of napari's theme."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        """Return the height of three lines; the width is that of the list."""
        del index
        return QSize(0, 3 * QFontMetrics(option.font).lineSpacing() + 2 * _MARGIN)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """Paint an entry: name and state, purpose, inputs."""
        self.initStyleOption(option, index)
        option.text = ""
        option.widget.style().drawControl(QStyle.CE_ItemViewItem, option, painter, option.widget)
        entry, state = index.data(ENTRY), zoo.ModelState(index.data(STATE))
        room = option.rect.adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN)
        painter.save()
        # The colour of the list, set by napari's style sheet; that of the option is Qt's default.
        painter.setPen(option.widget.palette().text().color())
        line = QFontMetrics(option.font).lineSpacing()
        first, second, third = (
            QRect(room.left(), room.top() + i * line, room.width(), line) for i in range(3)
        )
        _paint_head(painter, first, option.font, entry, state)
        painter.setFont(option.font)
        _paint(painter, second, summary_text(entry))
        painter.setOpacity(_FAINT)
        _paint(painter, third, describe_inputs(entry))
        painter.restore()


def _paint_head(
    painter: QPainter, room: QRect, font: QFont, entry: zoo.ZooEntry, state: zoo.ModelState
) -> None:
    """Paint the name in bold to the left, and the state to the right."""
    text = status_text(entry, state)
    painter.setFont(font)
    width = painter.fontMetrics().horizontalAdvance(text)
    painter.drawText(room, Qt.AlignRight, text)
    bold = QFont(font)
    bold.setBold(True)
    painter.setFont(bold)
    name = f"{entry.name}  (the default)" if entry.name == zoo.DEFAULT_MODEL else entry.name
    _paint(painter, room.adjusted(0, 0, -width - _MARGIN, 0), name)


def _paint(painter: QPainter, room: QRect, text: str) -> None:
    """Paint a line, elided if it is too long."""
    painter.drawText(room, Qt.AlignLeft, painter.fontMetrics().elidedText(text, Qt.ElideRight, room.width()))


_SHOWN = 5
"""Number of models visible without scrolling."""


class ModelList(QWidget):
    """List of models with a text filter.

    Signals
    -------
    chosen
        The selection has changed.
    taken
        Enter was pressed on the selected model, or it was double-clicked.
    """

    chosen = Signal()
    activated = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._filter = QLineEdit()
        self._filter.setPlaceholderText("Filter: name, protein, purpose …")
        self._filter.setAccessibleName("Filter")
        self._filter.setClearButtonEnabled(True)
        self._filter.textChanged.connect(self._apply_filter)
        self._list = QListWidget()
        self._list.setAccessibleName("Models")
        self._list.setItemDelegate(CardPainter(self._list))
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        self._list.setVerticalScrollMode(QListWidget.ScrollPerPixel)
        self._list.currentItemChanged.connect(lambda *_: self.chosen.emit())
        self._list.itemActivated.connect(lambda _: self.activated.emit())
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
    def state(self) -> zoo.ModelState:
        """State of the selected model."""
        return zoo.ModelState(self._list.currentItem().data(STATE))

    def fill(self, models: Sequence[tuple[zoo.ZooEntry, zoo.ModelState]], choose: str = "") -> None:
        """List models; select that of the given name, else keep the selection, else the default."""
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
            self._filter.clear()  # a new model must be visible
        self._apply_filter()
        self._select(choose or before, zoo.DEFAULT_MODEL)

    def set_state(self, name: str, state: zoo.ModelState) -> None:
        """Show the state of a model."""
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

    def _apply_filter(self) -> None:
        """Hide models that lack one of the words; "actin" does not match "contracting"."""
        words = [rf"(?<!\w){re.escape(word)}" for word in self._filter.text().split()]
        for row in range(self._list.count()):
            item = self._list.item(row)
            text = str(item.data(Qt.AccessibleTextRole))
            item.setHidden(not all(re.search(word, text, re.IGNORECASE) for word in words))
        self._none.set_text("" if self._first() else "No model contains all these words.")
        if self.entry is None:
            self._select()


def _set_state(item: QListWidgetItem, state: zoo.ModelState) -> None:
    item.setData(STATE, state.value)
    item.setData(Qt.AccessibleTextRole, accessible_text(item.data(ENTRY), state))


class ModelCard(QWidget):
    """Full description of a model.

    Parameters
    ----------
    folder : str or None
        Model folder of the user's preferences.
    """

    def __init__(self, folder: str | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._folder = folder
        self._text = QLabel()
        self._text.setWordWrap(True)
        self._text.setTextFormat(Qt.RichText)
        self._text.setTextInteractionFlags(Qt.TextBrowserInteraction)
        self._text.setOpenExternalLinks(True)
        self._text.setAccessibleName("Description of the model")
        self._file, self._hash, self._address = QLineEdit(), QLineEdit(), QLineEdit()
        self._rows = QWidget()
        form = Form(self._rows)
        form.add("File", self._file, "Path of the weights file")
        form.add("SHA-256", self._hash, "Checksum of the file, verified when it is loaded")
        self._address_row = form.add("Address", self._address, "Download address")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._text)
        layout.addWidget(self._rows)
        for box in (self._file, self._hash, self._address):
            box.setReadOnly(True)

    def show_model(self, entry: zoo.ZooEntry) -> None:
        """Show the description of a model."""
        self._text.setText(card(entry))
        self._rows.setVisible(entry.has_weights)
        if entry.has_weights:
            path = str(entry.path(self._folder))
            self._file.setText(path)
            self._file.setToolTip(path)
            self._hash.setText(entry.sha256)
            self._hash.setCursorPosition(0)
        self._address.setText(entry.url or "")
        self._address.setCursorPosition(0)
        for widget in (self._address, self._address_row):
            widget.setVisible(bool(entry.url))
