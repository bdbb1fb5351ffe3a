"""A small plot of a few lines, with places marked on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from napari.components import ViewerModel
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_cellforce.widgets.base.plots import BLUE, GREEN, ORANGE, hold_still, take_theme

COLOURS = (ORANGE, BLUE, GREEN)
_HEIGHT = 182


class LinesPlot(QWidget):
    """Lines over one axis, vertical marks with words.

    Parameters
    ----------
    viewer : ViewerModel
        Its theme gives the colours.
    name : str
        For screen readers.
    """

    def __init__(self, viewer: ViewerModel, name: str) -> None:
        super().__init__()
        self._viewer = viewer
        self._plot = pg.PlotWidget(self)
        self._plot.setAccessibleName(name)
        hold_still(self._plot)
        self._cursor = pg.InfiniteLine(angle=90, movable=False)
        self._title = ""
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._plot)
        self.setFixedHeight(_HEIGHT)
        self._take_colours()
        viewer.events.theme.connect(self._take_colours)
        self.hide()

    def disconnect_viewer(self) -> None:
        """Hear nothing more of the viewer."""
        self._viewer.events.theme.disconnect(self._take_colours)

    def draw(
        self,
        lines: Mapping[str, tuple[Any, Any]],
        *,
        title: str,
        along: str,
        marks: Sequence[tuple[float, str, str]] = (),
        cursor: float | None = None,
        heights: tuple[float, float] | None = None,
        dots: bool = False,
    ) -> None:
        """Draw lines ``name: (x, y)``, in place of what was there.

        Parameters
        ----------
        lines : mapping
        title, along : str
            What is drawn, and against what.
        marks : sequence of (float, str, str)
            Places on the x axis, with words, and the line whose colour they have.
        cursor : float, optional
            A dashed line that `move` moves.
        heights : tuple of 2 float, optional
            Ends of the y axis.
        dots : bool
            Mark the points between which the lines are drawn.
        """
        self._plot.clear()
        colours = dict(zip(lines, COLOURS, strict=False))
        for name, (x, y) in lines.items():
            look: dict[str, Any] = {"pen": pg.mkPen(colours[name], width=2)}
            if dots:
                look |= {"symbol": "o", "symbolSize": 5, "symbolBrush": colours[name], "symbolPen": None}
            self._plot.plot(np.asarray(x), np.asarray(y), **look)
        told = [f"<span style='color: {colour}'>● {name}</span>" for name, colour in colours.items()]
        self._title = f"{title}: {', '.join(told)}" if len(lines) > 1 else title
        self._plot.setLabel("bottom", along)
        for i, (place, words, name) in enumerate(marks):
            written = {"position": 0.9 - 0.2 * i, "color": colours[name], "anchors": [(0, 0), (0, 0)]}
            pen = pg.mkPen(colours[name], style=Qt.DotLine)
            line = pg.InfiniteLine(place, angle=90, pen=pen, label=words, labelOpts=written)
            self._plot.addItem(line, ignoreBounds=True)
        if heights is not None:
            self._plot.setYRange(*heights, padding=0)
        if cursor is not None:
            self._plot.addItem(self._cursor, ignoreBounds=True)
            self._cursor.setPos(cursor)
        self._take_colours()
        self._plot.getViewBox().updateAutoRange()
        self.show()

    def move(self, place: float) -> None:
        """Move the cursor."""
        self._cursor.setPos(place)

    def _take_colours(self, event: Any = None) -> None:
        del event
        ink = take_theme(self._viewer, self._plot)
        self._plot.setTitle(self._title or None, size="9pt", color=ink)
        self._cursor.setPen(pg.mkPen(ink, style=Qt.DashLine))
