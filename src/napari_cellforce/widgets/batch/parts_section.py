"""Further models, explanations and comparisons with measured fields for every image of a batch."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from napari_cellforce import zoo
from napari_cellforce.batch import BatchConfig
from napari_cellforce.widgets.base.form import Form, collapsible, help_button
from napari_cellforce.widgets.base.setting_rows import SettingRows

_TIP = "Every ticked model predicts all images; the report shows the models side by side"


class BatchModelsSection(QWidget):
    """Check boxes for further models; each predicts every image into its own output folder.

    Parameters
    ----------
    folder : str or None
        Model folder.

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
        """List the available models except the main one.

        Parameters
        ----------
        but : str
        ticked : iterable of str, optional
            Models to tick, listed or not; default: the present ones.
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
        """Replace the check boxes by one for each of these models."""
        for box in self._boxes.values():
            self._column.removeWidget(box)
            box.setParent(None)  # at once; otherwise it would be painted until deleted
        self._boxes = {name: QCheckBox(name) for name in names}
        for box in self._boxes.values():
            box.setToolTip(_TIP)
            box.toggled.connect(lambda _: self.changed.emit())
            self._column.addWidget(box)


_PARTS = {
    "fields": (
        "inner fields",
        "Intermediate fields of the model, such as stiffness and potentials; not for a U-Net",
    ),
    "greens": ("Green's functions", "Only for a Green's-function network (GFNN)"),
    "formula": ("formula", "Formula of a few terms that approximates the model; takes minutes per image"),
    "decomposition": (
        "potentials",
        "Decomposition of the field into gradient and rotation; takes minutes per image",
    ),
    "probes": ("probes", "Response of the model to removing an adhesion in the first frame"),
}

_UNITS = {None: "from the files"} | {unit: unit for unit in ("Pa", "kPa", "nN/µm²", "µm", "nm", "px")}
_POSITIONS = {unit: unit for unit in ("px", "µm", "nm", "m")}


class BatchPartsSection(QWidget):
    """Rows for the parts of an explanation and for the measured fields.

    Signals
    -------
    changed
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._parts = {name: QCheckBox(title) for name, (title, _) in _PARTS.items()}
        self._rows = SettingRows(BatchConfig, self)
        self._rows.changed.connect(self.changed)
        self._build()

    def config(self, base: BatchConfig) -> BatchConfig:
        """Return `base` with the settings of this section."""
        explain = tuple(name for name, box in self._parts.items() if box.isChecked())
        return self._rows.applied_to(dataclasses.replace(base, explain=explain))

    def show_config(self, config: BatchConfig) -> None:
        """Show the settings of a configuration."""
        with QSignalBlocker(self):
            for name, box in self._parts.items():
                box.setChecked(name in config.explain)
            self._rows.show(config)
        if config.explain or config.compare:
            self._collapsible.expand(animate=False)
        self.changed.emit()

    def _build(self) -> None:
        ticks = QWidget()
        grid = QGridLayout(ticks)
        grid.setContentsMargins(0, 0, 0, 0)
        for i, (name, box) in enumerate(self._parts.items()):
            box.setToolTip(_PARTS[name][1])
            box.toggled.connect(lambda _: self.changed.emit())
            grid.addWidget(box, i // 2, i % 2)
        content = QWidget()
        form = Form(content)
        form.addRow(_heading("Explain every prediction by"))
        form.addRow(ticks)
        self._rows.add(form, "compare", page="tutorials/batch/#compare")
        self._rows.add(form, "measured.unit", words=_UNITS)
        form.addRow(self._build_layout())
        self._collapsible = collapsible("Explain and compare")
        self._collapsible.addWidget(content)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._collapsible)

    def _build_layout(self) -> QWidget:
        content = QWidget()
        form = Form(content)
        self._rows.add(form, "measured.position_unit", words=_POSITIONS)
        for name in ("pixel_size", "spacing", "frame_interval", "scale", "swap", "flip_y", "flip_x"):
            self._rows.add(form, f"measured.{name}")
        section = collapsible("More about the measured files")
        section.addWidget(content)
        return section


def _heading(text: str) -> QWidget:
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(QLabel(text), 1)
    layout.addWidget(help_button("explain/", "explanations"))
    return row
