"""Numbers of a measured traction: for each cell or region, over time; saving them with the fields."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from napari.components import ViewerModel
from napari.layers import Labels
from napari.utils.notifications import show_info
from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtWidgets import (
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_cellforce.errors import CellForceError
from napari_cellforce.io import write_table
from napari_cellforce.predict import Progress
from napari_cellforce.tfm import TfmConfig, TfmResult, region_rows
from napari_cellforce.widgets.base.form import Form, TextLine, Tone, narrow
from napari_cellforce.widgets.base.lines_plot import COLOURS, LinesPlot
from napari_cellforce.widgets.base.worker import Job, tell, words_of
from napari_cellforce.widgets.view.masks import masks
from napari_cellforce.widgets.view.measured_fields import labels_on

_PAGE = "tutorials/measure/#numbers"
_CELL, _WHOLE = "the cell", "the whole image"
_FIRST = (
    "total force",
    "strain energy",
    "contractile moment",
    "net force",
    "maximum traction",
    "99th percentile traction",
    "mean traction",
)
"""Columns that can be drawn over time, and that come first in the table."""
_FEW = 3
"""Most rows that are shown side by side."""
_KEYS = ("frame", "time [min]", "region")


class TfmNumbers(QWidget):
    """A table with a row a frame and region, a plot over time, and Save.

    Parameters
    ----------
    viewer : ViewerModel
        Its Labels layers are the regions that can be chosen.
    """

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._result: TfmResult | None = None
        self._config: TfmConfig | None = None
        self._table = pd.DataFrame()
        self._upright = True
        self._counting, self._saving = Job(self), Job(self)
        self._counting.yielded.connect(self._on_record)
        self._counting.failed.connect(self._on_failed)
        self._saving.failed.connect(tell)
        self._saving.yielded.connect(lambda folder: show_info(f"Fields and tables are in {folder}."))
        self._regions, self._drawn = narrow(QComboBox()), narrow(QComboBox())
        self._words = TextLine()
        self._plot = LinesPlot(viewer, "Numbers over time")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(self._build_form())
        layout.addWidget(self._words)
        layout.addWidget(self._build_table())
        layout.addWidget(self._plot)
        layout.addLayout(self._build_saving())
        self._regions.currentIndexChanged.connect(self.count)
        self._drawn.currentIndexChanged.connect(self._draw)
        for event in self._layer_events:
            event.connect(self.fill)
        self.hide()

    @property
    def table(self) -> pd.DataFrame:
        """What is shown, all columns."""
        return self._table

    @property
    def busy(self) -> bool:
        """True while numbers are computed or files written."""
        return self._counting.running or self._saving.running

    def show_result(self, result: TfmResult | None, config: TfmConfig | None) -> None:
        """Count another measurement; `config` goes into the preset that Save writes."""
        self._result, self._config = result, config
        self.setVisible(result is not None)
        self.fill()
        self.count()

    def fill(self, event: Any = None) -> None:
        """List the regions that can be chosen; what is chosen stays."""
        del event
        chosen = self._regions.currentData()
        known = self._result is not None and self._result.traction.mask is not None
        entries: list[tuple[str, Any]] = [(_CELL if known else _WHOLE, None)]
        entries += [(layer.name, layer) for layer in masks(self._viewer) if isinstance(layer, Labels)]
        with QSignalBlocker(self._regions):
            self._regions.clear()
            for text, layer in entries:
                self._regions.addItem(f"each label of {text}" if layer is not None else text, layer)
            found = [i for i, (_, layer) in enumerate(entries) if layer is chosen]
            self._regions.setCurrentIndex(found[0] if found else 0)

    def count(self, *_: Any) -> None:
        """Compute the numbers of the chosen regions, off the GUI thread."""
        result, layer = self._result, self._regions.currentData()
        if result is None:
            return
        try:
            labels = (
                _own_regions(result) if layer is None else labels_on(layer, result.traction, self._viewer)
            )
        except CellForceError as error:
            self._on_failed(error)
            return

        def work() -> Iterator[Any]:
            rows: list[dict[str, float]] = []
            frames = len(result.traction.frames)
            for t, some in enumerate(region_rows(result.traction, labels, result.displacement)):
                rows += some
                yield Progress("Adding up", t + 1, frames)
            yield pd.DataFrame(rows)

        self._words.say("Adding up …")
        self._counting.start(work)

    def save(self, folder: Path) -> None:
        """Write fields, numbers, curve and settings into a folder."""
        result, config, table = self._result, self._config, self._table
        if result is None:
            return

        def work() -> Iterator[Path]:
            paths = result.save(folder, config)
            write_table(paths.summary, table)
            yield folder

        self._saving.start(work)

    def disconnect_viewer(self) -> None:
        """Hear nothing more of the viewer; what is being saved is finished."""
        self._counting.drop()
        self._plot.disconnect_viewer()
        for event in self._layer_events:
            event.disconnect(self.fill)

    @property
    def _layer_events(self) -> tuple[Any, ...]:
        events = self._viewer.layers.events
        return events.inserted, events.removed, events.renamed

    def _build_form(self) -> Form:
        for name in _FIRST:
            self._drawn.addItem(name, name)
        form = Form()
        form.add("Numbers of", self._regions, "Where forces are added up: a row each", page=_PAGE)
        self._drawn_row = form.add("Over time", self._drawn, "What is drawn, for up to three regions")
        return form

    def _build_table(self) -> QTableWidget:
        self._cells = QTableWidget()
        self._cells.setEditTriggers(QTableWidget.NoEditTriggers)
        self._cells.setAccessibleName("Numbers, by frame and region")
        self._cells.cellClicked.connect(self._on_clicked)
        return self._cells

    def _build_saving(self) -> QHBoxLayout:
        save = QPushButton("Save …")
        save.setToolTip("Traction and displacement as OME-TIFF, numbers as CSV, settings as preset")
        save.clicked.connect(self._on_save)
        row = QHBoxLayout()
        row.addStretch()
        row.addWidget(save)
        return row

    def _on_save(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder for fields and tables")
        if folder:
            self.save(Path(folder))

    def _on_failed(self, error: Exception) -> None:
        self._table = pd.DataFrame()
        self._cells.setRowCount(0)
        self._plot.hide()
        self._words.say(words_of(error), Tone.PROBLEM)

    def _on_record(self, record: Any) -> None:
        if isinstance(record, Progress):
            return
        self._table = record
        self._words.say("" if len(record) else "There is no region: nothing is marked in that layer.")
        self._fill_table()
        self._draw()

    def _fill_table(self) -> None:
        """Fill the table: quantities from left to right, but from top to bottom if there are few rows."""
        columns = ordered(list(self._table.columns))
        if "time [min]" in columns and self._table["time [min]"].isna().all():
            columns.remove("time [min]")
        if len(self._table) == 1:
            columns = [column for column in columns if column not in _KEYS]
        texts = [[_text(column, value) for value in self._table[column]] for column in columns]
        self._upright = len(self._table) <= _FEW
        titles = columns if self._upright else [column.replace(" [", "\n[") for column in columns]
        self._cells.verticalHeader().setVisible(self._upright)
        self._cells.horizontalHeader().setVisible(not self._upright)
        self._cells.setFixedHeight(210 if self._upright else 150)
        self._cells.setRowCount(len(columns) if self._upright else len(self._table))
        self._cells.setColumnCount(len(self._table) if self._upright else len(columns))
        set_titles = (
            self._cells.setVerticalHeaderLabels if self._upright else self._cells.setHorizontalHeaderLabels
        )
        set_titles(titles)
        for i, column in enumerate(texts):
            for j, text in enumerate(column):
                item = QTableWidgetItem(text)
                item.setTextAlignment(Qt.AlignRight | Qt.AlignVCenter)
                self._cells.setItem(*((i, j) if self._upright else (j, i)), item)
        self._cells.resizeColumnsToContents()

    def _draw(self, *_: Any) -> None:
        table = self._table
        several = len(table) > 0 and table["frame"].nunique() > 1
        for widget in (self._drawn, self._drawn_row, self._plot):
            widget.setVisible(several)
        if not several:
            return
        column = next((c for c in map(str, table) if c.startswith(f"{self._drawn.currentData()} [")), None)
        if column is None:  # without a displacement there is no strain energy
            self._plot.hide()
            return
        time = "frame" if table["time [min]"].isna().all() else "time [min]"
        regions = table.groupby("region")
        lines = {
            f"region {label}": (rows[time].to_numpy(), rows[column].to_numpy())
            for label, rows in list(regions)[: len(COLOURS)]
        }
        self._plot.draw(lines, title=column, along=time, dots=True)

    def _on_clicked(self, row: int, column: int) -> None:
        """Go to the frame of a number."""
        steps = self._viewer.dims
        if steps.ndim > 2:
            steps.set_current_step(0, int(self._table["frame"].iloc[column if self._upright else row]))


def ordered(columns: list[str]) -> list[str]:
    """Return the columns of a table as they are shown: what one asks for first comes first."""
    first = [column for name in _FIRST for column in columns if column.startswith(f"{name} [")]
    keys = [column for column in _KEYS if column in columns]
    return keys + first + [column for column in columns if column not in (*keys, *first)]


def _own_regions(result: TfmResult) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return the cell as one region, or the whole image where no cell is known."""
    field = result.traction
    if field.mask is None:
        return np.ones(field.data.shape[2:], np.uint8)
    return np.asarray(field.mask).astype(np.uint8)


def _text(column: str, value: float) -> str:
    return str(int(value)) if column in ("frame", "region") else _number(value)


def _number(value: float) -> str:
    if not np.isfinite(value):
        return "–"
    if abs(value) < 1e-6:
        return "0"
    return (f"{value:.0f}" if 100 <= abs(value) < 1e6 else f"{value:.3g}").replace("-", "−")
