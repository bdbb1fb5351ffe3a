"""Figures of a comparison in the panel: magnitudes against each other, angles, edge to centre, over time."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyqtgraph as pg
from napari.components import ViewerModel
from qtpy.QtWidgets import QTabWidget, QWidget

from napari_cellforce.compare import Comparison
from napari_cellforce.widgets.base.plots import BLUE, ORANGE, hold_still, take_theme

_COLOURS = {"A": ORANGE, "B": BLUE}
_HEIGHT = 210


class AgreementPlots(QTabWidget):
    """Four figures, a tab each.

    Parameters
    ----------
    viewer : ViewerModel
        Its theme gives the colours.
    parent : QWidget, optional
    """

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        names = ("Magnitudes", "Angles", "Edge to centre", "Over time")
        self._plots = {name: pg.PlotWidget(self) for name in names}
        for name, plot in self._plots.items():
            hold_still(plot)
            plot.setAccessibleName(name)
            self.addTab(plot, name)
        self._plots["Angles"].setAspectLocked(True)
        for side in ("left", "bottom"):
            self._plots["Angles"].hideAxis(side)
        for name in ("Edge to centre", "Over time"):
            self._plots[name].addLegend(offset=(-5, 5))
        self.setFixedHeight(_HEIGHT)
        self._take_colours()
        viewer.events.theme.connect(self._take_colours)

    def disconnect_viewer(self) -> None:
        """Hear nothing more of the viewer."""
        self._viewer.events.theme.disconnect(self._take_colours)

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
        """Draw |A| over |B|, and the line of equality."""
        plot = self._plots["Magnitudes"]
        a, b = comparison.overview.sizes
        plot.plot(b, a, pen=None, symbol="o", symbolSize=3, symbolPen=None, symbolBrush=(33, 150, 211, 90))
        top = comparison.overview.top
        plot.plot([0, top], [0, top], pen=pg.mkPen(self._ink))
        plot.setRange(xRange=(0, top), yRange=(0, top), padding=0.02)
        plot.setLabel("bottom", f"|B| [{comparison.unit}]")
        plot.setLabel("left", f"|A| [{comparison.unit}]")

    def _rose(self, comparison: Comparison) -> None:
        """Draw how often each angle from A to B occurs; 0 is to the right, positive up."""
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

    def _take_colours(self, event: Any = None) -> None:
        del event
        for plot in self._plots.values():
            self._ink = take_theme(self._viewer, plot)
            if plot.plotItem.legend is not None:
                plot.plotItem.legend.setLabelTextColor(self._ink)


def rose(counts: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the outline (x, y) of a rose, its longest petal 1.

    Area is what the eye sees, so the radius is the square root of the count.

    Parameters
    ----------
    counts : (N,) array of int
        Angles in each sector, counter-clockwise from -180°.
    """
    edges = np.linspace(-np.pi, np.pi, len(counts) + 1)
    radius = np.sqrt(counts / max(counts.max(), 1))
    none = np.zeros(len(counts))
    corners = np.stack([none, radius, radius, none], axis=1).ravel()
    turned = np.stack([edges[:-1], edges[:-1], edges[1:], edges[1:]], axis=1).ravel()
    return corners * np.cos(turned), corners * np.sin(turned)
