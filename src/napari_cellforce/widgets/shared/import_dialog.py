"""Dialog for opening a field of another program: units and orientation, with a preview of the arrows."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyqtgraph as pg
from napari.components import ViewerModel
from napari.layers import Image
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from napari_cellforce.errors import CellForceError, CellForceWarning
from napari_cellforce.fields import PixelSize, VectorField
from napari_cellforce.io.field import is_field
from napari_cellforce.io.measured import MeasuredLayout, read_measured
from napari_cellforce.layers import Arrows, ArrowStyle
from napari_cellforce.tfm import check_direction
from napari_cellforce.viewer.coordinates import pixel_size_of
from napari_cellforce.viewer.images import input_images
from napari_cellforce.viewer.masks import full_resolution
from napari_cellforce.widgets.base.form import Form, TextLine, Tone
from napari_cellforce.widgets.base.hints import with_row
from napari_cellforce.widgets.base.number_box import NumberBox
from napari_cellforce.widgets.base.plots import disable_interaction
from napari_cellforce.widgets.base.preferences import Memory
from napari_cellforce.widgets.base.worker import Job, show_error
from napari_cellforce.widgets.shared.measured_fields import origin_of

_SIDE = 340
"""Pixels."""


class ArrowPreview(pg.PlotWidget):
    """Arrows of the first frame over the image, with axes in micrometres."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAspectLocked(True)
        self.invertY(True)
        self.setLabel("bottom", "x [µm]")
        self.setLabel("left", "y [µm]")
        disable_interaction(self)
        self.setFixedSize(_SIDE, _SIDE)
        self.setAccessibleName("First arrows over the image")

    def draw(self, field: VectorField, image: Image | None) -> None:
        """Draw a field over the first frame of an image, if its pixel size is known."""
        self.clear()
        if image is not None and pixel_size_of(image) is not None:
            self._draw_image(image)
        arrows = Arrows.of(np.nan_to_num(np.asarray(field.data[:1])))
        data, _, _ = arrows.to_vectors(ArrowStyle(threshold=0.1 * arrows.reference), 2)
        size, origin = field.pixel_size.micron, np.array(origin_of(field))
        starts, ends = ((p + 0.5) * size + origin for p in (data[:, 0], data[:, 0] + data[:, 1]))
        lines = np.stack([starts, ends], axis=1).reshape(-1, 2)
        self.plot(lines[:, 1], lines[:, 0], connect="pairs", pen=pg.mkPen("#4dd0e1", width=1.5))
        tips = {"symbol": "o", "symbolSize": 4, "symbolBrush": "#ffca28", "symbolPen": None}
        self.plot(ends[:, 1], ends[:, 0], pen=None, **tips)
        self.autoRange()

    def _draw_image(self, layer: Image) -> None:
        plane = full_resolution(layer)[0] if layer.ndim == 3 else full_resolution(layer)
        coarse = max(1, min(plane.shape) // _SIDE)  # no finer than it is shown
        pixels = np.asarray(plane[::coarse, ::coarse], dtype=float)
        size = pixel_size_of(layer)
        assert size is not None
        item = pg.ImageItem(pixels, axisOrder="row-major", levels=tuple(layer.contrast_limits))
        item.setRect(0, 0, plane.shape[1] * size.x, plane.shape[0] * size.y)
        self.addItem(item)


_FILES = "Fields (*.ome.tif *.tif *.tiff *.npy *.txt *.csv *.tsv *.dat *.mat);;All files (*)"
_MEMORY = "import"
_PAGE = "tutorials/beads/#measured-with-another-program"
_DEBOUNCE = 250
"""Milliseconds without a change before the file is read again."""


def open_field(
    parent: QWidget | None, viewer: ViewerModel, memory: Memory, paths: Sequence[str] = ()
) -> tuple[VectorField, tuple[Image, PixelSize] | None] | None:
    """Ask for files (unless `paths` are given) and what they do not say; None if that is called off.

    Returns
    -------
    tuple
        The field, and the image it lies on with its pixel size, where the user has chosen one.
    """
    chosen = list(paths) or QFileDialog.getOpenFileNames(parent, "Open a measured field", "", _FILES)[0]
    if not chosen:
        return None
    try:
        if len(chosen) == 1 and is_field(Path(chosen[0])):
            return read_measured(chosen[0]), None
    except CellForceError as error:
        show_error(error)
        return None
    dialog = ImportDialog(chosen, viewer, memory, parent)
    accepted = dialog.exec() == QDialog.Accepted
    field, image = dialog.field, dialog.image
    dialog.deleteLater()
    return (field, image) if accepted and field is not None else None


class ImportDialog(QDialog):
    """Units, pixel size and orientation of a file, with a preview of the first frame over the image.

    The settings are stored for the folder of the file.

    Parameters
    ----------
    paths : sequence of str
    viewer : ViewerModel
        Its images are offered as the one that the field was measured on.
    memory : Memory
    parent : QWidget, optional
    """

    def __init__(
        self, paths: Sequence[str], viewer: ViewerModel, memory: Memory, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._paths, self._memory = list(paths), memory
        self.images = QComboBox()
        for layer in input_images(viewer):
            self.images.addItem(layer.name, layer)
        self.images.addItem("none of the open images", None)
        active = self.images.findData(viewer.layers.selection.active)
        self.images.setCurrentIndex(max(active, 0))
        self.field: VectorField | None = None
        self.setWindowTitle(f"Open {Path(paths[0]).name}")
        self.message = TextLine()
        self._debounce = QTimer(self)
        self._debounce.setSingleShot(True)
        self._debounce.setInterval(_DEBOUNCE)
        self._debounce.timeout.connect(self.read)
        self._job = Job(self)
        self._job.yielded.connect(self._on_read)
        self._job.failed.connect(self._on_failed)
        columns = QHBoxLayout()
        columns.addLayout(self._build_form(), 1)
        self._preview = ArrowPreview(self)
        columns.addWidget(self._preview)
        self._buttons = QDialogButtonBox(QDialogButtonBox.Open | QDialogButtonBox.Cancel)
        self._buttons.accepted.connect(self.accept)
        self._buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(
            QLabel("Metadata that the file does not contain. Check the preview: cells pull inward.")
        )
        layout.addLayout(columns)
        layout.addWidget(self.message)
        layout.addWidget(self._buttons)
        self._recall()
        self.read()

    @property
    def image(self) -> tuple[Image, PixelSize] | None:
        """The image that the field lies on, and its pixel size; None where that is not known."""
        layer: Image | None = self.images.currentData()
        size = None if layer is None else pixel_size_of(layer)
        return None if layer is None or size is None else (layer, size)

    @property
    def file_layout(self) -> MeasuredLayout:
        """The entered layout of the file."""
        return MeasuredLayout(
            unit=self.unit_list.currentData(),
            position_unit=self._position.currentData(),
            pixel_size=self.pixel_size.value() or None,
            spacing=self._spacing.value() or None,
            swap=self._swap.isChecked(),
            flip_y=self.flip_y.isChecked(),
            flip_x=self.flip_x.isChecked(),
            scale=self._scale.value(),
        )

    @property
    def reading(self) -> bool:
        """True while the file is being read."""
        return self._job.running or bool(self._debounce.isActive())

    def read(self) -> None:
        """Read the file with the entered layout, off the GUI thread."""
        self._debounce.stop()
        self.field = None
        paths, layout = self._paths, self.file_layout
        self.message.set_text("Reading …")
        self._buttons.button(QDialogButtonBox.Open).setEnabled(False)
        self._job.start(lambda: iter([read_with_warnings(paths, layout)]))

    def done(self, result: int) -> None:
        """Close the dialog and cancel reading."""
        self._debounce.stop()
        self._job.cancel()
        super().done(result)

    def _on_read(self, found: tuple[VectorField, str, str]) -> None:
        self.field, warning_texts, words = found
        self.message.set_text(warning_texts or words, Tone.PROBLEM if warning_texts else Tone.GOOD)
        self._preview.draw(self.field, self.images.currentData())
        self._buttons.button(QDialogButtonBox.Open).setEnabled(True)

    def _on_failed(self, error: Exception) -> None:
        self._preview.clear()
        if isinstance(error, CellForceError):
            self.message.set_text(with_row(error, self), Tone.PROBLEM)
        else:
            show_error(error)

    def accept(self) -> None:
        """Store the settings for this folder and close."""
        folder = str(Path(self._paths[0]).parent)
        known = self._memory.recall(_MEMORY)
        self._memory.remember(_MEMORY, {**known, folder: dataclasses.asdict(self.file_layout)})
        super().accept()

    def _build_form(self) -> Form:
        self.unit_list, self._position = QComboBox(), QComboBox()
        self.unit_list.addItem("from the file", None)
        for unit in ("Pa", "kPa", "nN/µm²", "µm", "nm", "px"):
            self.unit_list.addItem(unit, unit)
        for unit in ("px", "µm"):
            self._position.addItem(unit, unit)
        self.pixel_size, self._spacing = (NumberBox(0, 1000, unit="µm", empty="not known") for _ in range(2))
        self._scale = NumberBox(1e-6, 1e6, value=1)
        self._swap = QCheckBox("first component is y")
        self.flip_y, self.flip_x = QCheckBox("flip y"), QCheckBox("flip x")
        form = Form()
        form.add("Measured on", self.images, "The field is laid over this image, corner on corner")
        self.images.currentIndexChanged.connect(lambda _: self._debounce.start())
        form.add("Unit of vectors", self.unit_list, "Pa for traction, µm or px for displacement", page=_PAGE)
        form.add("Positions in", self._position, "Unit of the columns x and y of a table")
        form.add("Pixel", self.pixel_size, "Pixel size of the image, for quantities in pixels")
        form.add("Spacing", self._spacing, "Distance between vectors, for arrays without positions")
        form.add("Scale", self._scale, "Factor that multiplies the vectors")
        for box in (self._swap, self.flip_y, self.flip_x):
            form.addRow("", box)
            box.toggled.connect(lambda _: self._debounce.start())
        for combo in (self.unit_list, self._position):
            combo.currentIndexChanged.connect(lambda _: self._debounce.start())
        for spin in (self.pixel_size, self._spacing, self._scale):
            spin.valueChanged.connect(lambda _: self._debounce.start())
        return form

    def _recall(self) -> None:
        """Fill in the settings stored for this folder, else the pixel size of the image."""
        size = self.image[1] if self.image is not None else None
        usual = dataclasses.asdict(MeasuredLayout(pixel_size=size.y if size else None))
        known: dict[str, Any] = self._memory.recall(_MEMORY).get(str(Path(self._paths[0]).parent), {})
        values = {**usual, **known}
        self.unit_list.setCurrentIndex(max(self.unit_list.findData(values["unit"]), 0))
        self._position.setCurrentIndex(max(self._position.findData(values["position_unit"]), 0))
        self.pixel_size.setValue(values["pixel_size"] or 0)
        self._spacing.setValue(values["spacing"] or 0)
        self._scale.setValue(values["scale"])
        for box, name in ((self._swap, "swap"), (self.flip_y, "flip_y"), (self.flip_x, "flip_x")):
            box.setChecked(bool(values[name]))
        self._debounce.stop()


def read_with_warnings(paths: Sequence[str], layout: MeasuredLayout) -> tuple[VectorField, str, str]:
    """Return a field, the warnings about it, and a summary in one line."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", CellForceWarning)
        field = read_measured(paths[0] if len(paths) == 1 else paths, layout)
    warning_texts = [str(w.message) for w in caught if issubclass(w.category, CellForceWarning)]
    first = np.nan_to_num(np.asarray(field.data[0]))
    known = np.ones(first.shape[1:], bool) if field.mask is None else np.asarray(field.mask[0])
    if known.any():
        warning_texts.append(check_direction(first, known, field.pixel_size))
    return field, " ".join(text for text in warning_texts if text), summary(field)


def summary(field: VectorField) -> str:
    """Return a summary of a field in one line."""
    frames, _, height, width = field.data.shape
    movie = f"{frames} frames of " if frames > 1 else ""
    top = float(np.nanpercentile(np.hypot(*np.asarray(field.data[0])), 99))
    return (
        f"{field.quantity.capitalize()}: {movie}{height} x {width} vectors, "
        f"{field.pixel_size.micron:.3g} µm apart, 99th percentile {top:.3g} {field.unit}."
    )
