"""Everything that decides how a synthetic cell looks, and the cell, drawn again after every change."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.components import ViewerModel
from qtpy.QtCore import Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_cellforce.errors import CellForceError
from napari_cellforce.scan import Drawing
from napari_cellforce.synthetic import CellConfig, SyntheticCell
from napari_cellforce.widgets.base.form import TextLine, Tone
from napari_cellforce.widgets.base.latest import Latest
from napari_cellforce.widgets.base.worker import tell
from napari_cellforce.widgets.synthetic.adhesion_section import AdhesionSection
from napari_cellforce.widgets.synthetic.hand_drawn import paint_layer
from napari_cellforce.widgets.synthetic.microscope_section import MicroscopeSection
from napari_cellforce.widgets.synthetic.outline_section import OutlineSection
from napari_cellforce.widgets.synthetic.remarks import remarks


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
    refused = Signal()

    def __init__(self, viewer: ViewerModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.cell: SyntheticCell | None = None
        self.sketch = Drawing()
        self.problem: CellForceError | None = None
        self._begun = False
        self.outline = OutlineSection(viewer)
        self.adhesions = AdhesionSection(viewer)
        self.microscope = MicroscopeSection()
        self._remark = TextLine()
        self._work = Latest(parent=self)
        self._work.done.connect(self._on_done)
        self._work.failed.connect(self._on_failed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for section in self._sections:
            layout.addWidget(section)
            section.changed.connect(self._on_changed)
        layout.insertWidget(1, self._remark)
        for section in (self.outline, self.adhesions):
            section.set_source(lambda: self._by_rule().config, lambda: self.cell or self._drawn_by_rule())

    def disconnect_viewer(self) -> None:
        """Hear nothing more of the viewer, and draw nothing more."""
        self._work.drop()
        self.outline.disconnect_viewer()
        self.adhesions.disconnect_viewer()

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
        self._begun = True
        try:
            drawing = self.drawing()
        except CellForceError as error:
            self._work.drop()
            self._on_failed(error)
            return
        painted = self.outline.painted

        def work() -> tuple[Drawing, SyntheticCell, str]:
            cell = drawing.draw()
            return drawing, cell, remarks(cell.mask.frame(0), painted) if drawing.outline else ""

        self._work.submit(work)

    def paint(self) -> None:
        """Put the outline into a Labels layer to be painted in, and draw the cell with it."""
        cell = self._drawn_by_rule()
        if cell is None:
            return
        layer = paint_layer(cell.image.shape, cell.outline, cell.config.pixel_size)
        self.outline.draw_by_hand(layer, "paint")
        self.draw()

    def reset(self) -> None:
        """Go back to the default settings."""
        for section in self._sections:
            section.reset()

    def remember(self) -> dict[str, Any]:
        """Return what is kept between sessions."""
        return {name: value for section in self._sections for name, value in section.remember().items()}

    def recall(self, values: dict[str, Any]) -> None:
        """Set what `remember` returned."""
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
        if self._begun or self.outline.by_hand or self.adhesions.by_hand:
            self.draw()
        self.changed.emit()

    def _on_done(self, drawn: tuple[Drawing, SyntheticCell, str]) -> None:
        self.sketch, self.cell, remark = drawn
        self.problem = None
        self._remark.say(remark, Tone.PROBLEM)
        self.drawn.emit()

    def _on_failed(self, error: Exception) -> None:
        if isinstance(error, CellForceError):
            self.problem = error
            self._remark.say("")
            self.refused.emit()
        else:
            tell(error)
