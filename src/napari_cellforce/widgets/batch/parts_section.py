"""What is done with every image besides predicting it: explaining, and comparing with a measured field."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from napari_cellforce import zoo
from napari_cellforce.batch import BatchConfig
from napari_cellforce.io.measured import MeasuredLayout
from napari_cellforce.widgets.base.form import Form, collapsible, help_button, shrinkable_combo
from napari_cellforce.widgets.base.number_box import NumberBox

_TIP = "Every ticked model predicts all images too; the report sets them side by side"


class BatchModelsSection(QWidget):
    """Models to tick; each predicts every image, and has its own folder of results.

    Parameters
    ----------
    folder : str or None
        Of the models.

    Signals
    -------
    changed
    """

    changed = Signal()

    def __init__(self, folder: str | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._folder = folder
        self._boxes: dict[str, QCheckBox] = {}
        content = QWidget()
        self._column = QVBoxLayout(content)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._collapsible = collapsible("More models")
        self._collapsible.addWidget(content)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._collapsible)

    @property
    def chosen(self) -> tuple[str, ...]:
        """Names of the ticked models."""
        return tuple(name for name, box in self._boxes.items() if box.isChecked())

    def list_models(self, but: str, ticked: Iterable[str] | None = None) -> None:
        """List what is on this computer, but the model that is chosen anyway.

        Parameters
        ----------
        but : str
        ticked : iterable of str, optional
            What is to be ticked, listed or not; by default what is now.
        """
        chosen = self.chosen if ticked is None else tuple(ticked)
        here = [e.name for e in zoo.entries(folder=self._folder) if zoo.is_available(e.name, self._folder)]
        names = [name for name in dict.fromkeys((*here, *chosen)) if name != but]
        if names != list(self._boxes):
            self._list(names)
        for name, box in self._boxes.items():
            with QSignalBlocker(box):
                box.setChecked(name in chosen)
        if chosen and ticked is not None:
            self._collapsible.expand(animate=False)

    def _list(self, names: list[str]) -> None:
        """Put a box for each of these models in the place of the former ones."""
        for box in self._boxes.values():
            self._column.removeWidget(box)
            box.setParent(None)  # at once: deleted later, it would still be painted
        self._boxes = {name: QCheckBox(name) for name in names}
        for box in self._boxes.values():
            box.setToolTip(_TIP)
            box.toggled.connect(lambda _: self.changed.emit())
            self._column.addWidget(box)


_PARTS = {
    "fields": ("inner fields", "What the model computes on the way: stiffness, potentials; not of a U-Net"),
    "greens": ("Green's functions", "Only of a Green's-function network (GFNN)"),
    "formula": ("formula", "A few terms that say nearly the same as the model; takes minutes an image"),
    "decomposition": (
        "potentials",
        "The field taken apart into gradient and rotation; takes minutes an image",
    ),
    "probes": ("probes", "What the model answers when an adhesion is taken out of the first frame"),
}

_UNITS = ("", "Pa", "kPa", "nN/µm²", "µm", "nm", "px")
_POSITIONS = ("px", "µm", "nm", "m")


class BatchPartsSection(QWidget):
    """Ticks for the parts of an explanation, and where the measured fields are.

    Signals
    -------
    changed
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._parts = {name: QCheckBox(title) for name, (title, _) in _PARTS.items()}
        self._pattern = QLineEdit()
        self._pattern.setPlaceholderText("compare with nothing")
        self._unit, self._positions = shrinkable_combo(QComboBox()), shrinkable_combo(QComboBox())
        for unit in _UNITS:
            self._unit.addItem(unit or "from the files", unit or None)
        self._positions.addItems(_POSITIONS)
        self._pixel, self._spacing = (NumberBox(0, 1000, unit="µm", empty="from the files") for _ in range(2))
        self._interval = NumberBox(0, 1e5, unit="min", empty="from the files")
        self._scale = NumberBox(1e-6, 1e6, value=1)
        self._turns = {
            "swap": QCheckBox("first component is along y"),
            "flip_y": QCheckBox("y points up"),
            "flip_x": QCheckBox("x points left"),
        }
        self._build()
        self._connect()

    def config(self, base: BatchConfig) -> BatchConfig:
        """Return `base` with what is chosen here."""
        measured = MeasuredLayout(
            unit=self._unit.currentData(),
            position_unit=self._positions.currentText(),
            pixel_size=self._pixel.value() or None,
            spacing=self._spacing.value() or None,
            frame_interval=self._interval.value() or None,
            scale=self._scale.value(),
            **{name: box.isChecked() for name, box in self._turns.items()},
        )
        return dataclasses.replace(
            base,
            explain=tuple(name for name, box in self._parts.items() if box.isChecked()),
            compare=self._pattern.text().strip(),
            measured=measured,
        )

    def show_config(self, config: BatchConfig) -> None:
        """Set everything from a config."""
        measured = config.measured
        with QSignalBlocker(self):
            for name, box in self._parts.items():
                box.setChecked(name in config.explain)
            self._pattern.setText(config.compare)
            _choose(self._unit, measured.unit or "", measured.unit)
            _choose(self._positions, measured.position_unit, measured.position_unit)
            self._pixel.setValue(measured.pixel_size or 0)
            self._spacing.setValue(measured.spacing or 0)
            self._interval.setValue(measured.frame_interval or 0)
            self._scale.setValue(measured.scale)
            for name, box in self._turns.items():
                box.setChecked(getattr(measured, name))
        if config.explain or config.compare:
            self._collapsible.expand(animate=False)
        self.changed.emit()

    def _build(self) -> None:
        ticks = QWidget()
        grid = QGridLayout(ticks)
        grid.setContentsMargins(0, 0, 0, 0)
        for i, (name, box) in enumerate(self._parts.items()):
            box.setToolTip(_PARTS[name][1])
            grid.addWidget(box, i // 2, i % 2)
        content = QWidget()
        form = Form(content)
        form.addRow(_heading("Explain every prediction by its"))
        form.addRow(ticks)
        form.add(
            "Measured",
            self._pattern,
            "Measured field of each image, * standing for its name: ../tfm/*_traction.csv",
            page="tutorials/batch/#compare",
        )
        form.add("Unit", self._unit, "Of the measured vectors, if the files do not say")
        form.addRow(self._build_layout())
        self._collapsible = collapsible("Explain and compare")
        self._collapsible.addWidget(content)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._collapsible)

    def _build_layout(self) -> QWidget:
        content = QWidget()
        form = Form(content)
        form.add("Positions", self._positions, "Unit of x and y in the measured files")
        form.add("Pixel", self._pixel, "Side of a pixel, for what is in pixels in the measured files")
        form.add("Spacing", self._spacing, "Distance of the vectors, for files without positions")
        form.add("Interval", self._interval, "Time between the measured frames")
        form.add("Scale", self._scale, "The measured vectors are multiplied by it")
        for box in self._turns.values():
            form.addRow("", box)
        section = collapsible("More about the measured files")
        section.addWidget(content)
        return section

    def _connect(self) -> None:
        for box in (*self._parts.values(), *self._turns.values()):
            box.toggled.connect(lambda _: self.changed.emit())
        self._pattern.editingFinished.connect(self.changed)
        for combo in (self._unit, self._positions):
            combo.currentIndexChanged.connect(lambda _: self.changed.emit())
        for number in (self._pixel, self._spacing, self._interval, self._scale):
            number.valueChanged.connect(lambda _: self.changed.emit())


def _heading(text: str) -> QWidget:
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(QLabel(text), 1)
    layout.addWidget(help_button("explain/", "explanations"))
    return row


def _choose(combo: QComboBox, text: str, data: str | None) -> None:
    """Choose an entry, which is added if a file or a script has chosen what is not in the list."""
    if combo.findText(text) < 0 and text:
        combo.addItem(text, data)
    combo.setCurrentIndex(max(combo.findText(text), 0))
