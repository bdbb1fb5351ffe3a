"""What is to be scanned: a property of the cell, its range, and who is asked."""

from __future__ import annotations

import time
from typing import Any

from napari.components import ViewerModel
from qtpy.QtCore import QObject, Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QListWidget,
    QWidget,
)

from napari_cellforce.fields import Progress
from napari_cellforce.layers import ArrowStyle
from napari_cellforce.scan import PARAMETERS, Drawing, Parameter, ScanConfig, ScanStep, scan
from napari_cellforce.widgets.base.form import Form, align_labels, shrinkable_combo
from napari_cellforce.widgets.base.number_box import NumberBox
from napari_cellforce.widgets.base.worker import Job, show_error
from napari_cellforce.widgets.synthetic.cell_layers import ScanLayers
from napari_cellforce.widgets.synthetic.predict_section import check_names, checked_names, fill_list

_LARGEST = 1e5


class ScanSection(QWidget):
    """Settings of a scan.

    Signals
    -------
    changed
    """

    changed = Signal()

    def __init__(self, folder: str | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._folder = folder
        self._parameters = shrinkable_combo(QComboBox())
        for parameter in PARAMETERS.values():
            self._parameters.addItem(parameter.title, parameter)
        self._parameters.currentIndexChanged.connect(self._on_parameter)
        self._low, self._high = NumberBox(0, _LARGEST), NumberBox(0, _LARGEST)
        self._steps = NumberBox(2, value=ScanConfig().steps, whole=True)
        for box in (self._low, self._high):
            box.setButtonSymbols(NumberBox.NoButtons)
        for box in (self._low, self._high, self._steps):
            box.valueChanged.connect(lambda _: self.changed.emit())
        self.model_list = QListWidget()
        self.model_list.setFixedHeight(96)
        self.model_list.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        self.model_list.itemChanged.connect(lambda _: self.changed.emit())
        self._as_movie = QCheckBox("as in one movie")
        self._as_movie.toggled.connect(lambda _: self.changed.emit())
        self._build_layout()
        self.fill()
        self._on_parameter()

    @property
    def parameter(self) -> Parameter:
        """The property that is scanned."""
        parameter: Parameter = self._parameters.currentData()
        return parameter

    @property
    def models(self) -> tuple[str, ...]:
        """Who is asked."""
        return checked_names(self.model_list)

    @property
    def steps(self) -> int:
        """Number of cells."""
        return int(self._steps.value())

    def config(self, drawing: Drawing) -> ScanConfig:
        """Return the scan of a drawing.

        Raises
        ------
        CellForceError
            If the range is empty or nobody is asked.
        """
        return ScanConfig(
            parameter=self.parameter.name,
            low=self._low.value(),
            high=self._high.value(),
            steps=self._steps.value(),
            models=self.models,
            drawing=drawing,
            as_movie=self._as_movie.isChecked(),
        )

    def fill(self) -> None:
        """List who can be asked by now."""
        fill_list(self.model_list, self._folder)

    def reset(self) -> None:
        """Restore the default settings."""
        check_names(self.model_list, ("sheet",))
        self._parameters.setCurrentIndex(0)
        self._on_parameter()
        self._steps.setValue(ScanConfig().steps)
        self._as_movie.setChecked(False)

    def choose(self, parameter: str, low: float, high: float, steps: int) -> None:
        """Set what is scanned."""
        self._parameters.setCurrentIndex(list(PARAMETERS).index(parameter))
        for box, value in ((self._low, low), (self._high, high), (self._steps, steps)):
            box.setValue(value)

    def remember(self) -> dict[str, Any]:
        """Return the settings that are stored between sessions."""
        return {
            "scanned": self.parameter.name,
            "range": [self._low.value(), self._high.value(), self._steps.value()],
            "asked in scans": list(self.models),
            "as movie": self._as_movie.isChecked(),
        }

    def recall(self, values: dict[str, Any]) -> None:
        """Restore the settings that `remember` returned."""
        if values.get("scanned") in PARAMETERS and len(values.get("range", ())) == 3:
            low, high, steps = values["range"]
            self.choose(values["scanned"], low, high, int(steps))
        check_names(self.model_list, values.get("asked in scans", self.models))
        self._as_movie.setChecked(bool(values.get("as movie", False)))

    def _build_layout(self) -> None:
        form = Form(self)
        form.add("Change", self._parameters, "Property of the cell", page="tutorials/drawing-cells/#scans")
        row = QWidget()
        boxes = QHBoxLayout(row)
        boxes.setContentsMargins(0, 0, 0, 0)
        for box, name in ((self._low, "From"), (self._high, "To")):
            boxes.addWidget(box, 1)
            box.setAccessibleName(name)
        row.setFocusProxy(self._low)
        form.add("From, to", row, "Ends of the range, both included")
        form.add("Cells", self._steps, "How many, evenly spaced from one end to the other")
        form.add("Ask", self.model_list, "Who says how hard the cells pull; several can be compared")
        form.add(
            "Brightness",
            self._as_movie,
            "Normalise the images by the mean brightness of all cells together, as frames of one movie"
            " would be; else each cell by its own, as separate images would be. The exact mechanics do"
            " not see brightness.",
        )
        align_labels(form)

    def _on_parameter(self, index: int = 0) -> None:
        """Offer a range that makes sense."""
        del index
        parameter = self.parameter
        for box, value in ((self._low, parameter.low), (self._high, parameter.high)):
            box.set_limits(0, _LARGEST, unit=parameter.unit, whole=parameter.whole)
            box.setValue(value)
        self.changed.emit()


class ScanRun(QObject):
    """Runs one scan at a time, shows its cells, and keeps the pace.

    Parameters
    ----------
    viewer : ViewerModel
    arrow_style : ArrowStyle
    device, folder
        See `napari_cellforce.scan.scan`.
    parent : QObject, optional

    Signals
    -------
    prepared : Progress
        While models are loaded and cells are drawn in advance.
    stepped : ScanStep
        Another cell is there, and shown.
    ended : bool
        True if all cells are there.
    """

    prepared = Signal(object)
    stepped = Signal(object)
    ended = Signal(bool)

    def __init__(
        self,
        viewer: ViewerModel,
        arrow_style: ArrowStyle,
        device: str,
        folder: str | None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._viewer, self._arrow_style = viewer, arrow_style
        self._device, self._folder = device, folder
        self._view: ScanLayers | None = None
        self._models: tuple[str, ...] = ()
        self._seconds_per_cell: dict[tuple[str, ...], float] = {}
        self._started_at = 0.0
        self._done = 0
        self._job = Job(self)
        self._job.yielded.connect(self._on_record)
        self._job.failed.connect(show_error)
        self._job.ended.connect(self._on_ended)

    @property
    def running(self) -> bool:
        """True from `start` until `ended`."""
        return self._job.running

    @property
    def shown(self) -> bool:
        """True while the cells of the last scan can be scrolled through."""
        return self._view is not None and self._view.shown

    def seconds_per_cell(self, models: tuple[str, ...]) -> float:
        """Return how many seconds a cell took when these were asked last; 0 if they never were."""
        return self._seconds_per_cell.get(models, 0.0)

    def start(self, config: ScanConfig) -> None:
        """Run a scan; its layers take the place of those of an earlier one."""
        self._models, self._started_at, self._done = config.models, time.monotonic(), 0
        self._view = ScanLayers(self._viewer, config, self._arrow_style)
        self._job.start(lambda: scan(config, device=self._device, folder=self._folder))

    def stop(self) -> None:
        """End after the cell that is being computed; those that are done stay."""
        self._job.stop()

    def dispose(self) -> None:
        """Stop, and show nothing more."""
        self._job.cancel()

    def current(self) -> int | None:
        """Return the index of the cell that the viewer shows; None if it shows none of the scan."""
        return None if self._view is None else self._view.current

    def go_to(self, index: int) -> None:
        """Show one of the cells."""
        if self._view is not None:
            self._view.go_to(index)

    def _on_record(self, record: Progress | ScanStep) -> None:
        if isinstance(record, Progress):
            self.prepared.emit(record)
            return
        assert self._view is not None
        self._view.add(record)
        self._done += 1
        self.stepped.emit(record)

    def _on_ended(self, complete: Any) -> None:
        if self._done:
            self._seconds_per_cell[self._models] = (time.monotonic() - self._started_at) / self._done
        self.ended.emit(complete)
