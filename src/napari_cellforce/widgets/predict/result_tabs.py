"""Numbers of a prediction: of the current frame, over time, and as a table."""

from __future__ import annotations

import math

from napari.components import ViewerModel
from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QLabel, QSizePolicy, QTableWidget, QTableWidgetItem, QTabWidget, QWidget

from napari_cellforce.widgets.base.format import format_number
from napari_cellforce.widgets.base.plots import TimePlot
from napari_cellforce.widgets.shared.prediction_layers import PredictionLayers

_HEIGHT = 200


class ResultTabs(QTabWidget):
    """Three tabs: this frame, over time, table.

    Parameters
    ----------
    viewer : ViewerModel
        Viewer whose theme sets the colours of the plot.
    parent : QWidget, optional

    Signals
    -------
    frame_chosen : int
        A frame was clicked in the plot or in the table.
    """

    frame_chosen = Signal(int)

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._result: PredictionLayers | None = None
        self._headers: list[str] = []
        self._current = QLabel()
        self._current.setTextInteractionFlags(Qt.TextSelectableByMouse)
        self._current.setAlignment(Qt.AlignTop)
        self._current.setSizePolicy(QSizePolicy.Ignored, QSizePolicy.Preferred)
        self._plot = TimePlot(viewer)
        self._plot.frame_chosen.connect(self.frame_chosen)
        self.setAccessibleName("Results")
        self.addTab(self._current, "This frame")
        self.addTab(self._plot, "Over time")
        self.addTab(self._build_table(), "Table")
        self.setFixedHeight(_HEIGHT)

    def dispose(self) -> None:
        """Disconnect from the viewer."""
        self._plot.dispose()

    def show_result(self, result: PredictionLayers) -> None:
        """Show the frames predicted so far."""
        self._result = result
        columns = result.columns()
        force = next(name for name in columns if name.startswith("total force"))
        time = "time [min]" if result.field.frame_interval is not None else "frame"
        several = len(result.field.data) > 1
        self.setTabVisible(self.indexOf(self._plot), several)
        if several:
            self._plot.show_values(
                columns["frame"], columns[time], columns[force], quantity=force, time_label=time
            )
        self._fill_table(result)

    def show_frame(self, frame: int) -> None:
        """Show the numbers of a frame, and mark it in the plot."""
        self._plot.show_frame(frame)
        self._current.setText(self._describe_frame(frame))

    def _build_table(self) -> QTableWidget:
        self._table = QTableWidget()
        self._table.setEditTriggers(QTableWidget.NoEditTriggers)
        self._table.verticalHeader().hide()
        self._table.setAccessibleName("Forces, frame by frame")
        self._table.cellClicked.connect(lambda row, _: self.frame_chosen.emit(self._frame_in(row)))
        return self._table

    def _fill_table(self, result: PredictionLayers) -> None:
        """Add the rows of new frames."""
        headers = list(result.rows[0])
        if headers != self._headers or self._table.rowCount() > len(result.rows):
            self._headers = headers
            self._table.setRowCount(0)
            self._table.setColumnCount(len(headers))
            self._table.setHorizontalHeaderLabels(headers)
            self._table.resizeColumnsToContents()
        for i in range(self._table.rowCount(), len(result.rows)):
            self._table.insertRow(i)
            for j, value in enumerate(result.rows[i].values()):
                self._table.setItem(i, j, QTableWidgetItem("" if math.isnan(value) else f"{value:.5g}"))

    def _describe_frame(self, frame: int) -> str:
        """Return the row of a frame as a small HTML table of quantity, value and unit."""
        rows = self._result.rows if self._result else []
        row = next((row for row in rows if row["frame"] == frame), None)
        if row is None:
            done = f"<br>Predicted: frames 0 to {len(rows) - 1}." if len(rows) > 1 else ""
            return f"This frame has not been predicted.{done}"
        lines = [
            f"<tr><td align='right'><b>{format_number(value)}</b>&nbsp;</td><td>{name}</td></tr>"
            for name, value in row.items()
            if name != "frame" and not math.isnan(value)
        ]
        return f"<table>{''.join(lines)}</table>"

    def _frame_in(self, row: int) -> int:
        return int(self._result.rows[row]["frame"]) if self._result else 0
