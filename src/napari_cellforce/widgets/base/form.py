"""Rows of a panel: label, control, help; and lines of text that say what is going on."""

from __future__ import annotations

import re
from enum import Enum
from html import escape

from qtpy.QtCore import QSize, Qt, QUrl
from qtpy.QtGui import QDesktopServices, QIcon, QKeyEvent, QKeySequence, QPixmap, QTextDocumentFragment
from qtpy.QtWidgets import (
    QAction,
    QApplication,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QSizePolicy,
    QToolButton,
    QWidget,
)
from superqt import QCollapsible

DOCS_URL = "https://napari-cellforce.readthedocs.io/en/latest/"
"""Where the help of each row lies."""


PROBLEM_COLOUR = "#e53935"
"""Red of problems: at least 3 : 1 against the background of napari's dark and its light theme."""


class Tone(Enum):
    """How a line of text is meant, told by a coloured sign.

    The words keep the theme's colour: no one red is legible as text on both a dark and a light background.
    """

    PLAIN = ""
    PROBLEM = f"<b style='color: {PROBLEM_COLOUR}'>⚠</b> "
    GOOD = "<b style='color: #2a9640'>✓</b> "


_LONG_WORD = re.compile(r"\S{30,}")
_BREAK_AFTER = re.compile(r"[/\\_=.-]")
_BREAK = "\u200b"
"""A space without width: Qt breaks lines between words only, and a file's path is one word."""


class TextLine(QLabel):
    """A line of words under a row, wrapped, long names too; hidden while it has nothing to say."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWordWrap(True)
        self.setTextFormat(Qt.RichText)
        self.setTextInteractionFlags(Qt.TextSelectableByMouse)
        self.setContextMenuPolicy(Qt.ActionsContextMenu)
        copy = QAction("Copy", self)
        copy.triggered.connect(self._copy)
        self.addAction(copy)
        self.hide()

    def set_text(self, text: str, tone: Tone = Tone.PLAIN) -> None:
        """Show `text`, or hide the line if it is empty."""
        broken = _LONG_WORD.sub(lambda word: _BREAK_AFTER.sub(rf"\g<0>{_BREAK}", word[0]), text)
        self.setText(tone.value + escape(broken) if text else "")
        self.setVisible(bool(text))

    def text(self) -> str:
        """Return what it says, without the places where long names may be broken."""
        return str(super().text()).replace(_BREAK, "")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Copy names as they are."""
        if event.matches(QKeySequence.Copy):
            self._copy()
        else:
            super().keyPressEvent(event)

    def _copy(self) -> None:
        """Put what is selected, or else all of it, on the clipboard."""
        text = self.selectedText() or QTextDocumentFragment.fromHtml(self.text()).toPlainText()
        QApplication.clipboard().setText(text.replace(_BREAK, ""))


class Form(QFormLayout):
    """Rows of one section, with labels tied to their controls and a (?) that opens the docs there."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setContentsMargins(0, 0, 0, 0)
        self.setFieldGrowthPolicy(QFormLayout.AllNonFixedFieldsGrow)
        self.setRowWrapPolicy(QFormLayout.DontWrapRows)

    def add(
        self, text: str, control: QWidget, tip: str, *, page: str = "", beside: QWidget | None = None
    ) -> QLabel:
        """Add a row and return its label.

        Parameters
        ----------
        text : str
        control : QWidget
        tip : str
            Shown when the mouse rests on it, and read by screen readers.
        page : str
            Page and anchor in the docs that explain the row; adds a (?) button.
        beside : QWidget, optional
            Goes to the right of the control.
        """
        label = QLabel(text)
        label.setBuddy(control)
        label.setToolTip(tip)
        control.setToolTip(tip)
        control.setAccessibleName(text)
        control.setAccessibleDescription(tip)
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(control, 1)
        if beside is not None:
            row.addWidget(beside)
        if page:
            row.addWidget(help_button(page, text))
        self.addRow(label, row)
        return label


LABEL_WIDTH = 56
"""Pixels for the labels of the first rows of a panel, from image to model."""


def align_labels(*forms: Form, width: int = 84) -> None:
    """Let the controls of forms that stand below one another begin at the same place.

    Parameters
    ----------
    *forms : Form
    width : int
        Of their labels, in pixels.
    """
    for form in forms:
        for row in range(form.rowCount()):
            label = form.itemAt(row, QFormLayout.LabelRole)
            if label is not None:  # some rows have none
                label.widget().setMinimumWidth(width)


def help_button(page: str, subject: str) -> QToolButton:
    """Return a small (?) that opens a page of the docs."""
    button = QToolButton()
    button.setText("?")
    button.setAutoRaise(True)
    button.setAccessibleName(f"Help on {subject}")
    button.setToolTip(f"Open the documentation: {subject}")
    # Help is for the mouse: with Tab one goes from control to control, not through question marks.
    button.setFocusPolicy(Qt.ClickFocus)
    button.clicked.connect(lambda: QDesktopServices.openUrl(QUrl(DOCS_URL + page)))
    return button


def shrinkable_combo(combo: QComboBox) -> QComboBox:
    """Let a combo box shrink below its longest entry, so that panels fit into 350 px."""
    combo.setSizeAdjustPolicy(QComboBox.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(8)
    combo.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Fixed)
    return combo


def collapsible(title: str) -> QCollapsible:
    """Return an empty section that unfolds when its title is pressed."""
    # superqt paints its own arrows in black, which the dark theme swallows: ours are part of the text.
    # An icon of nothing, not a null one: that is falsy in PySide6, and superqt takes it for none at all.
    blank = QPixmap(1, 1)
    blank.fill(Qt.GlobalColor.transparent)
    section = QCollapsible(f"▸ {title}", expandedIcon=QIcon(blank), collapsedIcon=QIcon(blank))
    section.toggleButton().setIconSize(QSize(0, 0))
    section.layout().setContentsMargins(0, 4, 0, 4)  # superqt leaves room for two more lines
    section.toggled.connect(lambda unfolded: section.setText(f"{'▾' if unfolded else '▸'} {title}"))
    return section
