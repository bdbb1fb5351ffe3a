"""What is to be scanned: a property of the cell, its range, and who is asked."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QListWidget,
    QWidget,
)

from napari_cellforce.scan import PARAMETERS, Drawing, Parameter, ScanConfig
from napari_cellforce.widgets.base.form import Form, align, narrow
from napari_cellforce.widgets.base.number_box import NumberBox
from napari_cellforce.widgets.synthetic.force_choice import fill_list, tick, ticked_in

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
        self._parameters = narrow(QComboBox())
        for parameter in PARAMETERS.values():
            self._parameters.addItem(parameter.title, parameter)
        self._parameters.currentIndexChanged.connect(self._on_parameter)
        self._low, self._high = NumberBox(0, _LARGEST), NumberBox(0, _LARGEST)
        self._steps = NumberBox(2, 100, value=8, whole=True)
        for box in (self._low, self._high):
            box.setButtonSymbols(NumberBox.NoButtons)
        for box in (self._low, self._high, self._steps):
            box.valueChanged.connect(lambda _: self.changed.emit())
        self._models = QListWidget()
        self._models.setFixedHeight(96)
        self._models.setHorizontalScrollBarPolicy(Qt.ScrollBarAlwaysOff)
        self._models.itemChanged.connect(lambda _: self.changed.emit())
        self._as_movie = QCheckBox("as in one movie")
        self._as_movie.toggled.connect(lambda _: self.changed.emit())
        self._lay_out()
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
        return ticked_in(self._models)

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
        fill_list(self._models, self._folder)

    def reset(self) -> None:
        """Go back to the first settings."""
        tick(self._models, ("sheet",))
        self._parameters.setCurrentIndex(0)
        self._on_parameter()
        self._steps.setValue(8)
        self._as_movie.setChecked(False)

    def choose(self, parameter: str, low: float, high: float, steps: int) -> None:
        """Set what is scanned."""
        self._parameters.setCurrentIndex(list(PARAMETERS).index(parameter))
        for box, value in ((self._low, low), (self._high, high), (self._steps, steps)):
            box.setValue(value)

    def remember(self) -> dict[str, Any]:
        """Return what is kept between sessions."""
        return {
            "scanned": self.parameter.name,
            "range": [self._low.value(), self._high.value(), self._steps.value()],
            "asked in scans": list(self.models),
            "as movie": self._as_movie.isChecked(),
        }

    def recall(self, values: dict[str, Any]) -> None:
        """Set what `remember` returned."""
        if values.get("scanned") in PARAMETERS and len(values.get("range", ())) == 3:
            low, high, steps = values["range"]
            self.choose(values["scanned"], low, high, int(steps))
        tick(self._models, values.get("asked in scans", self.models))
        self._as_movie.setChecked(bool(values.get("as movie", False)))

    def _lay_out(self) -> None:
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
        form.add("Ask", self._models, "Who says how hard the cells pull; several can be compared")
        form.add(
            "Brightness",
            self._as_movie,
            "Normalise the images by the mean brightness of all cells together, as frames of one movie"
            " would be; else each cell by its own, as separate images would be. The exact mechanics do"
            " not see brightness.",
        )
        align(form)

    def _on_parameter(self, index: int = 0) -> None:
        """Offer a range that makes sense."""
        del index
        parameter = self.parameter
        for box, value in ((self._low, parameter.low), (self._high, parameter.high)):
            box.set_limits(0, _LARGEST, unit=parameter.unit, whole=parameter.whole)
            box.setValue(value)
        self.changed.emit()
