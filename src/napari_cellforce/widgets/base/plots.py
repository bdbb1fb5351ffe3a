"""Plots of lines and of time series, in the colours of napari's theme and without interaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from napari.components import ViewerModel
from napari.utils.theme import get_theme
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

ORANGE, BLUE, GREEN = "#e08a00", "#2196d3", "#2a9640"
"""Distinguishable with colour vision deficiency, on napari's dark and light background."""

_OVERHANG = 5


def disable_interaction(plot: Any) -> None:
    """Disable dragging, zooming and the context menu of a plot: it always shows all data."""
    plot.setMouseEnabled(x=False, y=False)
    plot.hideButtons()
    plot.setMenuEnabled(False)
    # pyqtgraph draws the label of the lower axis this far outside, and clips it.
    getattr(plot, "plotItem", plot).layout.setContentsMargins(1, 1, 1, _OVERHANG)


def apply_theme(viewer: ViewerModel, view: Any, *plots: Any) -> str:
    """Apply the background and text colour of the viewer's theme to plots.

    Parameters
    ----------
    viewer : ViewerModel
    view : PlotWidget or GraphicsLayoutWidget
    *plots : PlotItem
        Plots within the view; default: the view itself (a PlotWidget).

    Returns
    -------
    str
        The text colour, for other drawn items.
    """
    theme = get_theme(viewer.theme)
    ink = str(theme.text.as_hex())
    view.setBackground(theme.background.as_hex())
    for plot in plots or (view,):
        for side in ("left", "bottom"):
            plot.getAxis(side).setPen(ink)
            plot.getAxis(side).setTextPen(ink)
    return ink


COLOURS = (ORANGE, BLUE, GREEN)
_HEIGHT = 182


class LinesPlot(QWidget):
    """A small plot of up to three lines, with labelled vertical marks and a cursor.

    Parameters
    ----------
    viewer : ViewerModel
        Viewer whose theme sets the colours.
    name : str
        Accessible name, for screen readers.
    """

    def __init__(self, viewer: ViewerModel, name: str) -> None:
        super().__init__()
        self._viewer = viewer
        self.plot = pg.PlotWidget(self)
        self.plot.setAccessibleName(name)
        disable_interaction(self.plot)
        self._cursor = pg.InfiniteLine(angle=90, movable=False)
        self._title = ""
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.plot)
        self.setFixedHeight(_HEIGHT)
        self._apply_theme()
        viewer.events.theme.connect(self._apply_theme)
        self.hide()

    def dispose(self) -> None:
        """Disconnect from the viewer."""
        self._viewer.events.theme.disconnect(self._apply_theme)

    def draw(
        self,
        lines: Mapping[str, tuple[Any, Any]],
        *,
        title: str,
        x_label: str,
        marks: Sequence[tuple[float, str, str]] = (),
        cursor: float | None = None,
        y_range: tuple[float, float] | None = None,
        markers: bool = False,
    ) -> None:
        """Draw lines ``name: (x, y)``, replacing the previous ones.

        Parameters
        ----------
        lines : mapping
        title, along : str
            Quantity that is drawn, and label of the x axis.
        marks : sequence of (float, str, str)
            Positions on the x axis, their labels, and the line whose colour they take.
        cursor : float, optional
            Position of a dashed line, which `move_cursor` moves.
        heights : tuple of 2 float, optional
            Limits of the y axis.
        dots : bool
            Mark the data points.
        """
        self.plot.clear()
        colours = dict(zip(lines, COLOURS, strict=False))
        for name, (x, y) in lines.items():
            style: dict[str, Any] = {"pen": pg.mkPen(colours[name], width=2)}
            if markers:
                style |= {"symbol": "o", "symbolSize": 5, "symbolBrush": colours[name], "symbolPen": None}
            self.plot.plot(np.asarray(x), np.asarray(y), **style)
        entries = [f"<span style='color: {colour}'>● {name}</span>" for name, colour in colours.items()]
        self._title = f"{title}: {', '.join(entries)}" if len(lines) > 1 else title
        self.plot.setLabel("bottom", x_label)
        for i, (place, text, name) in enumerate(marks):
            label_options = {"position": 0.9 - 0.2 * i, "color": colours[name], "anchors": [(0, 0), (0, 0)]}
            pen = pg.mkPen(colours[name], style=Qt.DotLine)
            line = pg.InfiniteLine(place, angle=90, pen=pen, label=text, labelOpts=label_options)
            self.plot.addItem(line, ignoreBounds=True)
        if y_range is not None:
            self.plot.setYRange(*y_range, padding=0)
        if cursor is not None:
            self.plot.addItem(self._cursor, ignoreBounds=True)
            self._cursor.setPos(cursor)
        self._apply_theme()
        self.plot.getViewBox().updateAutoRange()
        self.show()

    def move_cursor(self, place: float) -> None:
        """Move the cursor."""
        self._cursor.setPos(place)

    def _apply_theme(self, event: Any = None) -> None:
        del event
        ink = apply_theme(self._viewer, self.plot)
        self.plot.setTitle(self._title or None, size="9pt", color=ink)
        self._cursor.setPen(pg.mkPen(ink, style=Qt.DashLine))


