"""Where the cell is held: Y against the protein's brightness, and against the distance to the edge."""

from __future__ import annotations

import pandas as pd
from napari.components import ViewerModel
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_cellforce.explain.fields_part import MEAN_Y
from napari_cellforce.widgets.base.lines_plot import LinesPlot

_PLOTS = {
    "intensity": "brightness of the protein, normalised",
    "distance to edge [µm]": "distance to the edge [µm]",
}


class HoldCurves(QWidget):
    """Two plots of the frame that is looked at; hidden until there is a Y.

    Parameters
    ----------
    viewer : ViewerModel
    """

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._curves: dict[int, pd.DataFrame] = {}
        self._plots = {along: LinesPlot(viewer, f"Y against {words}") for along, words in _PLOTS.items()}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for plot in self._plots.values():
            layout.addWidget(plot)
        self.hide()

    def clear(self) -> None:
        """Forget the curves of all frames."""
        self._curves = {}
        self.hide()

    def add(self, t: int, curves: pd.DataFrame) -> None:
        """Take the curves of a frame, as `napari_cellforce.explain.fields_part.adhesion_curves` returns."""
        self._curves[t] = curves

    def show_frame(self, t: int) -> None:
        """Draw the curves of a frame, if it has been read."""
        curves = self._curves.get(t)
        self.setVisible(bool(self._curves))
        if curves is None:
            return
        for along, plot in self._plots.items():
            one = curves[curves["along"] == along]
            plot.draw(
                {"Y": (one["value"], one[MEAN_Y])},
                title="how firmly the cell is held, mean Y [µm⁻²]",
                along=_PLOTS[along],
                dots=True,
            )

    def disconnect_viewer(self) -> None:
        """Hear nothing more of the viewer."""
        for plot in self._plots.values():
            plot.disconnect_viewer()
