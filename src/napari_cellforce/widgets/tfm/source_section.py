"""Inputs of a measurement: bead images, a displacement, or a traction."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Labels, Layer, Shapes
from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QComboBox, QPushButton, QVBoxLayout, QWidget

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import ImageStack, PixelSize, Progress, Substrate, VectorField
from napari_cellforce.layers import LayerLabel, LayerTuple, Placement, image_layers
from napari_cellforce.physics.halfspace import displacement
from napari_cellforce.synthetic import CellConfig, Shape, SheetMechanics, simulate
from napari_cellforce.synthetic.beads import BeadConfig, bead_pair
from napari_cellforce.tfm import TfmConfig, TfmJob, piv_window, prepare
from napari_cellforce.viewer.coordinates import pixel_size_of
from napari_cellforce.viewer.images import input_images, stack_of
from napari_cellforce.viewer.masks import cells_mask, full_resolution, mask_layers
from napari_cellforce.viewer.workspace import Workspace
from napari_cellforce.widgets.base.form import Form, shrinkable_combo
from napari_cellforce.widgets.base.number_box import NumberBox
from napari_cellforce.widgets.shared.layer_choice import LayerChoice
from napari_cellforce.widgets.shared.measured_fields import displayed_fields

BEADS, DISPLACEMENT_FIELD, TRACTION_FIELD = KINDS = ("bead images", "displacement", "traction")
_PAGE = "tutorials/measure/"


class TfmSourceSection(QWidget):
    """Rows for the layers from which a traction is measured.

    Signals
    -------
    changed
    opened
        The button for opening a displacement or traction was pressed.
    """

    changed = Signal()
    opened = Signal()

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._viewer = viewer
        self._workspace = Workspace.of(viewer)
        self.kind_list = shrinkable_combo(QComboBox())
        self.kind_list.addItems(list(KINDS))
        self._reference = LayerChoice(viewer, lambda layer: layer in input_images(viewer), self)
        self._loaded = LayerChoice(viewer, lambda layer: layer in input_images(viewer), self)
        self._pixel = NumberBox(0, 100, unit="µm", empty="type it in")
        self._window = NumberBox(0, 1000, unit="µm", empty="from the file, or none")
        self._cell = shrinkable_combo(QComboBox())
        self._field = shrinkable_combo(QComboBox())
        self.open_button = QPushButton("Open …")
        self.open_button.setToolTip("A file of this or another program")
        self.open_button.clicked.connect(self.opened)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._build())
        self._workspace.layers_changed.connect(self.fill)
        self._workspace.layer_changed.connect(self._on_layer)
        self._loaded.changed.connect(self._on_loaded)
        self._reference.changed.connect(self.changed)
        self.kind_list.currentIndexChanged.connect(self._on_kind)
        for combo in (self._cell, self._field):
            combo.currentIndexChanged.connect(lambda _: self.changed.emit())
        self._window.valueChanged.connect(lambda _: self.changed.emit())
        self._pixel.valueChanged.connect(self._on_pixel_size)
        self.fill()
        self._on_loaded()
        self._on_kind()

    @property
    def kind(self) -> str:
        """Kind of input, one of `KINDS`."""
        return str(self.kind_list.currentText())

    @property
    def displacement(self) -> VectorField | None:
        """The chosen displacement."""
        chosen: VectorField | None = self._field.currentData()
        return chosen

    @property
    def window(self) -> float:
        """Window side of the chosen displacement, in grid spacings; 0 if vectors are independent."""
        field = self.displacement
        if field is None:
            return 0.0
        return self._window.value() / field.pixel_size.micron or piv_window(field)

    @property
    def key(self) -> Hashable:
        """Key that changes with the chosen images and their content."""
        if self.kind != BEADS:
            return self.displacement, self._window.value()
        return tuple(self._workspace.state(layer) for layer in (self._reference.layer, self._loaded.layer))

    @property
    def place(self) -> Hashable:
        """Key that changes with pixel size and cell mask."""
        return (self._pixel.value(), self._workspace.state(self.cell)) if self.kind == BEADS else None

    def choose(self, reference: Image, loaded: Image) -> None:
        """Choose two layers of bead images."""
        self._reference.choose(reference)
        self._loaded.choose(loaded)

    def choose_cell(self, layer: Labels | Shapes) -> None:
        """Choose the layer with the cell mask."""
        self._cell.setCurrentIndex(self._cell.findData(layer))

    def problem(self) -> CellForceError | None:
        """Return the reason why nothing can be measured, or None."""
        pair = (self._reference.layer, self._loaded.layer)
        if self.kind == BEADS and (None in pair or pair[0] is pair[1]):
            return CellForceError(
                "No two bead images are open",
                "displacements are measured between the gel at rest and the gel deformed by the cell",
                "Open both, then choose them above.",
                topic=Topic.REFERENCE,
            )
        if self.kind == BEADS and not self._pixel.value():
            return CellForceError(
                "The image has no pixel size", "tractions depend on it", "Enter it.", topic=Topic.PIXEL_SIZE
            )
        if self.kind == DISPLACEMENT_FIELD and self.displacement is None:
            return CellForceError(
                "No displacement is open", "tractions are computed from it", 'Press "Open …".'
            )
        return None

    def job(self, config: TfmConfig) -> Callable[[], TfmJob]:
        """Return a function that creates the job for the chosen bead images.

        It reads the images: call it in a thread. It raises `CellForceError` if they cannot be measured.
        """
        reference: Any = self._reference.layer
        loaded: Any = self._loaded.layer
        cell, size = self._cell.currentData(), self._pixel.value()

        def prepared() -> TfmJob:
            stack = stack_of([loaded])
            rest = full_resolution(reference)
            beads = np.asarray(rest[0] if rest.ndim == 3 else rest)
            mask = None if cell is None else cells_mask(cell, loaded)
            pixel_size, own_size = PixelSize.square(size), pixel_size_of(reference)
            return prepare(beads, stack, config, mask=mask, pixel_size=pixel_size, reference_size=own_size)

        return prepared

    @property
    def cell(self) -> Labels | Shapes | None:
        """The layer with the cell mask."""
        chosen: Labels | Shapes | None = self._cell.currentData()
        return chosen

    @property
    def loaded_image(self) -> tuple[Image, PixelSize] | None:
        """The loaded beads and the pixel size that is taken for them; None where there are none."""
        layer, side = self._loaded.layer, self._pixel.value()
        return (layer, PixelSize.square(side)) if isinstance(layer, Image) and side else None

    def fill(self) -> None:
        """List masks and displacements of the viewer; the selection is kept."""
        layers = mask_layers(self._viewer)
        _refill(self._cell, [("not known", None), *((layer.name, layer) for layer in layers)])
        fields = [shown for shown in displayed_fields(self._viewer) if shown.field.quantity == "displacement"]
        _refill(self._field, [(shown.title, shown.field) for shown in fields])
        self.changed.emit()

    def dispose(self) -> None:
        """Disconnect from the viewer."""
        self._workspace.layers_changed.disconnect(self.fill)
        self._workspace.layer_changed.disconnect(self._on_layer)
        self._reference.dispose()
        self._loaded.dispose()

    def _build(self) -> QWidget:
        form = Form()
        form.add("I have", self.kind_list, "Kind of input data", page=_PAGE)
        beads = (
            ("Reference", self._reference.combo, "Beads at rest, after the cell was removed"),
            ("Loaded", self._loaded.combo, "The same beads, displaced by the cell"),
            ("Pixel", self._pixel, "Pixel size of the bead images"),
        )
        window = "Side of the PIV windows of the measurement: noise of neighbouring vectors is correlated"
        field = (
            ("Displacement", self._field, "Displacement in µm, opened from a file"),
            ("Windows", self._window, window),
        )
        self._rows = {
            kind: [(form.add(*row), row[1]) for row in rows]
            for kind, rows in ((BEADS, beads), (DISPLACEMENT_FIELD, field))
        }
        form.add("Cell", self._cell, "Cell mask: forces are summed inside; noise is estimated outside")
        form.addRow("", self.open_button)
        box = QWidget()
        box.setLayout(form)
        return box

    def _on_kind(self, index: int = 0) -> None:
        del index
        for kind, rows in self._rows.items():
            for label, control in rows:
                label.setVisible(kind == self.kind)
                control.setVisible(kind == self.kind)
        self.open_button.setVisible(self.kind != BEADS)
        self.changed.emit()

    def _on_layer(self, layer: Layer, what: str) -> None:
        """Show the pixel size of the beads as it is now; what was measured before may be out of date."""
        del what
        if layer is self._loaded.layer:
            self._on_loaded()
        elif layer in (self._reference.layer, self.cell):
            self.changed.emit()

    def _on_pixel_size(self, value: float) -> None:
        """Give the beads the pixel size that was typed, so that scale bar and other panels have it too."""
        layer = self._loaded.layer
        if value and layer is not None:
            self._workspace.set_pixel_size(layer, value)
        else:
            self.changed.emit()

    def _on_loaded(self) -> None:
        """Set the pixel size of the loaded image, and choose another image as reference."""
        layer = self._loaded.layer
        size = pixel_size_of(layer) if layer is not None else None
        with QSignalBlocker(self._pixel):
            if layer is not None:
                self._pixel.setValue(size.y if size else 0)
        others = [other for other in input_images(self._viewer) if other is not layer]
        if self._reference.layer is layer and others:
            self._reference.choose(others[0])
        self.changed.emit()


def _refill(combo: QComboBox, entries: list[tuple[str, Any]]) -> None:
    chosen = combo.currentData()
    with QSignalBlocker(combo):
        combo.clear()
        for text, data in entries:
            combo.addItem(text, data)
        known = [i for i, (_, data) in enumerate(entries) if data is chosen]
        combo.setCurrentIndex(known[0] if known else 0)


GEL = Substrate(8000.0, 0.48)
_PIXEL, _SIDE = 0.25, 384
_DRIFT = (1.25, -0.75)
"""Drift (y, x) in µm: 5 and -3 pixels."""


def sample_beads(seed: int = 1) -> Iterator[Progress | list[LayerTuple]]:
    """Yield progress, then layers: protein, beads at rest and displaced, and the cell mask."""
    yield Progress("Simulating a cell", 0, 2)
    cell = simulate(
        CellConfig(
            shape=Shape("spread", area=2500.0),
            mechanics=SheetMechanics(),
            side=_SIDE,
            pixel_size=_PIXEL,
        ),
        seed,
    )
    assert cell.traction is not None
    yield Progress("Drawing its beads", 1, 2)
    moved = displacement(cell.traction.data[0], _PIXEL, GEL.young, GEL.poisson, padding=1)
    beads = bead_pair(moved, BeadConfig(pixel_size=_PIXEL), drift=_DRIFT, seed=seed)
    size = PixelSize.square(_PIXEL)
    layers = image_layers(replace(cell.image, frame_interval=None))
    for name, image in (("reference", beads.reference), ("loaded", beads.loaded)):
        layers += image_layers(ImageStack(image[None, None], ("beads",), size, name=name))
    mask = np.asarray(cell.mask.data[0]).astype(np.uint8)
    place = Placement((1.0, _PIXEL, _PIXEL), units=("pixel", "micrometer", "micrometer"), ndim=2)
    label = LayerLabel("cell")
    attributes = {**place.attributes, "name": "cell mask", "opacity": 0.3, "visible": False}
    yield [*layers, (mask, {**attributes, "metadata": label.metadata("mask")}, "labels")]
