"""Results of a measured traction: table per cell or region, plot over time, saving, export for training."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from napari.components import ViewerModel
from napari.layers import Labels, Shapes
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
from napari_cellforce.fields import Progress
from napari_cellforce.io import write_table
from napari_cellforce.tfm import TfmConfig, TfmResult, region_rows, write_training_cell
from napari_cellforce.viewer.coordinates import show_frame
from napari_cellforce.viewer.images import input_images, stack_of
from napari_cellforce.viewer.masks import cells_mask, labels_over, mask_layers
from napari_cellforce.viewer.workspace import Workspace
from napari_cellforce.widgets.base.form import Form, TextLine, Tone, shrinkable_combo
from napari_cellforce.widgets.base.plots import COLOURS, LinesPlot
from napari_cellforce.widgets.base.worker import Job, error_text, show_error
from napari_cellforce.widgets.shared.measured_fields import layer_of

_PAGE = "tutorials/measure/#numbers"
_CELL, _WHOLE = "the cell", "the whole image"
_MAIN_COLUMNS = (
    "total force",
    "strain energy",
    "contractile moment",
    "net force",
    "maximum traction",
    "99th percentile traction",
    "mean traction",
)
"""Columns that can be plotted over time, and that are first in the table."""
_MAX_TRANSPOSED = 3
"""Maximum number of rows that are shown as columns."""
_KEYS = ("frame", "time [min]", "region")


class TfmResultsTable(QWidget):
    """A table with one row per frame and region, a plot over time, and a Save button.

    Parameters
    ----------
    viewer : ViewerModel
        Viewer whose Labels layers are the regions that can be chosen.
    """

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._workspace = Workspace.of(viewer)
        self._result: TfmResult | None = None
        self._config: TfmConfig | None = None
        self._table = pd.DataFrame()
        self._transposed = True
        self._computing, self._saving = Job(self), Job(self)
        self._computing.yielded.connect(self._on_record)
        self._computing.failed.connect(self._on_failed)
        self._saving.failed.connect(show_error)
        self._saving.yielded.connect(lambda folder: show_info(f"Fields and tables are in {folder}."))
        self.regions, self._quantity = shrinkable_combo(QComboBox()), shrinkable_combo(QComboBox())
        self._note = TextLine()
        self.plot = LinesPlot(viewer, "Numbers over time")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(self._build_form())
        layout.addWidget(self._note)
        layout.addWidget(self._build_table())
        layout.addWidget(self.plot)
        layout.addLayout(self._build_saving())
        self.regions.currentIndexChanged.connect(self.compute)
        self._quantity.currentIndexChanged.connect(self._draw)
        self._workspace.layers_changed.connect(self.fill)
        self.hide()

    @property
    def table(self) -> pd.DataFrame:
        """The displayed table, with all columns."""
        return self._table

    @property
    def busy(self) -> bool:
        """True while numbers are computed or files are written."""
        return self._computing.running or self._saving.running

    def show_result(self, result: TfmResult | None, config: TfmConfig | None) -> None:
        """Show another measurement; `config` is written as a preset by Save."""
        self._result, self._config = result, config
        self.setVisible(result is not None)
        self.fill()
        self.compute()

    def fill(self) -> None:
        """List the available regions; the selection is kept."""
        chosen = self.regions.currentData()
        has_mask = self._result is not None and self._result.traction.mask is not None
        entries: list[tuple[str, Any]] = [(_CELL if has_mask else _WHOLE, None)]
        entries += [(layer.name, layer) for layer in mask_layers(self._viewer)]
        with QSignalBlocker(self.regions):
            self.regions.clear()
            for text, layer in entries:
                self.regions.addItem(f"each label of {text}" if layer is not None else text, layer)
            found = [i for i, (_, layer) in enumerate(entries) if layer is chosen]
            self.regions.setCurrentIndex(found[0] if found else 0)

    def compute(self, *_: Any) -> None:
        """Compute the numbers of the chosen regions, off the GUI thread."""
        result, layer = self._result, self.regions.currentData()
        if result is None:
            return
        try:
            grid = None if layer is None else layer_of(self._viewer, result.traction)
            labels = _own_regions(result) if grid is None else labels_over(layer, grid)
        except CellForceError as error:
            self._on_failed(error)
            return

        def work() -> Iterator[Any]:
            rows: list[dict[str, float]] = []
            frames = len(result.traction.frames)
            for t, frame_rows in enumerate(region_rows(result.traction, labels, result.displacement)):
                rows += frame_rows
                yield Progress("Summing forces", t + 1, frames)
            yield pd.DataFrame(rows)

        self._note.set_text("Summing forces …")
        self._computing.start(work)

    def save(self, folder: Path) -> None:
        """Write fields, tables, curve and settings to a folder."""
        result, config, table = self._result, self._config, self._table
        if result is None:
            return

        def work() -> Iterator[Path]:
            paths = result.save(folder, config)
            write_table(paths.summary, table)
            yield folder

        self._saving.start(work)

    def dispose(self) -> None:
        """Disconnect from the viewer; a running save is finished."""
        self._computing.cancel()
        self.plot.dispose()
        self._workspace.layers_changed.disconnect(self.fill)

    def _build_form(self) -> Form:
        for name in _MAIN_COLUMNS:
            self._quantity.addItem(name, name)
        form = Form()
        form.add("Numbers of", self.regions, "Regions in which forces are summed, one row each", page=_PAGE)
        self._quantity_row = form.add(
            "Over time", self._quantity, "Quantity that is plotted, for up to three regions"
        )
        return form

    def _build_table(self) -> QTableWidget:
        self.cells_table = QTableWidget()
        self.cells_table.setEditTriggers(QTableWidget.NoEditTriggers)
        self.cells_table.setAccessibleName("Numbers, by frame and region")
        self.cells_table.cellClicked.connect(self._on_clicked)
        return self.cells_table

    def _build_saving(self) -> QHBoxLayout:
        save = QPushButton("Save …")
        save.setToolTip(
            "Write traction and displacement (OME-TIFF), the table (CSV) and the settings (preset)"
        )
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
        self.cells_table.setRowCount(0)
        self.plot.hide()
        self._note.set_text(error_text(error), Tone.PROBLEM)

    def _on_record(self, record: Any) -> None:
        if isinstance(record, Progress):
            return
        self._table = record
        self._note.set_text("" if len(record) else "That layer contains no region.")
        self._fill_table()
        self._draw()

    def _fill_table(self) -> None:
        """Fill the table: quantities as columns, or as rows if there are few frames and regions."""
        columns = ordered_columns(list(self._table.columns))
        if "time [min]" in columns and self._table["time [min]"].isna().all():
            columns.remove("time [min]")
        if len(self._table) == 1:
            columns = [column for column in columns if column not in _KEYS]
        texts = [[_text(column, value) for value in self._table[column]] for column in columns]
        self._transposed = len(self._table) <= _MAX_TRANSPOSED
        titles = columns if self._transposed else [column.replace(" [", "\n[") for column in columns]
        self.cells_table.verticalHeader().setVisible(self._transposed)
        self.cells_table.horizontalHeader().setVisible(not self._transposed)
        self.cells_table.setFixedHeight(210 if self._transposed else 150)
        self.cells_table.setRowCount(len(columns) if self._transposed else len(self._table))
        self.cells_table.setColumnCount(len(self._table) if self._transposed else len(columns))
        set_titles = (
            self.cells_table.setVerticalHeaderLabels
            if self._transposed
            else self.cells_table.setHorizontalHeaderLabels
        )
        set_titles(titles)
        for i, column in enumerate(texts):
            for j, text in enumerate(column):
                item = QTableWidgetItem(text)
                item.setTextAlignment(Qt.AlignRight | Qt.AlignVCenter)
                self.cells_table.setItem(*((i, j) if self._transposed else (j, i)), item)
        self.cells_table.resizeColumnsToContents()

    def _draw(self, *_: Any) -> None:
        table = self._table
        several = len(table) > 0 and table["frame"].nunique() > 1
        for widget in (self._quantity, self._quantity_row, self.plot):
            widget.setVisible(several)
        if not several:
            return
        column = next((c for c in map(str, table) if c.startswith(f"{self._quantity.currentData()} [")), None)
        if column is None:  # without a displacement there is no strain energy
            self.plot.hide()
            return
        time = "frame" if table["time [min]"].isna().all() else "time [min]"
        regions = table.groupby("region")
        lines = {
            f"region {label}": (rows[time].to_numpy(), rows[column].to_numpy())
            for label, rows in list(regions)[: len(COLOURS)]
        }
        self.plot.draw(lines, title=column, x_label=time, markers=True)

    def _on_clicked(self, row: int, column: int) -> None:
        """Go to the frame of a number."""
        if self._result is not None:
            frame = int(self._table["frame"].iloc[column if self._transposed else row])
            shown = list(self._result.traction.frames).index(frame)
            show_frame(self._viewer, layer_of(self._viewer, self._result.traction), shown)


def ordered_columns(columns: list[str]) -> list[str]:
    """Return the columns of a table in the displayed order: main quantities first."""
    first = [column for name in _MAIN_COLUMNS for column in columns if column.startswith(f"{name} [")]
    keys = [column for column in _KEYS if column in columns]
    return keys + first + [column for column in columns if column not in (*keys, *first)]


def _own_regions(result: TfmResult) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return the cell as one region, or the whole image if there is no mask."""
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


