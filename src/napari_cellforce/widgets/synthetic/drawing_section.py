"""Everything that decides how a synthetic cell looks, and the cell, drawn again after every change."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from napari.components import ViewerModel
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget
from scipy import ndimage
from skimage.measure import label

from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import BoolArray
from napari_cellforce.scan import Drawing
from napari_cellforce.synthetic import Camera, CellConfig, SyntheticCell
from napari_cellforce.widgets.base.form import Form, TextLine, Tone, align_labels, collapsible
from napari_cellforce.widgets.base.number_box import NumberBox
from napari_cellforce.widgets.base.slider import NumberSlider
from napari_cellforce.widgets.base.worker import DebouncedWorker, show_error
from napari_cellforce.widgets.synthetic.adhesion_section import AdhesionSection
from napari_cellforce.widgets.synthetic.outline_section import OutlineSection
from napari_cellforce.widgets.synthetic.shape_conversion import paint_layer


class MicroscopeSection(QWidget):
    """Settings that belong to the picture, not to the cell.

    Signals
    -------
    changed
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(self._build_chance())
        layout.addWidget(self._build_microscope())

    @property
    def seed(self) -> int:
        """Of the cell."""
        return int(self._seed.value())

    @property
    def pixel_size(self) -> float:
        """In µm."""
        return float(self._pixel.value())

    @property
    def side(self) -> int:
        """Of the image in pixels."""
        return int(self._side.value())

    def applied(self, config: CellConfig) -> CellConfig:
        """Return settings with this section's in them."""
        return dataclasses.replace(
            config,
            pixel_size=self.pixel_size,
            side=self.side,
            expression=self._expression.value,
            camera=Camera(exposure=self.exposure.value),
        )

    def reset(self) -> None:
        """Restore the default settings."""
        default = CellConfig()
        self._seed.setValue(0)
        self._pixel.setValue(default.pixel_size)
        self._side.setValue(default.side)
        self._expression.reset()
        self.exposure.reset()

    def remember(self) -> dict[str, Any]:
        """Return the settings that are stored between sessions."""
        return {
            "seed": self.seed,
            "pixel": self.pixel_size,
            "side": self.side,
            "expression": self._expression.value,
            "exposure": self.exposure.value,
        }

    def recall(self, values: dict[str, Any]) -> None:
        """Restore the settings that `remember` returned."""
        for box, name in ((self._seed, "seed"), (self._pixel, "pixel"), (self._side, "side")):
            box.setValue(values.get(name, box.value()))
        for slider, name in ((self._expression, "expression"), (self.exposure, "exposure")):
            slider.set_value(float(values.get(name, slider.value)))

    def _build_chance(self) -> Form:
        self._seed = NumberBox(0, 99999, whole=True)
        self._seed.valueChanged.connect(lambda _: self.changed.emit())
        another = QPushButton("Another")
        another.setToolTip("Draw another cell of the same kind")
        another.clicked.connect(lambda: self._seed.setValue(self.seed + 1))
        form = Form()
        form.add(
            "Cell no.", self._seed, "What the rules leave to chance; the same number, the same cell",
            beside=another,
        )  # fmt: skip
        align_labels(form)
        return form

    def _build_microscope(self) -> QWidget:
        default = CellConfig()
        self._pixel = NumberBox(0.05, 5.0, value=default.pixel_size, unit="µm", step=0.01)
        self._side = NumberBox(32, 2048, value=default.side, unit="pixels", whole=True, step=64)
        for box in (self._pixel, self._side):
            box.valueChanged.connect(lambda _: self.changed.emit())
        self._expression = NumberSlider(0.1, 5, default.expression, "", 2)
        self.exposure = NumberSlider(5, 1000, default.camera.exposure, "e⁻", 0)
        for slider in (self._expression, self.exposure):
            slider.changed.connect(self.changed)
        content = QWidget()
        form = Form(content)
        form.add("Pixel", self._pixel, "Side of a pixel on the sample")
        form.add("Image", self._side, "Height and width of the image")
        form.add("Protein", self._expression, "Amount of fluorescent protein in the cell; 1 is typical")
        form.add("Light", self.exposure, "Electrons per pixel in the cytosol; less light, more noise")
        align_labels(form)
        section = collapsible("Microscope")
        section.addWidget(content)
        # Nothing to go to with Tab while it is folded.
        content.setEnabled(False)
        section.toggled.connect(content.setEnabled)
        return section


