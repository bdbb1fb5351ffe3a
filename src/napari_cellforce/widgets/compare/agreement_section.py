"""What a comparison says: which view is looked at, numbers with intervals, figures, calibration, saving."""

from __future__ import annotations

from html import escape

from napari.components import ViewerModel
from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_cellforce.compare import Comparison
from napari_cellforce.widgets.base.form import Form, TextLine, narrow
from napari_cellforce.widgets.base.numbers import number
from napari_cellforce.widgets.compare.agreement_plots import AgreementPlots
from napari_cellforce.widgets.compare.view import VIEWS, CompareView

_NAMES = {
    "correlation of vectors": ("Correlation of vectors", "1: same pattern; 0: nothing in common"),
    "correlation of magnitudes": ("Correlation of |F|", "Without directions"),
    "mean angle error, weighted by B [°]": ("Angle error [°]", "Mean, each vector counted by B's length"),
    "total A / total B": ("Total A / total B", "1: A pulls as hard as B in all"),
}
_SHORT = {
    "correlation of vectors": "correlation",
    "correlation of magnitudes": "correlation\nof |F|",
    "mean angle error, weighted by B [°]": "angle error [°]",
    "root mean square difference [Pa]": "RMS [Pa]",
    "mean |A| - mean |B| [Pa]": "mean |A| − |B| [Pa]",
}
"""Headings of the table of cells."""


class AgreementSection(QWidget):
    """Everything below the button "Compare".

    Signals
    -------
    calibrate
        A is to become Pa by the factor found.
    save
    """

    calibrate = Signal()
    save = Signal()

    def __init__(self, viewer: ViewerModel, view: CompareView, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._view = view
        self._legend, self._table, self._fit = _words(), _words(), TextLine()
        self._plots = AgreementPlots(viewer)
        self._calibrate = QPushButton("Calibrate the prediction to Pa")
        self._calibrate.setToolTip("Adds A times the scale as a field of its own, in Pa")
        self._calibrate.clicked.connect(self.calibrate)
        save = QPushButton("Save …")
        save.setToolTip("Figures as SVG and PNG, tables as CSV, into a folder")
        save.clicked.connect(self.save)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._legend)
        layout.addLayout(self._build_views())
        for widget in (self._table, self._build_cells(), self._plots, self._fit):
            layout.addWidget(widget)
        buttons = QHBoxLayout()
        buttons.addWidget(self._calibrate, 1)
        buttons.addWidget(save)
        layout.addLayout(buttons)
        view.turned.connect(self._on_turned)
        self.hide()

    def disconnect_viewer(self) -> None:
        """Hear nothing more of the viewer."""
        self._plots.disconnect_viewer()

    def show_comparison(self, comparison: Comparison, *, normalised: bool) -> None:
        """Show another comparison; `normalised` if A was given without unit."""
        scaled = " (scaled)" if comparison.scaled else ""
        names = [escape(name) for name in comparison.names]
        self._legend.setText(f"<b>A</b>{scaled}: {names[0]}<br><b>B</b>: {names[1]}")
        self._table.setText(numbers_table(comparison))
        self._fit.say(calibration_words(comparison))
        self._calibrate.setVisible(
            normalised and comparison.calibration is not None and comparison.unit == "Pa"
        )
        self._fill_cells(comparison)
        self._plots.show_comparison(comparison)
        self.show()

    def _build_views(self) -> Form:
        self._views = narrow(QComboBox())
        for view in VIEWS:
            self._views.addItem(view, view)
        self._views.currentIndexChanged.connect(self._on_chosen)
        self._blink = QPushButton("Blink A / B")
        self._blink.setCheckable(True)
        self._blink.setToolTip("Shows A and B in turn, on one scale: what jumps differs")
        self._blink.toggled.connect(self._view.blink)
        form = Form()
        form.add("Show", self._views, "Which layers of the comparison are seen", beside=self._blink)
        return form

    def _build_cells(self) -> QTableWidget:
        self._cells = QTableWidget()
        self._cells.setEditTriggers(QTableWidget.NoEditTriggers)
        self._cells.verticalHeader().hide()
        self._cells.setAccessibleName("Agreement, cell by cell")
        self._cells.setFixedHeight(120)
        return self._cells

    def _fill_cells(self, comparison: Comparison) -> None:
        """List the cells, if there are several; the ends of intervals are in the file, and in tooltips."""
        table = comparison.cells
        columns = [name for name in map(str, table) if ", 95 % " not in name]
        self._cells.setVisible(len(table) > 1)
        self._cells.setRowCount(len(table))
        self._cells.setColumnCount(len(columns))
        self._cells.setHorizontalHeaderLabels(
            [_SHORT.get(name, name).replace(" [", "\n[") for name in columns]
        )
        for j, name in enumerate(columns):
            for i, row in enumerate(table.to_dict("records")):
                item = QTableWidgetItem(signed(row[name]))
                if f"{name}, 95 % from" in row:
                    low, high = (signed(row[f"{name}, 95 % {end}"]) for end in ("from", "to"))
                    item.setToolTip(f"95 %: {low} to {high}")
                item.setTextAlignment(Qt.AlignRight | Qt.AlignVCenter)
                self._cells.setItem(i, j, item)
        self._cells.resizeColumnsToContents()

    def _on_chosen(self) -> None:
        self._blink.setChecked(False)
        self._view.look_at(self._views.currentData())

    def _on_turned(self, view: str) -> None:
        with QSignalBlocker(self._views):
            self._views.setCurrentIndex(VIEWS.index(view))
        with QSignalBlocker(self._blink):
            self._blink.setChecked(self._view.blinking)


def numbers_table(comparison: Comparison) -> str:
    """Return the numbers with their 95 % intervals as HTML."""
    lines = ["<tr><th></th><th align='right'>value</th><th align='right'>&nbsp;95 % interval</th></tr>"]
    for n in comparison.numbers:
        name, tip = _NAMES.get(n.name, (n.name[0].upper() + n.name[1:], ""))
        lines.append(
            f"<tr><td title='{tip}'>{escape(name)}</td><td align='right'>&nbsp;<b>{signed(n.value)}</b></td>"
            f"<td align='right'>&nbsp;{signed(n.low)} to {signed(n.high)}</td></tr>"
        )
    return f"<table style='font-size: small'>{''.join(lines)}</table>"


def calibration_words(comparison: Comparison) -> str:
    """Return the scale from A to B, its interval, and how much of B it explains; empty if there is none."""
    fit = comparison.calibration
    if fit is None:
        return "No positive scale brings A to B: they point against each other, or A is zero."
    unit = f" {comparison.unit}" if comparison.scaled and comparison.unit == "Pa" else ""
    return (
        f"Scale from A to B: {number(fit.factor)}{unit} "
        f"({number(fit.low)} to {number(fit.high)}); "
        f"scaled A explains {100 * fit.explained:.0f} % of B. Error from this cell alone: "
        "cells differ by more."
    )


def signed(value: float) -> str:
    """Return a number with three digits and a true minus sign."""
    return number(value).replace("-", "−")


def _words() -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextSelectableByMouse)
    label.setSizePolicy(QSizePolicy.Ignored, QSizePolicy.Preferred)
    return label
