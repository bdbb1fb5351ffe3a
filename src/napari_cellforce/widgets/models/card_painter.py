"""A model in three lines: name and state, what it is good for, what it needs."""

from __future__ import annotations

from qtpy.QtCore import QModelIndex, QRect, QSize, Qt
from qtpy.QtGui import QFont, QFontMetrics, QPainter
from qtpy.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from napari_cellforce import zoo
from napari_cellforce.widgets.models.words import needs, purpose, status

ENTRY, STATE = Qt.UserRole, Qt.UserRole + 1
"""Where an item keeps the `ZooEntry` and the state of its model."""

_MARGIN = 5
_FAINT = 0.7
"""Opacity of the third line."""


class CardPainter(QStyledItemDelegate):
    """Paints the cards of a list of models in the colours of napari's theme."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        """Return room for three lines, as wide as there is."""
        del index
        return QSize(0, 3 * QFontMetrics(option.font).lineSpacing() + 2 * _MARGIN)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """Paint a card."""
        self.initStyleOption(option, index)
        option.text = ""
        option.widget.style().drawControl(QStyle.CE_ItemViewItem, option, painter, option.widget)
        entry, state = index.data(ENTRY), zoo.State(index.data(STATE))
        room = option.rect.adjusted(_MARGIN, _MARGIN, -_MARGIN, -_MARGIN)
        painter.save()
        # The list's own colour, which napari's style sheet sets for both themes; the option's is Qt's.
        painter.setPen(option.widget.palette().text().color())
        line = QFontMetrics(option.font).lineSpacing()
        first, second, third = (
            QRect(room.left(), room.top() + i * line, room.width(), line) for i in range(3)
        )
        _paint_head(painter, first, option.font, entry, state)
        painter.setFont(option.font)
        _paint(painter, second, purpose(entry))
        painter.setOpacity(_FAINT)
        _paint(painter, third, needs(entry))
        painter.restore()


def _paint_head(painter: QPainter, room: QRect, font: QFont, entry: zoo.ZooEntry, state: zoo.State) -> None:
    """Paint the name in bold to the left, and the state to the right."""
    text = status(entry, state)
    painter.setFont(font)
    width = painter.fontMetrics().horizontalAdvance(text)
    painter.drawText(room, Qt.AlignRight, text)
    bold = QFont(font)
    bold.setBold(True)
    painter.setFont(bold)
    name = f"{entry.name}  (the default)" if entry.name == zoo.DEFAULT_MODEL else entry.name
    _paint(painter, room.adjusted(0, 0, -width - _MARGIN, 0), name)


def _paint(painter: QPainter, room: QRect, text: str) -> None:
    """Paint a line, cut off with dots where there is no room."""
    painter.drawText(room, Qt.AlignLeft, painter.fontMetrics().elidedText(text, Qt.ElideRight, room.width()))
