"""What a scan says: curves of any quantity against the scanned property, table and figure to save."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyqtgraph as pg
from napari.components import ViewerModel
from napari.utils.notifications import show_info
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_cellforce.scan import QUANTITIES, ScanConfig, ScanStep, find_column, mean_curve, scan_table
from napari_cellforce.scan.output import curve_style, needs_relative, write_scan
from napari_cellforce.widgets.base.form import Form, TextLine, Tone
from napari_cellforce.widgets.base.plots import apply_theme, disable_interaction
from napari_cellforce.widgets.base.worker import Job, show_error

PER_FRAME_SCALE_NOTE = (
    "every image has a scale of its own: the total tells the area, never how hard a cell pulls."
)
"""Note for models whose forces cannot be compared between cells."""

_SYMBOLS = {"o": "●", "s": "■", "t1": "▲", "d": "◆", "t": "▼", "p": "⬟"}
"""Markers of the curves, and how they are written."""


class ScanResult(QWidget):
    """The curves of the scan, while it runs and after.

    Parameters
    ----------
    viewer : ViewerModel
        Viewer whose theme sets the colours.
    current : callable
        Returns the index of the cell that the viewer shows, or None.
    parent : QWidget, optional

    Signals
    -------
    step_chosen : int
        A point was clicked: the cell to look at.
    """

    step_chosen = Signal(int)

    def __init__(
        self, viewer: ViewerModel, current: Callable[[], int | None], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._viewer, self._current = viewer, current
        self._config: ScanConfig | None = None
        self._steps: list[ScanStep] = []
        self.saving = Job(self)
        self.saving.yielded.connect(lambda path: show_info(f"Saved in {path}"))
        self.saving.failed.connect(show_error)
        self._quantities = QComboBox()
        self._quantities.addItems(QUANTITIES)
        self._quantities.currentIndexChanged.connect(self._draw)
        self._plot = self._build_plot()
        self._legend = _legend()
        self._note = TextLine()
        save = QPushButton("Save table, figure and cells …")
        save.clicked.connect(self._on_save)
        form = Form()
        form.add("Show", self._quantities, "Quantity drawn against the scanned property")
        row = QHBoxLayout()
        row.addWidget(save)
        row.addStretch()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(form)
        layout.addWidget(self._plot)
        layout.addWidget(self._legend)
        layout.addWidget(self._note)
        layout.addLayout(row)
        self._apply_theme()
        viewer.events.theme.connect(self._apply_theme)
        viewer.dims.events.current_step.connect(self._mark)

    def dispose(self) -> None:
        """Disconnect from the viewer; a running save is finished."""
        self._viewer.events.theme.disconnect(self._apply_theme)
        self._viewer.dims.events.current_step.disconnect(self._mark)

    @property
    def table(self) -> pd.DataFrame:
        """One row a cell and model."""
        return pd.DataFrame() if self._config is None else scan_table(self._config, self._steps)

    @property
    def done(self) -> int:
        """Number of cells so far."""
        return len(self._steps)

    @property
    def expected(self) -> int:
        """Number of cells when all are there."""
        return 0 if self._config is None else self._config.n_cells

    @property
    def problems(self) -> list[str]:
        """Why cells or models have no result."""
        return [problem for step in self._steps for problem in step.problems]

    def begin(self, config: ScanConfig) -> None:
        """Make room for another scan."""
        self._config, self._steps = config, []
        self._draw()

    def add(self, step: ScanStep) -> None:
        """Take in another cell."""
        self._steps.append(step.without_fields())
        self._draw()

    def save(self, folder: Path) -> None:
        """Write table, trends, figure, cells and settings into a folder, off the GUI thread."""
        config, steps = self._config, list(self._steps)
        if config is None:
            return

        def write() -> Iterator[Path]:
            write_scan(folder, config, steps)
            yield folder

        self.saving.start(write)

    def _build_plot(self) -> pg.PlotWidget:
        plot = pg.PlotWidget(self)
        plot.setFixedHeight(210)
        disable_interaction(plot)
        plot.setAccessibleName("Curves of the scan")
        plot.setToolTip("Click to look at that cell")
        plot.scene().sigMouseClicked.connect(self._on_click)
        for side in ("bottom", "left"):
            plot.getAxis(side).enableAutoSIPrefix(False)
        self._cursor = pg.InfiniteLine(angle=90, movable=False)
        return plot

    def _draw(self, index: int = 0) -> None:
        """Draw the chosen quantity of every model."""
        del index
        config, table = self._config, self.table
        self._plot.clear()
        self._plot.addItem(self._cursor, ignoreBounds=True)
        self._legend.clear()
        if config is None or table.empty:
            return
        quantity, parameter = self._quantities.currentText(), config.scanned.column
        divided = needs_relative(table, quantity)
        missing, names = [], []
        for i, (model, own) in enumerate(table.groupby("model", sort=False)):
            means = mean_curve(own, parameter, quantity)
            if means is None:
                missing.append(str(model))
                continue
            scale = abs(float(means.iloc[0])) or 1.0
            names.append(self._plot_curve(i, str(model), means / scale if divided else means))
        self._legend.setText(" &nbsp; ".join(names))
        label = f"{quantity}, relative to the first" if divided else find_column(table, quantity) or quantity
        self._plot.setLabel("bottom", parameter)
        self._plot.setTitle(label, size="9pt", color=self._ink)
        self._plot.enableAutoRange()
        self._plot.setYRange(0, 1.1 * self._top() or 1.0, padding=0)
        self._show_notes(quantity, divided, missing)
        self._mark()

    def _plot_curve(self, i: int, model: str, means: pd.Series[float]) -> str:
        """Draw the curve of model number `i`; return its entry in the legend."""
        colour, marker, dashed = curve_style(i)
        symbol = list(_SYMBOLS)[marker]
        self._plot.plot(
            means.index.to_numpy(),
            means.to_numpy(),
            pen=pg.mkPen(colour, width=2, style=Qt.DashLine if dashed else Qt.SolidLine),
            symbol=symbol,
            symbolSize=7,
            symbolBrush=colour,
            symbolPen=None,
        )
        return f"<nobr><span style='color: {colour}'>{_SYMBOLS[symbol]}</span> {escape(model)}</nobr>"

    def _top(self) -> float:
        curves = [item.yData for item in self._plot.listDataItems() if item.yData is not None]
        return max((float(np.nanmax(y)) for y in curves if len(y)), default=1.0)

    def _show_notes(self, quantity: str, divided: bool, missing: list[str]) -> None:
        """Say what the curves leave out."""
        problems = self.problems
        notes = []
        if divided:
            notes.append("The units differ: each curve is divided by its first value.")
        if missing:
            notes.append(f"No {quantity} of {', '.join(missing)}: normalised tractions have none.")
        alone = {
            evaluation.model
            for step in self._steps
            for evaluation in step.evaluations
            if evaluation.per_frame
        }
        if alone:
            notes.append(f"By {', '.join(sorted(alone))}, {PER_FRAME_SCALE_NOTE}")
        if problems:
            notes.append(f"{len(problems)} without result, the first {problems[0]}")
        self._note.set_text(" ".join(notes), Tone.PROBLEM if problems else Tone.PLAIN)

    def _apply_theme(self, event: Any = None) -> None:
        del event
        self._ink = apply_theme(self._viewer, self._plot)
        self._cursor.setPen(pg.mkPen(self._ink, style=Qt.DashLine))

    def _mark(self, event: Any = None) -> None:
        """Move the cursor to the cell that is shown."""
        del event
        at = self._current()
        positions = [step.value for step in self._steps if step.index == at]
        self._cursor.setVisible(bool(positions))
        if positions:
            self._cursor.setPos(positions[0])

    def _on_click(self, event: Any) -> None:
        if self._steps:
            value = self._plot.getViewBox().mapSceneToView(event.scenePos()).x()
            self.step_chosen.emit(min(self._steps, key=lambda step: abs(step.value - value)).index)

    def _on_save(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder for table, figure and cells")
        if chosen:
            self.save(Path(chosen))


def _legend() -> QLabel:
    """Return a line for the names of the curves: below them, however many they are, it hides none."""
    legend = QLabel()
    legend.setWordWrap(True)
    legend.setTextFormat(Qt.RichText)
    legend.setAccessibleName("Names of the curves")
    return legend
