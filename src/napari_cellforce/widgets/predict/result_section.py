"""What a prediction says: numbers, value under the cursor, arrows; and what is done with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from napari.components import ViewerModel
from napari.utils.notifications import show_info
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from napari_cellforce.io.write import write_field, write_scalar, write_table
from napari_cellforce.layers import ArrowLook
from napari_cellforce.predict import OutputPaths
from napari_cellforce.widgets.base.numbers import number
from napari_cellforce.widgets.base.worker import Job, tell
from napari_cellforce.widgets.predict.arrow_rows import ArrowRows
from napari_cellforce.widgets.predict.calibration_rows import CalibrationRows
from napari_cellforce.widgets.predict.views import ResultViews
from napari_cellforce.widgets.view.opening import can_open, open_panel
from napari_cellforce.widgets.view.result import Result
from napari_cellforce.widgets.view.sources import current_frame, go_to_frame

_NOWHERE = "Under the mouse: outside the cell"

_NEXT = {
    "Compare": ("Compare with measured", "Beside a measured field: can I trust it on my cells?"),
    "Explain": ("Explain forces", "Why the model says so"),
    "Batch": ("Batch-process folder", "The same for a whole folder"),
}
"""Button: panel that it opens, and what that is for."""


class ResultSection(QWidget):
    """Everything below the Predict button.

    Signals
    -------
    calibrated
        The prediction that is shown has become Pa.
    """

    calibrated = Signal()

    def __init__(self, viewer: ViewerModel, look: ArrowLook, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._result: Result | None = None
        self._predicting = False
        self._job = Job(self)
        self._job.failed.connect(tell)
        self._job.ended.connect(self._on_ended)
        self._then: Callable[[], None] = lambda: None
        self._title, self._cursor = QLabel(), QLabel(_NOWHERE)
        self._title.setWordWrap(True)
        self._cursor.setToolTip("Traction and its direction under the mouse; 0° is right, 90° is up")
        self._views = ResultViews(viewer)
        self._views.frame_chosen.connect(self._go_to)
        self._arrows = ArrowRows(look)
        self._arrows.changed.connect(self._on_look)
        self._calibration = CalibrationRows()
        self._calibration.wanted.connect(self._on_calibrate)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for part in (self._title, self._views, self._cursor, self._arrows, self._calibration):
            layout.addWidget(part)
        layout.addLayout(self._build_ways_on())
        self.hide()
        viewer.dims.events.current_step.connect(self._on_time)
        viewer.mouse_move_callbacks.append(self._on_mouse)

    def disconnect_viewer(self) -> None:
        """Hear nothing more of the viewer; what is being saved is finished."""
        self._views.disconnect_viewer()
        self._viewer.dims.events.current_step.disconnect(self._on_time)
        if self._on_mouse in self._viewer.mouse_move_callbacks:
            self._viewer.mouse_move_callbacks.remove(self._on_mouse)

    @property
    def look(self) -> ArrowLook:
        """How arrows are to be drawn."""
        return self._arrows.look

    def set_result(self, result: Result) -> None:
        """Show another prediction, which may still be running."""
        self._result = result
        self._title.setText(f"<b>{result.field.name}</b>, {result.field.provenance.model}")
        self._arrows.fit(result)
        self._on_look()
        self.refresh()

    def set_predicting(self, predicting: bool) -> None:
        """Do not offer to convert what is still being predicted: frames to come would be in another unit."""
        self._predicting = predicting
        self._update_buttons()

    def refresh(self) -> None:
        """Show what has arrived."""
        result = self._result
        if result is None or not result.rows:
            return
        self.show()
        self._views.show_result(result)
        self._update_buttons()
        self._on_time()

    def save(self, path: Path) -> None:
        """Write the field to `path`, table and uncertainty beside it, off the GUI thread."""
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

        beside = [paths.summary.name, *([paths.uncertainty.name] if uncertainty is not None else [])]
        self._do(write, then=lambda: show_info(f"Saved {paths.traction} and {' and '.join(beside)}"))

    def _build_ways_on(self) -> QHBoxLayout:
        self._save = QPushButton("Save …")
        self._save.setToolTip("Write the tractions (OME-TIFF) and the table (CSV)")
        self._save.clicked.connect(self._on_save)
        row = QHBoxLayout()
        row.addWidget(self._save)
        row.addStretch()
        if can_open(self._viewer):
            row.addWidget(QLabel("Next:"))
            for text, (panel, purpose) in _NEXT.items():
                button = QPushButton(text)
                button.setToolTip(f"{purpose}: opens the panel {panel}")
                button.clicked.connect(lambda _, panel=panel: open_panel(self._viewer, panel))
                row.addWidget(button)
        return row

    def _update_buttons(self) -> None:
        """Offer what can be done now; nothing while a file is written or the unit changes."""
        result, free = self._result, not self._job.running
        self._save.setEnabled(free)
        self._calibration.set_free(free)
        self._calibration.setVisible(
            result is not None and result.field.unit != "Pa" and not self._predicting
        )

    def _go_to(self, frame: int) -> None:
        """Show a frame in the viewer."""
        if self._result is not None:
            go_to_frame(self._viewer, self._result.frame, frame)

    def _on_time(self, event: Any = None) -> None:
        del event
        if self._result is not None:
            frames = len(self._result.field.data)
            self._views.show_frame(current_frame(self._viewer, self._result.frame, frames))

    def _on_mouse(self, viewer: ViewerModel, event: Any) -> None:
        del viewer
        found = self._result.at(event.position) if self._result is not None else None
        if found is None or self._result is None:
            self._cursor.setText(_NOWHERE)
        else:
            length, angle = found
            self._cursor.setText(
                f"Under the mouse: {number(length)} [{self._result.field.unit}], {round(angle)}°"
            )

    def _on_look(self) -> None:
        """Restyle the arrows at once."""
        if self._result is not None:
            self._arrows.restyle(self._result)

    def _on_calibrate(self, mean: float) -> None:
        result = self._result
        if result is not None and not self._job.running:
            scale = float(result.field.provenance.settings.get("output_scale", 1.0))
            self._do(lambda: result.calibrate(mean / scale), then=self._show_calibrated)

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

    def _do(self, work: Callable[[], Iterator[Any]], then: Callable[[], None]) -> None:
        """Do something off the GUI thread, and `then` what follows if it came to its end."""
        self._then = then
        self._job.start(work)
        self._update_buttons()

    def _on_ended(self, complete: bool) -> None:
        if complete:
            self._then()
        self._update_buttons()
