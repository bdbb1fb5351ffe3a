"""Result of a comparison: choice of layers, numbers with intervals, figures, calibration, saving."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
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
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from napari_cellforce.compare import Comparison
from napari_cellforce.widgets.base.form import Form, TextLine, shrinkable_combo
from napari_cellforce.widgets.base.format import format_number
from napari_cellforce.widgets.base.plots import BLUE, ORANGE, apply_theme, disable_interaction
from napari_cellforce.widgets.compare.comparison_layers import VIEWS, ComparisonLayers

_COLOURS = {"A": ORANGE, "B": BLUE}
_HEIGHT = 210


class AgreementPlots(QTabWidget):
    """Four figures of a comparison, one tab each.

    Parameters
    ----------
    viewer : ViewerModel
        Viewer whose theme sets the colours.
    parent : QWidget, optional
    """

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        names = ("Magnitudes", "Angles", "Edge to centre", "Over time")
        self._plots = {name: pg.PlotWidget(self) for name in names}
        for name, plot in self._plots.items():
            disable_interaction(plot)
            plot.setAccessibleName(name)
            self.addTab(plot, name)
        self._plots["Angles"].setAspectLocked(True)
        for side in ("left", "bottom"):
            self._plots["Angles"].hideAxis(side)
        for name in ("Edge to centre", "Over time"):
            self._plots[name].addLegend(offset=(-5, 5))
        self.setFixedHeight(_HEIGHT)
        self._apply_theme()
        viewer.events.theme.connect(self._apply_theme)

    def dispose(self) -> None:
        """Disconnect from the viewer."""
        self._viewer.events.theme.disconnect(self._apply_theme)

    def show_comparison(self, comparison: Comparison) -> None:
        """Draw another comparison."""
        for plot in self._plots.values():
            plot.clear()
        self._scatter(comparison)
        self._rose(comparison)
        self._curves("Edge to centre", comparison.profile, ("mean |A|", "mean |B|"))
        self._plots["Edge to centre"].setLabel("bottom", "distance from the edge [µm]")
        self._plots["Edge to centre"].setLabel("left", f"mean [{comparison.unit}]")
        times = comparison.over_time
        minutes = bool(times["time [min]"].notna().all())
        self._curves("Over time", times.iloc[:, [1 if minutes else 0, 2, 3]], tuple(times.columns[2:]))
        self._plots["Over time"].setLabel("bottom", "time [min]" if minutes else "frame")
        self._plots["Over time"].setLabel("left", times.columns[2].replace("|A|", "magnitude"))
        self.setTabVisible(self.indexOf(self._plots["Over time"]), len(times) > 1)

    def _scatter(self, comparison: Comparison) -> None:
        """Draw a scatter plot of |A| over |B| with the identity line."""
        plot = self._plots["Magnitudes"]
        a, b = comparison.overview.sizes
        plot.plot(b, a, pen=None, symbol="o", symbolSize=3, symbolPen=None, symbolBrush=(33, 150, 211, 90))
        top = comparison.overview.top
        plot.plot([0, top], [0, top], pen=pg.mkPen(self._ink))
        plot.setRange(xRange=(0, top), yRange=(0, top), padding=0.02)
        plot.setLabel("bottom", f"|B| [{comparison.unit}]")
        plot.setLabel("left", f"|A| [{comparison.unit}]")

    def _rose(self, comparison: Comparison) -> None:
        """Draw a rose diagram of the angles from A to B; 0 is to the right, positive is up."""
        plot = self._plots["Angles"]
        x, y = rose(comparison.overview.angles)
        plot.plot(x, y, pen=pg.mkPen(_COLOURS["B"]), fillLevel=0, brush=pg.mkBrush(_COLOURS["B"] + "80"))
        circle = np.linspace(0, 2 * np.pi, 73)
        plot.plot(np.cos(circle), np.sin(circle), pen=pg.mkPen(self._ink, style=pg.QtCore.Qt.DotLine))
        for degrees, anchor in ((0, (0, 0.5)), (90, (0.5, 1)), (180, (1, 0.5)), (-90, (0.5, 0))):
            text = pg.TextItem(f"{degrees}°", color=self._ink, anchor=anchor)
            text.setPos(np.cos(np.radians(degrees)), np.sin(np.radians(degrees)))
            plot.addItem(text)
        plot.setRange(xRange=(-1.3, 1.3), yRange=(-1.2, 1.2))
        plot.setTitle("angle from A to B, counter-clockwise", size="8pt", color=self._ink)

    def _curves(self, name: str, table: Any, columns: tuple[str, ...]) -> None:
        """Draw two columns over the first one, from zero."""
        plot = self._plots[name]
        x = table.iloc[:, 0].to_numpy(float)
        for which, column, symbol in zip("AB", columns, "ot", strict=True):
            colour = _COLOURS[which]
            plot.plot(
                x,
                table[column].to_numpy(float),
                name=which,
                pen=pg.mkPen(colour, width=2),
                symbol=symbol,
                symbolSize=6,
                symbolBrush=colour,
                symbolPen=None,
            )
        plot.setYRange(0, 1.1 * float(np.nanmax(table[list(columns)].to_numpy(float))) or 1.0, padding=0)

    def _apply_theme(self, event: Any = None) -> None:
        del event
        for plot in self._plots.values():
            self._ink = apply_theme(self._viewer, plot)
            if plot.plotItem.legend is not None:
                plot.plotItem.legend.setLabelTextColor(self._ink)


def rose(counts: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the outline (x, y) of a rose, its longest petal 1.

    The area of a petal is proportional to the count: the radius is its square root.

    Parameters
    ----------
    counts : (N,) array of int
        Number of angles in each sector, counter-clockwise from -180°.
    """
    edges = np.linspace(-np.pi, np.pi, len(counts) + 1)
    radius = np.sqrt(counts / max(counts.max(), 1))
    none = np.zeros(len(counts))
    corners = np.stack([none, radius, radius, none], axis=1).ravel()
    turned = np.stack([edges[:-1], edges[:-1], edges[1:], edges[1:]], axis=1).ravel()
    return corners * np.cos(turned), corners * np.sin(turned)


