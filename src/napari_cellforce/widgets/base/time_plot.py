"""A quantity over time; its cursor and napari's time slider are the same thing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyqtgraph as pg
from napari.components import ViewerModel
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_cellforce.widgets.base.plots import BLUE, hold_still, take_theme


class TimePlot(QWidget):
    """Line plot over time with a cursor at the viewer's current frame.

    Parameters
    ----------
    viewer : ViewerModel
        Its theme gives the colours.
    parent : QWidget, optional

    Signals
    -------
    frame_chosen : int
        The user clicked at (or dragged the cursor to) the time of this frame.
    """

    frame_chosen = Signal(int)

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._frames = np.zeros(0, int)
        self._times = np.zeros(0)
        self._viewer = viewer
        self._quantity = ""
        self._plot = pg.PlotWidget(self)
        self._curve = self._plot.plot(
            pen=pg.mkPen(BLUE, width=2), symbol="o", symbolSize=5, symbolBrush=BLUE, symbolPen=None
        )
        self._cursor = pg.InfiniteLine(angle=90, movable=False)
        self._plot.addItem(self._cursor)
        self._take_colours()
        viewer.events.theme.connect(self._take_colours)
        hold_still(self._plot)
        self._plot.scene().sigMouseClicked.connect(self._on_click)
        self._plot.setAccessibleName("Total force over time")
        self._plot.setToolTip("Click to go to that frame")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._plot)
        self.setFixedHeight(150)

    def disconnect_viewer(self) -> None:
        """Hear nothing more of the viewer."""
        self._viewer.events.theme.disconnect(self._take_colours)

    def show_values(self, frames: Any, times: Any, values: Any, *, quantity: str, time_label: str) -> None:
        """Draw `values` (labelled `quantity`, with unit) at `times` (labelled `time_label`)."""
        self._frames, self._times = np.asarray(frames, int), np.asarray(times, float)
        self._curve.setData(self._times, np.asarray(values, float))
        if quantity != self._quantity:
            self._quantity = quantity
            self._take_colours()
            self._plot.setLabel("bottom", time_label)
        top = float(np.nanmax(values)) if len(self._times) else 1.0
        # From zero: a force that changes by 2 % shall not look as if it collapsed.
        self._plot.setYRange(0, top * 1.1 or 1.0, padding=0)

    def show_frame(self, frame: int) -> None:
        """Move the cursor to a frame, if it has been predicted."""
        where = np.flatnonzero(self._frames == frame)
        self._cursor.setVisible(bool(where.size))
        if where.size:
            self._cursor.setPos(self._times[where[0]])

    def _take_colours(self, event: Any = None) -> None:
        del event
        self._ink = take_theme(self._viewer, self._plot)
        self._cursor.setPen(pg.mkPen(self._ink, style=pg.QtCore.Qt.DashLine))
        self._plot.setTitle(self._quantity or None, size="9pt", color=self._ink)

    def _on_click(self, event: Any) -> None:
        if not self._times.size:
            return
        time = self._plot.getViewBox().mapSceneToView(event.scenePos()).x()
        self.frame_chosen.emit(int(self._frames[np.argmin(np.abs(self._times - time))]))