class TimePlot(QWidget):
    """Line plot over time with a cursor at the viewer's current frame.

    Parameters
    ----------
    viewer : ViewerModel
        Viewer whose theme sets the colours.
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
        self.plot = pg.PlotWidget(self)
        self._curve = self.plot.plot(
            pen=pg.mkPen(BLUE, width=2), symbol="o", symbolSize=5, symbolBrush=BLUE, symbolPen=None
        )
        self.time_cursor = pg.InfiniteLine(angle=90, movable=False)
        self.plot.addItem(self.time_cursor)
        self._apply_theme()
        viewer.events.theme.connect(self._apply_theme)
        disable_interaction(self.plot)
        self.plot.scene().sigMouseClicked.connect(self._on_click)
        self.plot.setAccessibleName("Total force over time")
        self.plot.setToolTip("Click to go to that frame")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.plot)
        self.setFixedHeight(150)

    def dispose(self) -> None:
        """Disconnect from the viewer."""
        self._viewer.events.theme.disconnect(self._apply_theme)

    def show_values(self, frames: Any, times: Any, values: Any, *, quantity: str, time_label: str) -> None:
        """Draw `values` (labelled `quantity`, with unit) at `times` (labelled `time_label`)."""
        self._frames, self._times = np.asarray(frames, int), np.asarray(times, float)
        self._curve.setData(self._times, np.asarray(values, float))
        if quantity != self._quantity:
            self._quantity = quantity
            self._apply_theme()
            self.plot.setLabel("bottom", time_label)
        top = float(np.nanmax(values)) if len(self._times) else 1.0
        # From zero: otherwise a change of 2 % would look like a collapse.
        self.plot.setYRange(0, top * 1.1 or 1.0, padding=0)

    def show_frame(self, frame: int) -> None:
        """Move the cursor to a frame, if it has been predicted."""
        where = np.flatnonzero(self._frames == frame)
        self.time_cursor.setVisible(bool(where.size))
        if where.size:
            self.time_cursor.setPos(self._times[where[0]])

    def _apply_theme(self, event: Any = None) -> None:
        del event
        self._ink = apply_theme(self._viewer, self.plot)
        self.time_cursor.setPen(pg.mkPen(self._ink, style=pg.QtCore.Qt.DashLine))
        self.plot.setTitle(self._quantity or None, size="9pt", color=self._ink)

    def _on_click(self, event: Any) -> None:
        if not self._times.size:
            return
        time = self.plot.getViewBox().mapSceneToView(event.scenePos()).x()
        self.frame_chosen.emit(int(self._frames[np.argmin(np.abs(self._times - time))]))
