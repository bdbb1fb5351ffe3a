"""Curves of a training run, pass by pass: is it getting better, on new cells too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from napari.components import ViewerModel
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_cellforce.widgets.base.form import TextLine
from napari_cellforce.widgets.base.plots import BLUE, ORANGE, hold_still, take_theme

_LEARNT, _ASIDE = ORANGE, BLUE
_HEIGHT = 280


class TrainCurves(QWidget):
    """Losses above; vector R2 and angle error of the cells kept aside below.

    Parameters
    ----------
    viewer : ViewerModel
        Its theme gives the colours.
    parent : QWidget, optional
    """

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._rows: list[Mapping[str, float]] = []
        self._view = pg.GraphicsLayoutWidget()
        self._view.setFixedHeight(_HEIGHT)
        self._view.setAccessibleName("Curves of the training")
        self._loss = self._view.addPlot(row=0, col=0, colspan=2)
        self._r2, self._angle = (self._view.addPlot(row=1, col=i) for i in range(2))
        self._titles = {
            self._loss: f"loss of cells <span style='color: {_LEARNT}'>▾ learnt from</span>, "
            f"<span style='color: {_ASIDE}'>● kept aside</span>",
            self._r2: "vector R2 (1 at best)",
            self._angle: "angle error [°]",
        }
        self._curves = {
            "loss": self._curve(self._loss, _LEARNT, "t", Qt.DashLine),
            "validation loss": self._curve(self._loss, _ASIDE, "o"),
            "vector R2": self._curve(self._r2, _ASIDE, "o"),
            "angle error [deg]": self._curve(self._angle, _ASIDE, "o"),
        }
        self._best = pg.InfiniteLine(angle=90, movable=False)
        self._loss.addItem(self._best, ignoreBounds=True)
        self._words = TextLine()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._view)
        layout.addWidget(self._words)
        self._take_colours()
        viewer.events.theme.connect(self._take_colours)
        self.hide()

    @property
    def rows(self) -> tuple[Mapping[str, float], ...]:
        """What is drawn, one row a pass."""
        return tuple(self._rows)

    def disconnect_viewer(self) -> None:
        """Hear nothing more of the viewer."""
        self._viewer.events.theme.disconnect(self._take_colours)

    def show_rows(self, rows: Sequence[Mapping[str, float]]) -> None:
        """Draw these passes and no others."""
        self._rows = list(rows)
        self._draw()

    def add(self, epoch: int, values: Mapping[str, float]) -> None:
        """Draw one more pass."""
        self._rows.append({"epoch": epoch, **values})
        self._draw()

    def _draw(self) -> None:
        self.setVisible(bool(self._rows))
        if not self._rows:
            return
        passes = np.array([row["epoch"] + 1 for row in self._rows])
        for name, curve in self._curves.items():
            curve.setData(passes, np.array([row.get(name, np.nan) for row in self._rows]))
        best = min(self._rows, key=lambda row: row["validation loss"])
        self._best.setPos(best["epoch"] + 1)
        stride = max(1, int(passes[-1]) // 4)
        ticks = [(i, str(i)) for i in range(stride, int(passes[-1]) + 1, stride)]
        for plot in self._titles:
            plot.getAxis("bottom").setTicks([ticks])
        self._words.say(
            f"Best after pass {best['epoch'] + 1:.0f} (dashed line), which is kept: vector R2 "
            f"{best['vector R2']:.2f}, angle error {best['angle error [deg]']:.0f}°, on the cells kept aside."
        )

    def _curve(self, plot: Any, colour: str, symbol: str, style: Any = Qt.SolidLine) -> Any:
        hold_still(plot)
        return plot.plot(
            pen=pg.mkPen(colour, width=2, style=style),
            symbol=symbol,
            symbolSize=5,
            symbolBrush=colour,
            symbolPen=None,
        )

    def _take_colours(self, event: Any = None) -> None:
        del event
        ink = take_theme(self._viewer, self._view, *self._titles)
        for plot, title in self._titles.items():
            plot.setTitle(title, size="9pt", color=ink)
        for plot in (self._r2, self._angle):
            plot.setLabel("bottom", "pass", color=ink)
        self._best.setPen(pg.mkPen(ink, style=Qt.DashLine))
