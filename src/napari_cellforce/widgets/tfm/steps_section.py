"""Steps of a measurement, one row each: summary, validity, and a button that repeats the step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from napari.components import ViewerModel
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QGridLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from napari_cellforce.physics.regularisation import RegularisationChoice
from napari_cellforce.widgets.base.form import PROBLEM_COLOUR
from napari_cellforce.widgets.base.plots import BLUE, ORANGE, apply_theme, disable_interaction
from napari_cellforce.widgets.tfm.steps import STEPS

_CURVE_TITLES = {
    "evidence": "minus twice the log of the evidence",
    "gcv": "log of the GCV function",
    "l-curve": "minus the curvature of the L-curve",
    "fixed": "minus the curvature of the L-curve",
}
"""Title of the curve of each criterion."""


class TfmStepsSection(QWidget):
    """Four rows, and the curve from which lambda was chosen.

    Signals
    -------
    wanted : str
        The button of a step was pressed.
    """

    requested = Signal(str)

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._labels: dict[str, QLabel] = {}
        self.buttons: dict[str, QPushButton] = {}
        grid = QGridLayout()
        for i, step in enumerate(STEPS):
            button = QPushButton(f"{i + 1}  {step.capitalize()}")
            button.setToolTip("Run or repeat this step; missing steps before it are run first")
            button.clicked.connect(lambda _=False, step=step: self.requested.emit(step))
            label = QLabel("–")
            label.setWordWrap(True)
            label.setSizePolicy(QSizePolicy.Ignored, QSizePolicy.Preferred)
            grid.addWidget(button, i, 0)
            grid.addWidget(label, i, 1)
            self._labels[step], self.buttons[step] = label, button
        grid.setColumnStretch(1, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(grid)
        self._plot = pg.PlotWidget(self)
        self._plot.setLogMode(x=True, y=False)
        disable_interaction(self._plot)
        self._plot.getAxis("bottom").enableAutoSIPrefix(False)  # no "(x0.001)" beside the unit
        self._plot.setAccessibleName("Criterion over lambda")
        self._plot.setFixedHeight(140)
        self._plot.hide()
        layout.addWidget(self._plot)
        self._apply_theme()
        viewer.events.theme.connect(self._apply_theme)

    def dispose(self) -> None:
        """Disconnect from the viewer."""
        self._viewer.events.theme.disconnect(self._apply_theme)

    @property
    def any_stale(self) -> bool:
        """True if the result of a step was computed with other settings."""
        return any("out of date" in label.text() for label in self._labels.values())

    def text_of(self, step: str) -> str:
        """Return the text of a step."""
        return str(self._labels[step].text())

    def show_step(self, step: str, summary: str, *, is_stale: bool) -> None:
        """Show the summary of a step; `is_stale` if a setting on which it depends has changed."""
        sign = f"<b style='color: {PROBLEM_COLOUR}'>⚠ out of date:</b> " if is_stale else ""
        self._labels[step].setText(sign + summary if summary else "–")

    def show_steps(self, steps: Sequence[str], *, ready: bool) -> None:
        """Show only these steps, and enable or disable their buttons."""
        for step, button in self.buttons.items():
            button.setVisible(step in steps)
            self._labels[step].setVisible(step in steps)
            button.setEnabled(ready)

    def show_choice(self, choice: RegularisationChoice) -> None:
        """Plot the criterion over lambda, and mark the chosen value."""
        self._plot.clear()
        self._plot.plot(choice.candidates, choice.curve, pen=pg.mkPen(BLUE, width=2))
        at = float(np.interp(np.log(choice.regularisation), np.log(choice.candidates), choice.curve))
        self._plot.plot([choice.regularisation], [at], pen=None, symbol="o", symbolSize=9, symbolBrush=ORANGE)
        self._plot.setLabel("bottom", "lambda [µm/Pa]")
        self._plot.setTitle(
            f"{_CURVE_TITLES[choice.criterion]}, minimum is optimal", size="8pt", color=self._ink
        )
        self._plot.show()

    def _apply_theme(self, event: Any = None) -> None:
        del event
        self._ink = apply_theme(self._viewer, self._plot)
