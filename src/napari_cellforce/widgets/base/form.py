"""Rows of a panel (label, control, help), and lines of text for messages."""

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
"""Address of the documentation that the help buttons open."""


PROBLEM_COLOUR = "#e53935"
"""Colour of problems: contrast of at least 3 : 1 in napari's dark and light theme."""


class Tone(Enum):
    """Meaning of a line of text, shown by a coloured sign.

    The text keeps the colour of the theme: no single red is legible on both a dark and a light background.
    """

    PLAIN = ""
    PROBLEM = f"<b style='color: {PROBLEM_COLOUR}'>⚠</b> "
    GOOD = "<b style='color: #2a9640'>✓</b> "


_LONG_WORD = re.compile(r"\S{30,}")
_BREAK_AFTER = re.compile(r"[/\\_=.-]")
_BREAK = "\u200b"
"""Zero-width space: Qt breaks lines between words only, and the path of a file is one word."""


class TextLine(QLabel):
    """A wrapped line of text below a row; hidden while it is empty."""

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
        """Return the text without the places where long names may be broken."""
        return str(super().text()).replace(_BREAK, "")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Copy names without the invisible spaces."""
        if event.matches(QKeySequence.Copy):
            self._copy()
        else:
            super().keyPressEvent(event)

    def _copy(self) -> None:
        """Copy the selection, or all of the text, to the clipboard."""
        text = self.selectedText() or QTextDocumentFragment.fromHtml(self.text()).toPlainText()
        QApplication.clipboard().setText(text.replace(_BREAK, ""))


class Form(QFormLayout):
    """Rows of one section: labels tied to their controls, and a (?) button that opens the documentation."""

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
            Tooltip, also read by screen readers.
        page : str
            Page and anchor in the documentation; adds a (?) button.
        beside : QWidget, optional
            Widget to the right of the control.
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
"""Width of the labels in the first rows of a panel, from image to model, in pixels."""


def align_labels(*forms: Form, width: int = 84) -> None:
    """Align the controls of forms below one another.

    Parameters
    ----------
    *forms : Form
    width : int
        Minimum width of the labels, in pixels.
    """
    for form in forms:
        for row in range(form.rowCount()):
            label = form.itemAt(row, QFormLayout.LabelRole)
            if label is not None:  # some rows have none
                label.widget().setMinimumWidth(width)


def help_button(page: str, subject: str) -> QToolButton:
    """Return a small (?) button that opens a page of the documentation."""
    button = QToolButton()
    button.setText("?")
    button.setAutoRaise(True)
    button.setAccessibleName(f"Help on {subject}")
    button.setToolTip(f"Open the documentation: {subject}")
    # Help buttons are for the mouse: Tab moves between controls and skips them.
    button.setFocusPolicy(Qt.ClickFocus)
    button.clicked.connect(lambda: QDesktopServices.openUrl(QUrl(DOCS_URL + page)))
    return button


def shrinkable_combo(combo: QComboBox) -> QComboBox:
    """Allow a combo box to be narrower than its longest entry, so that panels fit into 350 px."""
    combo.setSizeAdjustPolicy(QComboBox.AdjustToMinimumContentsLengthWithIcon)
    combo.setMinimumContentsLength(8)
    combo.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Fixed)
    return combo


def collapsible(title: str) -> QCollapsible:
    """Return an empty section that is expanded by a click on its title."""
    # superqt paints its arrows in black, invisible in the dark theme: here they are part of the text.
    # An icon of nothing, not a null one: that is falsy in PySide6, and superqt takes it for none at all.
    blank = QPixmap(1, 1)
    blank.fill(Qt.GlobalColor.transparent)
    section = QCollapsible(f"▸ {title}", expandedIcon=QIcon(blank), collapsedIcon=QIcon(blank))
    section.toggleButton().setIconSize(QSize(0, 0))
    section.layout().setContentsMargins(0, 4, 0, 4)  # superqt adds more space
    section.toggled.connect(lambda unfolded: section.setText(f"{'▾' if unfolded else '▸'} {title}"))
    return section
