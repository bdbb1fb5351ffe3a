"""What a prediction says: force over time, table, arrows, value under the cursor, saving."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from napari.components import ViewerModel
from napari.utils.notifications import show_info
from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import (
    QDoubleSpinBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSlider,
    QTableWidget,
    QTableWidgetItem,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from napari_cellforce.io.write import write_field, write_scalar, write_table
from napari_cellforce.layers import USUAL_THRESHOLD, ArrowLook, finest_spacing, usual_spacing
from napari_cellforce.predict import OutputPaths
from napari_cellforce.widgets.base.form import Form, TextLine
from napari_cellforce.widgets.base.time_plot import TimePlot
from napari_cellforce.widgets.base.worker import Job, tell
from napari_cellforce.widgets.view.result import Result
from napari_cellforce.widgets.view.sources import current_frame, go_to_frame

_STEPS = 100
"""Of the threshold slider, up to the longest arrow."""

_ROUNDING_ERROR = 1e-6
"""What is smaller, in any of the table's units, is shown as 0: forces that balance leave 1e-9 or so."""


class ResultSection(QWidget):
    """Everything below the Predict button.

    Signals
    -------
    calibrated
    """

    calibrated = Signal()

    def __init__(self, viewer: ViewerModel, look: ArrowLook, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._look = look
        self._result: Result | None = None
        self._headers: list[str] = []
        self._job = Job(self)
        self._job.failed.connect(tell)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._title = QLabel()
        self._title.setWordWrap(True)
        layout.addWidget(self._title)
        layout.addWidget(self._build_views())
        layout.addWidget(self._build_cursor())
        layout.addLayout(self._build_arrows())
        layout.addWidget(self._build_calibration())
        layout.addLayout(self._build_saving())
        self.hide()
        viewer.dims.events.current_step.connect(self._on_time)
        viewer.mouse_move_callbacks.append(self._on_mouse)

    def disconnect_viewer(self) -> None:
        """Hear nothing more of the viewer; what is being saved is finished."""
        self._plot.disconnect_viewer()
        self._viewer.dims.events.current_step.disconnect(self._on_time)
        if self._on_mouse in self._viewer.mouse_move_callbacks:
            self._viewer.mouse_move_callbacks.remove(self._on_mouse)

    @property
    def look(self) -> ArrowLook:
        """How arrows are to be drawn."""
        return self._look

    def set_result(self, result: Result) -> None:
        """Show another prediction, which may still be running."""
        former, self._result = self._result, result
        self._title.setText(f"<b>{result.field.name}</b>, {result.field.provenance.model}")
        shape = result.field.mask.shape[1:]
        with QSignalBlocker(self._spacing), QSignalBlocker(self._threshold):
            self._spacing.setRange(finest_spacing(shape), max(2, min(shape) // 8))
            if former is None or former.field.mask.shape[1:] != shape:
                self._spacing.setValue(usual_spacing(shape))
            self._threshold.setValue(round(USUAL_THRESHOLD * _STEPS))
        self._on_look()
        self.refresh()

    def refresh(self) -> None:
        """Show what has arrived."""
        result = self._result
        if result is None or not result.rows:
            return
        self.show()
        columns = result.columns()
        force = next(name for name in columns if name.startswith("total force"))
        minutes = result.field.frame_interval is not None
        several = len(result.field.data) > 1
        self._views.setTabVisible(self._views.indexOf(self._plot), several)
        if several:
            self._plot.show_values(
                columns["frame"],
                columns["time [min]" if minutes else "frame"],
                columns[force],
                quantity=force,
                time_label="time [min]" if minutes else "frame",
            )
        self._fill_table(result)
        self._calibration.setVisible(result.field.unit != "Pa")
        self._on_time()

    def _build_views(self) -> QTabWidget:
        self._plot = TimePlot(self._viewer)
        self._plot.frame_chosen.connect(self._go_to)
        self._table = QTableWidget()
        self._table.setEditTriggers(QTableWidget.NoEditTriggers)
        self._table.verticalHeader().hide()
        self._table.setAccessibleName("Forces, frame by frame")
        self._table.setMinimumHeight(150)
        self._table.cellClicked.connect(lambda row, _: self._go_to(self._frame_in(row)))
        self._now = QLabel()
        self._now.setTextInteractionFlags(Qt.TextSelectableByMouse)
        self._now.setAlignment(Qt.AlignTop)
        self._now.setSizePolicy(QSizePolicy.Ignored, QSizePolicy.Preferred)
        self._views = QTabWidget()
        self._views.setAccessibleName("Results")
        self._views.addTab(self._now, "This frame")
        self._views.addTab(self._plot, "Over time")
        self._views.addTab(self._table, "Table")
        self._views.setFixedHeight(200)
        return self._views

    def _build_cursor(self) -> QLabel:
        self._cursor = QLabel(" ")
        self._cursor.setToolTip("Traction and its direction under the mouse; 0° is right, 90° is up")
        return self._cursor

    def _build_arrows(self) -> Form:
        self._spacing = QSlider(Qt.Horizontal)
        self._spacing.valueChanged.connect(self._on_look)
        self._threshold = QSlider(Qt.Horizontal)
        self._threshold.setRange(0, _STEPS)
        self._threshold.valueChanged.connect(self._on_look)
        self._spacing_text, self._threshold_text = QLabel(), QLabel()
        form = Form()
        form.add("Arrows every", self._spacing, "Distance between arrows", beside=self._spacing_text)
        form.add("longer than", self._threshold, "Shorter arrows are left out", beside=self._threshold_text)
        return form

    def _build_calibration(self) -> QWidget:
        self._mean = QDoubleSpinBox()
        self._mean.setRange(0, 1e5)
        self._mean.setDecimals(0)
        self._mean.setSuffix(" Pa")
        self._mean.setSpecialValueText("not known")
        self._calibrate = QPushButton("Convert to Pa")
        self._calibrate.setEnabled(False)
        self._mean.valueChanged.connect(lambda value: self._calibrate.setEnabled(value > 0))
        self._calibrate.clicked.connect(self._on_calibrate)
        note = TextLine()
        note.say("The result is relative. The mean traction of comparable, measured cells makes it Pa:")
        self._calibration = QWidget()
        form = Form(self._calibration)
        form.addRow(note)
        form.add(
            "Mean |F|",
            self._mean,
            "Of measured cells on the same substrate (published: 196 to 444 Pa)",
            page="numbers/#from-normalised-to-pa",
            beside=self._calibrate,
        )
        return self._calibration

    def _build_saving(self) -> QHBoxLayout:
        save = QPushButton("Save …")
        save.setToolTip("Write the tractions (OME-TIFF) and the table (CSV)")
        save.clicked.connect(self._on_save)
        row = QHBoxLayout()
        row.addWidget(save)
        row.addStretch()
        return row

    def _fill_table(self, result: Result) -> None:
        """Add the rows that have arrived since the last time."""
        headers = list(result.rows[0])
        if headers != self._headers or self._table.rowCount() > len(result.rows):
            self._headers = headers
            self._table.setRowCount(0)
            self._table.setColumnCount(len(headers))
            self._table.setHorizontalHeaderLabels(headers)
        for i in range(self._table.rowCount(), len(result.rows)):
            self._table.insertRow(i)
            for j, value in enumerate(result.rows[i].values()):
                self._table.setItem(i, j, QTableWidgetItem("" if math.isnan(value) else f"{value:.5g}"))

    def _in_words(self, frame: int) -> str:
        """Return a frame's row as a small table of quantity, value and unit."""
        rows = self._result.rows if self._result else []
        row = next((row for row in rows if row["frame"] == frame), None)
        if row is None:
            return "This frame has not been predicted."
        lines = [
            f"<tr><td align='right'><b>{rounded(value)}</b>&nbsp;</td><td>{name}</td></tr>"
            for name, value in row.items()
            if name != "frame" and not math.isnan(value)
        ]
        return f"<table>{''.join(lines)}</table>"

    def _frame_in(self, row: int) -> int:
        return int(self._result.rows[row]["frame"]) if self._result else 0

    def _go_to(self, frame: int) -> None:
        """Show a frame in the viewer."""
        if self._result is not None:
            go_to_frame(self._viewer, self._result.frame, frame)

    def _on_time(self, event: Any = None) -> None:
        del event
        if self._result is not None:
            frame = current_frame(self._viewer, self._result.frame, len(self._result.field.data))
            self._plot.show_frame(frame)
            self._now.setText(self._in_words(frame))

    def _on_mouse(self, viewer: ViewerModel, event: Any) -> None:
        del viewer
        found = self._result.at(event.position) if self._result is not None else None
        if found is None or self._result is None:
            self._cursor.setText("Under the mouse: outside the cell")
        else:
            length, angle = found
            self._cursor.setText(
                f"Under the mouse: {rounded(length)} [{self._result.field.unit}], {round(angle)}°"
            )

    def _on_look(self, value: int = 0) -> None:
        """Restyle the arrows at once."""
        del value
        result = self._result
        if result is None:
            return
        threshold = self._threshold.value() / _STEPS * result.reference
        self._look = dataclasses.replace(self._look, spacing=self._spacing.value(), threshold=threshold)
        self._spacing_text.setText(f"{self._spacing.value() * result.field.pixel_size.micron:.1f} µm")
        self._threshold_text.setText(f"{rounded(threshold)} {result.field.unit}")
        result.restyle(self._look)

    def _on_calibrate(self) -> None:
        result = self._result
        if result is None or self._job.running:
            return
        scale = float(result.field.provenance.settings.get("output_scale", 1.0))
        self._calibrate.setEnabled(False)
        self._after(self._show_calibrated)
        self._job.start(lambda: result.calibrated(self._mean.value() / scale))

    def _show_calibrated(self) -> None:
        if self._result is not None:
            self._result.show()
            self._on_look()
            self.refresh()
            self.calibrated.emit()

    def _on_save(self) -> None:
        result = self._result
        if result is None or not result.rows:
            return
        suggested = Path(result.field.provenance.input_file or result.field.name).with_suffix("")
        name = str(suggested).removesuffix(".ome") + "_traction.ome.tif"
        chosen, _ = QFileDialog.getSaveFileName(
            self, "Save tractions and table", name, "OME-TIFF (*.ome.tif)"
        )
        if chosen:
            self.save(Path(chosen))

    def save(self, path: Path) -> None:
        """Write the field to `path`, and the table beside it, off the GUI thread."""
        result = self._result
        if result is None:
            return
        field, table, uncertainty = result.finished(), result.table, result.uncertainty()
        paths = OutputPaths.beside(path)

        def write() -> Iterator[Path]:
            yield write_field(paths.traction, field)
            yield write_table(paths.summary, table)
            if uncertainty is not None:
                yield write_scalar(paths.uncertainty, uncertainty)

        self._after(lambda: show_info(f"Saved {paths.traction} and {paths.summary.name}"))
        self._job.start(write)

    def _after(self, action: Callable[[], None]) -> None:
        """Do something once the job that is about to start has come to its end."""

        def once(complete: bool) -> None:
            self._job.ended.disconnect(once)
            if complete:
                action()

        self._job.ended.connect(once)


def rounded(value: float) -> str:
    """Return a number with three or more digits, without an exponent where it can do without."""
    if abs(value) < _ROUNDING_ERROR:
        return "0"
    return f"{value:.0f}" if 100 <= abs(value) < 1e7 else f"{value:.3g}"
