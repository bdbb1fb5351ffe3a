"""Result of a prediction: numbers, value under the cursor, arrows, calibration and saving."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path
from typing import Any

from napari.components import ViewerModel
from napari.utils.notifications import show_info
from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QPushButton, QSlider, QVBoxLayout, QWidget

from napari_cellforce.io.write import write_field, write_scalar, write_table
from napari_cellforce.layers import DEFAULT_THRESHOLD, ArrowStyle, default_spacing, smallest_spacing
from napari_cellforce.predict import OutputPaths
from napari_cellforce.widgets.base.form import Form, TextLine, align_labels
from napari_cellforce.widgets.base.format import format_number
from napari_cellforce.widgets.base.number_box import NumberBox
from napari_cellforce.widgets.base.panel import can_open, open_panel
from napari_cellforce.widgets.base.worker import Job, show_error
from napari_cellforce.widgets.predict.result_tabs import ResultTabs
from napari_cellforce.widgets.shared.prediction_layers import PredictionLayers

_STEPS = 100
"""Steps of the threshold slider, up to the longest arrow."""

_WORDS = 120
"""Width of a number with its unit in pixels, so that both sliders have the same length."""


class ArrowRows(QWidget):
    """Two sliders for spacing and threshold of the arrows, applied at once.

    Parameters
    ----------
    arrow_style : ArrowStyle
        Initial style.
    parent : QWidget, optional

    Signals
    -------
    changed
    """

    changed = Signal()

    def __init__(self, arrow_style: ArrowStyle, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.arrow_style = arrow_style
        self._shape: tuple[int, int] | None = None
        self._spacing, self._threshold = QSlider(Qt.Horizontal), QSlider(Qt.Horizontal)
        self._threshold.setRange(0, _STEPS)
        self._spacing_text, self._threshold_text = QLabel(), QLabel()
        for text in (self._spacing_text, self._threshold_text):
            text.setMinimumWidth(_WORDS)
        for slider in (self._spacing, self._threshold):
            slider.valueChanged.connect(lambda _: self.changed.emit())
        form = Form(self)
        form.add("Arrows every", self._spacing, "Distance between arrows", beside=self._spacing_text)
        form.add("longer than", self._threshold, "Shorter arrows are hidden", beside=self._threshold_text)
        align_labels(form)

    def fit(self, result: PredictionLayers) -> None:
        """Set the ranges for another prediction; images of the same size keep the spacing."""
        shape = result.field.mask.shape[1:]
        with QSignalBlocker(self._spacing), QSignalBlocker(self._threshold):
            self._spacing.setRange(smallest_spacing(shape), max(2, min(shape) // 8))
            if shape != self._shape:
                self._spacing.setValue(default_spacing(shape))
            self._threshold.setValue(round(DEFAULT_THRESHOLD * _STEPS))
        self._shape = shape

    def restyle(self, result: PredictionLayers) -> None:
        """Apply the sliders to the arrows of a prediction."""
        spacing, threshold = self._spacing.value(), self._threshold.value() / _STEPS * result.reference
        self.arrow_style = dataclasses.replace(self.arrow_style, spacing=spacing, threshold=threshold)
        self._spacing_text.setText(f"{spacing * result.field.pixel_size.micron:.1f} µm")
        self._threshold_text.setText(f"{format_number(threshold)} {result.field.unit}")
        result.restyle(self.arrow_style)


class CalibrationRows(QWidget):
    """Calibration of normalised tractions to Pa, by a mean traction.

    Signals
    -------
    wanted : float
        The button was pressed, with the mean traction of comparable cells in Pa.
    """

    requested = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._available = True
        self._mean = NumberBox(0, 1e5, unit="Pa", empty="not known")
        self._mean.setKeyboardTracking(True)  # the button beside it can be pressed while one types
        self._mean.valueChanged.connect(lambda _: self._refresh())
        self._convert = QPushButton("Convert to Pa")
        self._convert.clicked.connect(lambda: self.requested.emit(self._mean.value()))
        note = TextLine()
        note.set_text(
            "Tractions are normalised. The mean traction of measured, comparable cells converts them to Pa:"
        )
        form = Form(self)
        form.addRow(note)
        form.add(
            "Mean |F|",
            self._mean,
            "Mean traction magnitude of measured cells on the same substrate (published: 196 to 444 Pa)",
            page="numbers/#from-normalised-to-pa",
            beside=self._convert,
        )
        self._refresh()

    def set_available(self, available: bool) -> None:
        """Enable the button if a number is entered; disable it during other jobs."""
        self._available = available
        self._refresh()

    def _refresh(self) -> None:
        self._convert.setEnabled(self._available and self._mean.value() > 0)


_OUTSIDE_CELL = "Under the mouse: outside the cell"

_NEXT_PANELS = {
    "Compare": ("Compare with measured", "Compare the prediction with a measured field"),
    "Explain": ("Explain forces", "What drives this prediction"),
    "Batch": ("Batch-process folder", "Predict all images of a folder"),
}
"""Text of each button: panel that it opens, and its purpose."""


class ResultSection(QWidget):
    """Section below the Predict button.

    Signals
    -------
    calibrated
        The displayed prediction was converted to Pa.
    """

    calibrated = Signal()

    def __init__(self, viewer: ViewerModel, arrow_style: ArrowStyle, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._result: PredictionLayers | None = None
        self._predicting = False
        self._job = Job(self)
        self._job.failed.connect(show_error)
        self._job.ended.connect(self._on_ended)
        self._on_success: Callable[[], None] = lambda: None
        self._title, self._cursor = QLabel(), QLabel(_OUTSIDE_CELL)
        self._title.setWordWrap(True)
        self._cursor.setToolTip("Traction and direction at the mouse position; 0° is right, 90° is up")
        self._tabs = ResultTabs(viewer)
        self._tabs.frame_chosen.connect(self._go_to)
        self._arrows = ArrowRows(arrow_style)
        self._arrows.changed.connect(self._on_style)
        self._calibration = CalibrationRows()
        self._calibration.requested.connect(self._on_calibrate)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for part in (self._title, self._tabs, self._cursor, self._arrows, self._calibration):
            layout.addWidget(part)
        layout.addLayout(self._build_buttons())
        self.hide()
        viewer.dims.events.current_step.connect(self._on_time)
        viewer.mouse_move_callbacks.append(self._on_mouse)

    def dispose(self) -> None:
        """Disconnect from the viewer; a running save is finished."""
        self._tabs.dispose()
        self._viewer.dims.events.current_step.disconnect(self._on_time)
        if self._on_mouse in self._viewer.mouse_move_callbacks:
            self._viewer.mouse_move_callbacks.remove(self._on_mouse)

    @property
    def arrow_style(self) -> ArrowStyle:
        """Style of the arrows."""
        return self._arrows.arrow_style

    def set_result(self, result: PredictionLayers) -> None:
        """Show another prediction, which may still be running."""
        self._result = result
        name, model = escape(result.field.name), escape(result.field.provenance.model)
        self._title.setText(f"<b>{name}</b>, {model}")
        self._arrows.fit(result)
        self._on_style()
        self.refresh()

    def set_predicting(self, predicting: bool) -> None:
        """Hide the calibration during a prediction: later frames would have another unit."""
        self._predicting = predicting
        self._update_buttons()

    def refresh(self) -> None:
        """Show the frames predicted so far."""
        result = self._result
        if result is None or not result.rows:
            return
        self.show()
        self._tabs.show_result(result)
        self._update_buttons()
        self._on_time()

    def save(self, path: Path) -> None:
        """Write the field to `path`, and table and uncertainty next to it, off the GUI thread."""
        result = self._result
        if result is None:
            return
        field, table, uncertainty = result.predicted_field(), result.table, result.uncertainty()
        paths = OutputPaths.beside(path)

        def write() -> Iterator[Path]:
            yield write_field(paths.traction, field)
            yield write_table(paths.summary, table)
            if uncertainty is not None:
                yield write_scalar(paths.uncertainty, uncertainty)

        beside = [paths.summary.name, *([paths.uncertainty.name] if uncertainty is not None else [])]
        self._run_in_background(
            write, then=lambda: show_info(f"Saved {paths.traction} and {' and '.join(beside)}")
        )

    def _build_buttons(self) -> QHBoxLayout:
        self._save = QPushButton("Save …")
        self._save.setToolTip("Write the tractions (OME-TIFF) and the table (CSV)")
        self._save.clicked.connect(self._on_save)
        row = QHBoxLayout()
        row.addWidget(self._save)
        row.addStretch()
        if can_open(self._viewer):
            row.addWidget(QLabel("Next:"))
            for text, (panel, tooltip) in _NEXT_PANELS.items():
                button = QPushButton(text)
                button.setToolTip(f"{tooltip}: opens the panel {panel}")
                button.clicked.connect(lambda _, panel=panel: open_panel(self._viewer, panel))
                row.addWidget(button)
        return row

    def _update_buttons(self) -> None:
        """Update the buttons; they are disabled while a file is written or the unit is converted."""
        result, available = self._result, not self._job.running
        self._save.setEnabled(available)
        self._calibration.set_available(available)
        self._calibration.setVisible(
            result is not None and result.field.unit != "Pa" and not self._predicting
        )

    def _go_to(self, frame: int) -> None:
        """Show a frame in the viewer."""
        if self._result is not None:
            self._result.go_to(frame)

    def _on_time(self, event: Any = None) -> None:
        del event
        if self._result is not None:
            self._tabs.show_frame(self._result.shown_frame)

    def _on_mouse(self, viewer: ViewerModel, event: Any) -> None:
        del viewer
        value = self._result.value_at(event.position) if self._result is not None else None
        if value is None or self._result is None:
            self._cursor.setText(_OUTSIDE_CELL)
        else:
            length, angle = value
            self._cursor.setText(
                f"Under the mouse: {format_number(length)} [{self._result.field.unit}], {round(angle)}°"
            )

    def _on_style(self) -> None:
        """Apply the arrow style."""
        if self._result is not None:
            self._arrows.restyle(self._result)

    def _on_calibrate(self, mean: float) -> None:
        result = self._result
        if result is not None and not self._job.running:
            scale = float(result.field.provenance.settings.get("output_scale", 1.0))
            self._run_in_background(lambda: result.calibrate(mean / scale), then=self._show_calibrated)

    def _show_calibrated(self) -> None:
        if self._result is not None:
            self._result.show()
            self._on_style()
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

    def _run_in_background(self, work: Callable[[], Iterator[Any]], then: Callable[[], None]) -> None:
        """Run a job off the GUI thread, and call `then` if it was completed."""
        self._on_success = then
        self._job.start(work)
        self._update_buttons()

    def _on_ended(self, complete: bool) -> None:
        if complete:
            self._on_success()
        self._update_buttons()
