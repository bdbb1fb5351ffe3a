"""What the last edit changed: every number before and after."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from napari_cellforce.scan import CellEvaluation
from napari_cellforce.widgets.base.format import format_number

_SHOWN = (
    "total force",
    "mean traction",
    "maximum traction",
    "strain energy",
    "angle to the adhesions",
    "net / total force",
    "area",
    "adhesions",
)
_SMALLEST_CHANGE = 0.05
"""In %: less is shown as none."""


class ChangeTable(QWidget):
    """A table of the cell as it was before and as it is now, by one model."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._references: dict[str, CellEvaluation] = {}
        self._current: CellEvaluation | None = None
        self.headline = ""
        self._table = QLabel()
        self._table.setTextInteractionFlags(Qt.TextSelectableByMouse)
        self._table.setSizePolicy(QSizePolicy.Ignored, QSizePolicy.Preferred)
        self._pin = QPushButton("Compare with this cell from now on")
        self._pin.setToolTip(
            "Takes the cell as it is now for the one before; edits are then compared with it"
        )
        self._pin.clicked.connect(self.set_reference)
        buttons = QHBoxLayout()
        buttons.addWidget(self._pin)
        buttons.addStretch()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._table)
        layout.addLayout(buttons)

    @property
    def filled(self) -> bool:
        """True once there is an answer."""
        return self._current is not None

    def show_result(self, evaluation: CellEvaluation) -> None:
        """Show an answer beside the one that came before it, from the same model."""
        self._current = evaluation
        before = self._references.setdefault(evaluation.model, evaluation)
        self.headline = headline(before, evaluation)
        self._table.setText(_table(before, evaluation))
        self._pin.setVisible(before is not evaluation)

    def set_reference(self) -> None:
        """Take the cell as it is now for the one before."""
        if self._current is not None:
            self._references[self._current.model] = self._current
            self.show_result(self._current)


def headline(before: CellEvaluation, now: CellEvaluation) -> str:
    """Return the total force before and after in one line, with the change in %."""
    column = next(name for name in now.numbers if name.startswith("total force"))
    unit = column.partition(" ")[2].partition(" ")[2].strip("[]")
    if before is now:
        return f"Total force: {format_number(now.numbers[column])} {unit}"
    old, new = before.numbers[column], now.numbers[column]
    return f"Total force: {format_number(old)} → {format_number(new)} {unit} ({percent(old, new)})"


def change(name: str, before: float, now: float) -> str:
    """Return the change of a column: in % of a quantity that has a true zero, in degrees of an angle."""
    if "[°]" in name:
        return f"{now - before:+.1f}°"
    return "–" if name.startswith("net") else percent(before, now)


def percent(before: float, now: float) -> str:
    """Return the change in %, with its sign; a dash where it is undefined."""
    if not (math.isfinite(before) and math.isfinite(now)) or before == 0:
        return "–"
    change = 100 * (now / before - 1)
    return "±0 %" if abs(change) < _SMALLEST_CHANGE else f"{change:+.1f} %"


def _table(before: CellEvaluation, now: CellEvaluation) -> str:
    compared = before is not now
    head = "<th align='right'>before</th><th align='right'>now</th><th align='right'>change</th>"
    numbers = head if compared else "<th></th>"
    lines = [f"<tr><th align='left'>by {escape(now.model)}</th>{numbers}</tr>"]
    for name in _columns(now.numbers):
        cells = [format_number(now.numbers[name])]
        if compared:
            old, new = before.numbers[name], now.numbers[name]
            cells = [format_number(old), *cells, change(name, old, new)]
        values = "".join(f"<td align='right'>&nbsp;{cell}</td>" for cell in cells)
        lines.append(f"<tr><td>{name}</td>{values}</tr>")
    return f"<table style='font-size: small'>{''.join(lines)}</table>"


def _columns(numbers: Mapping[str, float]) -> list[str]:
    return [name for quantity in _SHOWN for name in numbers if name.split(" [")[0] == quantity]