class DrawingSection(QWidget):
    """Outline, adhesions and microscope of a synthetic cell.

    Signals
    -------
    changed
        A setting or a stroke.
    drawn
        There is a new `cell`.
    refused
        There is a `problem` with what is to be drawn.
    """

    changed = Signal()
    drawn = Signal()
    rejected = Signal()

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.cell: SyntheticCell | None = None
        self.current_drawing = Drawing()
        self.problem: CellForceError | None = None
        self._started = False
        self.outline = OutlineSection(viewer)
        self.adhesions = AdhesionSection(viewer)
        self.microscope = MicroscopeSection()
        self.note = TextLine()
        self.worker = DebouncedWorker(parent=self)
        self.worker.done.connect(self._on_done)
        self.worker.failed.connect(self._on_failed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for section in self._sections:
            layout.addWidget(section)
            section.changed.connect(self._on_changed)
        layout.insertWidget(1, self.note)
        for section in (self.outline, self.adhesions):
            section.set_source(lambda: self._by_rule().config, lambda: self.cell or self._drawn_by_rule())

    def dispose(self) -> None:
        """Disconnect from the viewer and stop drawing."""
        self.worker.cancel()
        self.outline.dispose()
        self.adhesions.dispose()

    def drawing(self) -> Drawing:
        """Return what the settings and the layers drawn in by hand describe.

        Raises
        ------
        CellForceError
            If something drawn by hand cannot be used.
        """
        by_rule = self._by_rule()
        config, pixel_size = by_rule.config, by_rule.config.pixel_size
        outline = self.outline.drawn(pixel_size)
        # Rules put the cell into the middle of the image.
        middle = np.full(2, (config.side - 1) / 2 * pixel_size)
        adhesions = self.adhesions.drawn(middle if outline is None else outline.centroid, pixel_size)
        return Drawing(config, by_rule.seed, outline, adhesions)

    def draw(self) -> None:
        """Draw the cell off the GUI thread, and from now on again after every change."""
        self._started = True
        try:
            drawing = self.drawing()
        except CellForceError as error:
            self.worker.cancel()
            self._on_failed(error)
            return
        painted = self.outline.painted

        def work() -> tuple[Drawing, SyntheticCell, str]:
            cell = drawing.draw()
            return drawing, cell, check_drawing(cell.mask.frame(0), painted) if drawing.outline else ""

        self.worker.submit(work)

    def paint(self) -> None:
        """Put the outline into a Labels layer to be painted in, and draw the cell with it."""
        cell = self._drawn_by_rule()
        if cell is None:
            return
        layer = paint_layer(cell.image.shape, cell.outline, cell.config.pixel_size)
        self.outline.draw_by_hand(layer, "paint")
        self.draw()

    def reset(self) -> None:
        """Restore the default settings."""
        for section in self._sections:
            section.reset()

    def remember(self) -> dict[str, Any]:
        """Return the settings that are stored between sessions."""
        return {name: value for section in self._sections for name, value in section.remember().items()}

    def recall(self, values: dict[str, Any]) -> None:
        """Restore the settings that `remember` returned."""
        for section in self._sections:
            section.recall(values)

    @property
    def _sections(self) -> tuple[OutlineSection, AdhesionSection, MicroscopeSection]:
        return self.outline, self.adhesions, self.microscope

    def _by_rule(self) -> Drawing:
        """Return the cell of the rules, whatever is drawn by hand."""
        config = CellConfig(shape=self.outline.shape, adhesions=self.adhesions.rule)
        return Drawing(self.microscope.applied(config), self.microscope.seed)

    def _drawn_by_rule(self) -> SyntheticCell | None:
        """Return the cell of the rules; None, and say why, if it cannot be drawn."""
        try:
            return self._by_rule().draw()
        except CellForceError as error:
            self._on_failed(error)
            return None

    def _on_changed(self) -> None:
        if self._started or self.outline.by_hand or self.adhesions.by_hand:
            self.draw()
        self.changed.emit()

    def _on_done(self, drawn: tuple[Drawing, SyntheticCell, str]) -> None:
        self.current_drawing, self.cell, note = drawn
        self.problem = None
        self.note.set_text(note, Tone.PROBLEM)
        self.drawn.emit()

    def _on_failed(self, error: Exception) -> None:
        if isinstance(error, CellForceError):
            self.problem = error
            self.note.set_text("")
            self.rejected.emit()
        else:
            show_error(error)


_PART = 0.01
"""Of a cell's area; less is not worth a word."""


def check_drawing(mask: BoolArray, painted: BoolArray | None = None) -> str:
    """Say what of a cell is left out, or comes apart in the mechanics; empty if nothing is to be said.

    Parameters
    ----------
    mask : (Y, X) bool array
        The cell as it is drawn.
    painted : (Y, X) bool array, optional
        What was painted, on whatever grid.
    """
    notes = []
    if painted is not None:
        pieces = int(label(painted).max())
        if pieces > 1:
            notes.append(f"{pieces} pieces are painted: the largest is the cell.")
        if _holes(painted) > _PART:
            notes.append("Holes are filled: a cell is what its outer edge encloses.")
    parts = _parts(mask)
    if parts > 1:
        notes.append(
            f"Threads of 1 to 2 pixels hold the cell together: the mechanics takes it for {parts} cells."
            " Widen them."
        )
    return " ".join(notes)


def _holes(painted: BoolArray) -> float:
    """Return the area of the holes, relative to what is painted."""
    return float(ndimage.binary_fill_holes(painted).sum() / max(painted.sum(), 1)) - 1


def _parts(mask: BoolArray) -> int:
    """Return the number of parts that a mesh sees, which does without threads."""
    thick, _ = ndimage.label(ndimage.binary_opening(mask))
    areas = np.bincount(thick.ravel())[1:]
    return int((areas > _PART * mask.sum()).sum())