_NAMES = {
    "correlation of vectors": ("Correlation of vectors", "1: identical pattern; 0: no correlation"),
    "correlation of magnitudes": (
        "Correlation of |F|",
        "Correlation of magnitudes, independent of directions",
    ),
    "mean angle error, weighted by B [°]": ("Angle error [°]", "Mean, weighted by the magnitude of B"),
    "total A / total B": ("Total A / total B", "1: equal total force"),
}
_SHORT = {
    "correlation of vectors": "correlation",
    "correlation of magnitudes": "correlation\nof |F|",
    "mean angle error, weighted by B [°]": "angle error [°]",
    "root mean square difference [Pa]": "RMS [Pa]",
    "mean |A| - mean |B| [Pa]": "mean |A| − |B| [Pa]",
}
"""Column headings of the table of cells."""


class AgreementSection(QWidget):
    """Section below the button "Compare".

    Signals
    -------
    calibrate
        The button for converting A to Pa by the fitted scale was pressed.
    save
    """

    calibrate = Signal()
    save = Signal()

    def __init__(self, viewer: ViewerModel, view: ComparisonLayers, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._view = view
        self._legend, self._table, self._fit = _text_label(), _text_label(), TextLine()
        self._plots = AgreementPlots(viewer)
        self._calibrate = QPushButton("Calibrate the prediction to Pa")
        self._calibrate.setToolTip("Add A multiplied by the scale as a new field in Pa")
        self._calibrate.clicked.connect(self.calibrate)
        save = QPushButton("Save …")
        save.setToolTip("Write figures (SVG, PNG) and tables (CSV) to a folder")
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
        view.view_changed.connect(self._on_view_changed)
        self.hide()

    def dispose(self) -> None:
        """Disconnect from the viewer."""
        self._plots.dispose()

    def show_comparison(self, comparison: Comparison, *, normalised: bool) -> None:
        """Show another comparison; `normalised` if A is in normalised units."""
        scaled = " (scaled)" if comparison.scaled else ""
        names = [escape(name) for name in comparison.names]
        self._legend.setText(f"<b>A</b>{scaled}: {names[0]}<br><b>B</b>: {names[1]}")
        self._table.setText(numbers_table(comparison))
        self._fit.set_text(describe_calibration(comparison))
        self._calibrate.setVisible(
            normalised and comparison.calibration is not None and comparison.unit == "Pa"
        )
        self._fill_cells(comparison)
        self._plots.show_comparison(comparison)
        self.show()

    def _build_views(self) -> Form:
        self._views = shrinkable_combo(QComboBox())
        for view in VIEWS:
            self._views.addItem(view, view)
        self._views.currentIndexChanged.connect(self._on_chosen)
        self._blink = QPushButton("Blink A / B")
        self._blink.setCheckable(True)
        self._blink.setToolTip("Alternate between A and B on a common colour scale")
        self._blink.toggled.connect(self._view.blink)
        form = Form()
        form.add("Show", self._views, "Layers of the comparison that are visible", beside=self._blink)
        return form

    def _build_cells(self) -> QTableWidget:
        self.cells_table = QTableWidget()
        self.cells_table.setEditTriggers(QTableWidget.NoEditTriggers)
        self.cells_table.verticalHeader().hide()
        self.cells_table.setAccessibleName("Agreement, cell by cell")
        self.cells_table.setFixedHeight(120)
        return self.cells_table

    def _fill_cells(self, comparison: Comparison) -> None:
        """List the cells, if there are several; interval limits are in tooltips and in the file."""
        table = comparison.cells
        columns = [name for name in map(str, table) if ", 95 % " not in name]
        self.cells_table.setVisible(len(table) > 1)
        self.cells_table.setRowCount(len(table))
        self.cells_table.setColumnCount(len(columns))
        self.cells_table.setHorizontalHeaderLabels(
            [_SHORT.get(name, name).replace(" [", "\n[") for name in columns]
        )
        for j, name in enumerate(columns):
            for i, row in enumerate(table.to_dict("records")):
                item = QTableWidgetItem(signed(row[name]))
                if f"{name}, 95 % from" in row:
                    low, high = (signed(row[f"{name}, 95 % {end}"]) for end in ("from", "to"))
                    item.setToolTip(f"95 %: {low} to {high}")
                item.setTextAlignment(Qt.AlignRight | Qt.AlignVCenter)
                self.cells_table.setItem(i, j, item)
        self.cells_table.resizeColumnsToContents()

    def _on_chosen(self) -> None:
        self._blink.setChecked(False)
        self._view.show_view(self._views.currentData())

    def _on_view_changed(self, view: str) -> None:
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


def describe_calibration(comparison: Comparison) -> str:
    """Return the scale from A to B, its interval, and the share of B that it explains."""
    fit = comparison.calibration
    if fit is None:
        return "No positive scale from A to B exists: they have opposite directions, or A is zero."
    unit = f" {comparison.unit}" if comparison.scaled and comparison.unit == "Pa" else ""
    return (
        f"Scale from A to B: {format_number(fit.factor)}{unit} "
        f"({format_number(fit.low)} to {format_number(fit.high)}); "
        f"scaled A explains {100 * fit.explained:.0f} % of B. Interval of this cell only: "
        "variation between cells is larger."
    )


def signed(value: float) -> str:
    """Return a number with three significant digits and a typographic minus sign."""
    return format_number(value).replace("-", "−")


def _text_label() -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextSelectableByMouse)
    label.setSizePolicy(QSizePolicy.Ignored, QSizePolicy.Preferred)
    return label