class TfmExportSection(QWidget):
    """Choice of the protein imaged with the beads, and a button that writes training data."""

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._result: TfmResult | None = None
        self._cell: Labels | Shapes | None = None
        self._protein = shrinkable_combo(QComboBox())
        self._protein.setAccessibleName("Protein")
        self._protein.setToolTip("Image from which a model is trained")
        write = QPushButton("Write as training data …")
        write.setToolTip(
            "Write protein image, cell mask, traction and displacement for the panel Train a predictor"
        )
        write.clicked.connect(self._on_write)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._protein, 1)
        row.addWidget(write)
        self._job = Job(self)
        self._job.failed.connect(show_error)
        self._job.yielded.connect(_show_written)

    @property
    def writing(self) -> bool:
        """True while files are written."""
        return self._job.running

    def refresh(self, result: TfmResult | None, cell: Labels | Shapes | None) -> None:
        """Set the traction, and list the images of the viewer, lowest first: bead images are on top."""
        self._result, self._cell = result, cell
        chosen, layers = self._protein.currentData(), input_images(self._viewer)[::-1]
        self._protein.clear()
        for layer in layers:
            self._protein.addItem(layer.name, layer)
        self._protein.setCurrentIndex(layers.index(chosen) if chosen in layers else 0)
        self.setVisible(result is not None and bool(layers))

    def write(self, folder: Path) -> None:
        """Write protein image, cell mask, traction and displacement to a new folder in `folder`."""
        layer, result, cell = self._protein.currentData(), self._result, self._cell
        if layer is None or result is None:
            return

        def work() -> Iterator[Path]:
            proteins = stack_of([layer])
            known = result.traction.mask
            if cell is not None:
                known = cells_mask(cell, layer).data
            masks = np.zeros((1, *proteins.shape), bool) if known is None else np.asarray(known)
            yield write_training_cell(folder, proteins, result, masks)

        self._job.start(work)

    def _on_write(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder for the training data")
        if folder:
            self.write(Path(folder))


def _show_written(root: Path) -> None:
    show_info(f"Written to {root}. Drop this folder on the panel Train a predictor.")
