"""The number box of all panels and dialogs: it reads both decimal signs, and keeps what is typed."""

from __future__ import annotations

import math
import re
from typing import Any

from qtpy.QtCore import QLocale, QPoint, QSize, Qt, Signal
from qtpy.QtGui import QKeyEvent, QValidator, QWheelEvent
from qtpy.QtWidgets import QDoubleSpinBox, QToolTip, QWidget

from napari_cellforce.widgets.base.form import PROBLEM_COLOUR

_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")
_EXPONENT = re.compile(r"e([+-])0*(\d)")
_MICRO, _GREEK_MU = "\N{MICRO SIGN}", "\N{GREEK SMALL LETTER MU}"
_UNLIMITED = 1e15
"""Limit of a number that has none, by absolute value."""
_DECIMALS = 15
"""Places in which Qt keeps the number; far more than are shown."""
_DIGITS = 7
"""Significant digits that are shown, and that a typed number keeps."""


class NumberBox(QDoubleSpinBox):
    """A number with its unit.

    "8,5" and "8.5" are the same number in every locale, digits are never grouped, and 3e-4 can be typed. No
    key is ignored: text that is no number in the range has a red frame while it is typed; then the number
    before is shown again, with the reason. The mouse wheel changes the number only while the box has the
    focus; otherwise it scrolls the panel.

    Parameters
    ----------
    minimum, maximum : float, optional
        Limits, both included; by default there are none.
    value : float, optional
        The number at first; by default 0, or the limit next to it.
    unit : str
        Shown after the number; it may be typed, too.
    empty : str
        Shown in place of 0, where there is no number; 0 may then be below `minimum`.
    whole : bool
        True for whole numbers.
    exclusive : bool
        True if `minimum` itself is too small.
    step : float, optional
        Change by one press of an arrow key; by default a tenth of the number's power of ten.

    Signals
    -------
    refused : str
        What was typed is no number in the range: a sentence that says so.
    """

    refused = Signal(str)

    def __init__(
        self,
        minimum: float | None = None,
        maximum: float | None = None,
        *,
        value: float = 0,
        unit: str = "",
        empty: str = "",
        whole: bool = False,
        exclusive: bool = False,
        step: float | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._whole, self._step, self._typed, self._exclusive = whole, step, "", exclusive
        self._lowest = -_UNLIMITED
        self.setLocale(QLocale.c())
        self.setDecimals(_DECIMALS)
        self.setKeyboardTracking(False)
        self.setFocusPolicy(Qt.StrongFocus)
        self.setSpecialValueText(empty)
        self.set_limits(minimum, maximum, unit=unit)
        self.setValue(value)
        self.lineEdit().textEdited.connect(self._on_edited)
        self.editingFinished.connect(self._on_finished)

    @property
    def number(self) -> Any:
        """The number; None where the box shows that there is none."""
        return None if self._is_empty else self.value()

    def set_number(self, number: float | None) -> None:
        """Show a number, or that there is none."""
        self.setValue(0 if number is None else number)

    def value(self) -> Any:
        """Return the number, as an int if it is whole; 0 where there is none."""
        number = float(super().value())
        return round(number) if self._whole else number

    def set_limits(
        self, minimum: float | None, maximum: float | None, *, unit: str = "", whole: bool | None = None
    ) -> None:
        """Change the range, the unit and whether the number is whole; parameters as of the class."""
        self._whole = self._whole if whole is None else whole
        self._lowest = -_UNLIMITED if minimum is None else minimum
        # Qt shows the special text at its own minimum.
        self.setRange(
            0 if self.specialValueText() else self._lowest, _UNLIMITED if maximum is None else maximum
        )
        self.setSuffix(f" {unit}" if unit else "")

    def textFromValue(self, value: float) -> str:
        """Return how a number is shown."""
        return shown(value)

    def valueFromText(self, text: str) -> float:
        """Return the number that is meant, or the present one if there is none."""
        if self._is_special(text):
            return float(self.minimum())
        number = _parsed(self._plain(text))
        return float(super().value()) if number is None else float(shown(number))

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        """Accept numbers in the range; everything else may be typed, but does not become a number."""
        good = self._is_special(text) or not self._objection(text)
        return (QValidator.Acceptable if good else QValidator.Intermediate), text, position

    def fixup(self, text: str) -> str:
        """Leave a text as it is: Qt would take out what the locale groups digits by, and make 0,05 into 5."""
        return text

    def stepBy(self, steps: int) -> None:
        """Go up or down; the result is a multiple of the step, and stays within the limits."""
        value = float(super().value())
        step = self._step or (10.0 ** (math.floor(math.log10(abs(value))) - 1) if value else 0.1)
        step = max(step, 1.0) if self._whole else step
        turned = round((value + steps * step) / step) * step
        if self._lowest > turned > self.minimum():
            turned = self._lowest if steps > 0 else self.minimum()
        self.setValue(float(f"{turned:.12g}"))

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Turn the number while the box has the focus; else the panel scrolls."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Type over the words that stand for no number."""
        words = self.specialValueText()
        if words and self.lineEdit().text() == words and event.text() and event.text().isprintable():
            self.lineEdit().selectAll()
        super().keyPressEvent(event)

    def sizeHint(self) -> QSize:
        """Return room for the words, or six digits and the unit."""
        text = max(self.specialValueText(), f"0000000{self.suffix()}", key=len)
        buttons = 0 if self.buttonSymbols() == QDoubleSpinBox.NoButtons else 36
        return QSize(self.fontMetrics().horizontalAdvance(text) + buttons + 12, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        """Return a width that fits into a narrow panel."""
        hint = self.sizeHint()
        return QSize(min(hint.width(), 90), hint.height())

    @property
    def _is_empty(self) -> bool:
        return bool(self.specialValueText()) and float(super().value()) == self.minimum()

    def _is_special(self, text: str) -> bool:
        return bool(self.specialValueText()) and self._plain(text) in ("", self.specialValueText())

    def _plain(self, text: str) -> str:
        """Return a text without the unit, which stands twice where it was typed."""
        text, unit = text.strip().replace(_GREEK_MU, _MICRO), self.suffix().strip()
        while unit and text.endswith(unit):
            text = text.removesuffix(unit).rstrip()
        return text

    def _objection(self, text: str) -> str:
        """Return why a text is not accepted, or an empty string."""
        plain, number = self._plain(text), _parsed(self._plain(text))
        if number is None:
            return f"{plain or 'nothing'} is not a number"
        if self._whole and not float(number).is_integer():
            return f"{plain} is not a whole number"
        if number == 0 and self.specialValueText():
            return ""
        too_small = number <= self._lowest if self._exclusive else number < self._lowest
        if not too_small and number <= self.maximum():
            return ""
        unit = self.suffix()
        if self._exclusive and too_small:
            return f"{plain}{unit} is not more than {shown(self._lowest)}{unit}"
        if self.maximum() >= _UNLIMITED:
            return f"{plain}{unit} is less than {shown(self._lowest)}{unit}"
        return f"{plain}{unit} is not between {shown(self._lowest)} and {shown(self.maximum())}{unit}"

    def _on_edited(self, text: str) -> None:
        self._typed = text
        self._mark(not self._is_special(text) and bool(self._objection(text)))

    def _on_finished(self) -> None:
        """Say why the number before is shown again, if what was typed was refused."""
        text, self._typed = self._typed, ""
        self._mark(False)
        objection = "" if not text or self._is_special(text) else self._objection(text)
        if objection:
            kept = "there is still no number" if self._is_empty else f"{self.text()} is kept"
            with_period = f"{objection}; {kept}."
            QToolTip.showText(self.mapToGlobal(QPoint(0, self.height())), with_period, self)
            self.refused.emit(with_period)

    def _mark(self, wrong: bool) -> None:
        self.lineEdit().setStyleSheet(f"border: 1px solid {PROBLEM_COLOUR};" if wrong else "")


def shown(value: float) -> str:
    """Return a number with seven digits, a point for the decimal sign, and no trailing zeros."""
    digits = max(_DIGITS, len(str(int(abs(value)))) if abs(value) < _UNLIMITED else _DIGITS)
    return _EXPONENT.sub(lambda m: f"e{m[1].replace('+', '')}{m[2]}", f"{value:.{digits}g}")


def _parsed(text: str) -> float | None:
    """Return the number that a text is, with a point or a comma, or None."""
    plain = text.replace("\N{MINUS SIGN}", "-")
    return float(plain.replace(",", ".")) if _NUMBER.fullmatch(plain) else None
