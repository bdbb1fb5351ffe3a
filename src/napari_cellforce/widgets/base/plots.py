"""What all our plots share: they stand still, and have the colours of napari's theme."""

from __future__ import annotations

from typing import Any

from napari.components import ViewerModel
from napari.utils.theme import get_theme

ORANGE, BLUE, GREEN = "#e08a00", "#2196d3", "#2a9640"
"""Told apart by people who do not see all colours, on napari's dark and light background."""

_OVERHANG = 5


def hold_still(plot: Any) -> None:
    """Let nothing of a plot be dragged or zoomed by mistake: it always shows all there is."""
    plot.setMouseEnabled(x=False, y=False)
    plot.hideButtons()
    plot.setMenuEnabled(False)
    # pyqtgraph lets the label of the lower axis hang over by as much, and cuts it off.
    getattr(plot, "plotItem", plot).layout.setContentsMargins(1, 1, 1, _OVERHANG)


def take_theme(viewer: ViewerModel, view: Any, *plots: Any) -> str:
    """Give plots the background and the ink of the viewer's theme.

    Parameters
    ----------
    viewer : ViewerModel
    view : PlotWidget or GraphicsLayoutWidget
    *plots : PlotItem
        Those within the view; a PlotWidget is its own plot.

    Returns
    -------
    str
        The ink, for what else is drawn.
    """
    theme = get_theme(viewer.theme)
    ink = str(theme.text.as_hex())
    view.setBackground(theme.background.as_hex())
    for plot in plots or (view,):
        for side in ("left", "bottom"):
            plot.getAxis(side).setPen(ink)
            plot.getAxis(side).setTextPen(ink)
    return ink
