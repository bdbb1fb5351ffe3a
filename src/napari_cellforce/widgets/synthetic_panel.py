"""The panel "Synthetic cell" draws an imaginary cell and asks what it would do."""

from __future__ import annotations

import time
from typing import Any

from napari.components import ViewerModel
from napari.viewer import Viewer
from qtpy.QtWidgets import QCheckBox, QComboBox, QPushButton, QTabWidget, QWidget

from napari_cellforce.errors import CellForceError
from napari_cellforce.predict import Progress
from napari_cellforce.scan import Answer, Drawing, ForceModel, ScanConfig, ask, force_model, scan
from napari_cellforce.synthetic import Adhesions, CellConfig, Outline, SyntheticCell
from napari_cellforce.widgets._form import Form, Tone, narrow
from napari_cellforce.widgets._panel import Panel
from napari_cellforce.widgets._worker import Job, tell
from napari_cellforce.widgets.adhesion_section import AdhesionSection
from napari_cellforce.widgets.cell_view import CellView, ScanView
from napari_cellforce.widgets.compare_section import CompareSection
from napari_cellforce.widgets.force_choice import fill_combo
from napari_cellforce.widgets.hand_drawn import paint_layer
from napari_cellforce.widgets.latest import Latest
from napari_cellforce.widgets.microscope_section import MicroscopeSection
from napari_cellforce.widgets.outline_section import OutlineSection
from napari_cellforce.widgets.preferences import Memory, Preferences
from napari_cellforce.widgets.run_section import RunSection, duration
from napari_cellforce.widgets.scan_result import ScanResult
from napari_cellforce.widgets.scan_section import ScanSection

PANEL = "synthetic"
_SETTLING_DRAWING = 30
_SETTLING_FORCES = 250
"""Milliseconds without an edit before the cell is drawn, and before its forces are asked for."""


class SyntheticPanel(Panel):
    """Draw a cell, ask how hard it pulls, change it, see what that does.

    Parameters
    ----------
    napari_viewer : Viewer
        Given by napari.
    memory : Memory, optional
        Where the settings are kept between sessions.
    preferences : Preferences, optional
        By default those of napari's Preferences page.
    """

    def __init__(
        self,
        napari_viewer: Viewer,
        *,
        memory: Memory | None = None,
        preferences: Preferences | None = None,
    ) -> None:
        super().__init__()
        self._viewer: ViewerModel = napari_viewer
        self._memory = memory or Memory()
        preferences = preferences or Preferences.load()
        self._folder, self._look = preferences.model_folder or None, preferences.arrows
        self._device = preferences.device
        self._models: dict[str, ForceModel] = {}
        self._cell: SyntheticCell | None = None
        self._sketch = Drawing()
        self._answer: Answer | None = None
        self._problem: CellForceError | None = None
        self._started = False
        self._outline = OutlineSection(self._viewer)
        self._adhesions = AdhesionSection(self._viewer)
        self._microscope = MicroscopeSection()
        self._scan = ScanSection(self._folder)
        self._run = RunSection()
        self._compare = CompareSection()
        self._curves = ScanResult(self._viewer)
        self._view = CellView(self._viewer, self._look)
        self._scan_view: ScanView | None = None
        self._drawing = Latest(_SETTLING_DRAWING, self)
        self._forces = Latest(_SETTLING_FORCES, self)
        self._job = Job(self)
        self._build()
        self._recall()
        self._connect()
        self._refresh()

    @property
    def cell(self) -> SyntheticCell | None:
        """The cell that was drawn last."""
        return self._cell

    @property
    def answer(self) -> Answer | None:
        """What was said last."""
        return self._answer

    def drawing(self) -> Drawing:
        """Return what the panel's settings and the layers drawn in by hand describe.

        Raises
        ------
        CellForceError
            If something drawn by hand cannot be used.
        """
        pixel_size = self._microscope.pixel_size
        config = self._microscope.applied(
            CellConfig(shape=self._outline.shape, adhesions=self._adhesions.rule)
        )
        outline = self._outline.drawn(pixel_size)
        by_rule = Drawing(config, self._microscope.seed, outline)
        adhesions = self._adhesions.drawn(lambda: outline or by_rule.draw().outline, pixel_size)
        return Drawing(config, self._microscope.seed, outline, adhesions)

    def draw(self) -> None:
        """Draw the cell off the GUI thread, and from now on again after every change."""
        self._started = True
        try:
            drawing = self.drawing()
        except CellForceError as error:
            self._drawing.drop()
            self._on_bad_drawing(error)
            return
        self._drawing.ask(lambda: (drawing, drawing.draw()))

    def predict(self) -> None:
        """Ask the chosen model for the forces of the drawn cell, off the GUI thread."""
        cell, sketch, name = self._cell, self._sketch, self._choice.currentData()
        if cell is None:
            return
        self._run.say("Asking …")

        def work() -> Answer:
            model = self._model(name)
            missing = set(model.proteins) - set(cell.image.channel_names)
            return ask(model, sketch.showing(model.proteins).draw() if missing else cell)

        self._forces.ask(work)

    def scan(self) -> None:
        """Run the scan, off the GUI thread."""
        try:
            config = self._scan.config(self.drawing())
        except CellForceError as error:
            tell(error)
            return
        device, folder = self._device, self._folder
        self._curves.begin(config)
        self._scan_view = ScanView(self._viewer, config, self._look)
        self._scanned: ScanConfig = config
        self._since = time.monotonic()
        self._job.start(lambda: scan(config, device=device, folder=folder))
        self._refresh()

    def paint(self) -> None:
        """Put the outline into a Labels layer to be painted in, and draw the cell with it."""
        config = self._microscope.applied(CellConfig(shape=self._outline.shape))
        outline = Drawing(config, self._microscope.seed).draw().outline
        self._outline.draw_by_hand(
            paint_layer((config.side, config.side), outline, config.pixel_size), "paint"
        )
        self.draw()

    def _build(self) -> None:
        self._choice = narrow(QComboBox())
        fill_combo(self._choice, self._folder)
        self._live = QCheckBox("after every change")
        self._live.setToolTip("Ask again as soon as you stop editing")
        one = QWidget()
        form = Form(one)
        form.add("Ask", self._choice, "Who says how hard the cell pulls", page="models/")
        form.addRow("", self._live)
        self._tabs = QTabWidget()
        self._tabs.addTab(one, "This cell")
        self._tabs.addTab(self._scan, "Scan a property")
        reset = QPushButton("Reset")
        reset.setFlat(True)
        reset.setToolTip("Back to the default settings; layers stay")
        reset.clicked.connect(self._on_reset)
        self._lay_out(
            (
                self._outline,
                self._adhesions,
                self._microscope,
                self._tabs,
                self._run,
                self._compare,
                self._curves,
            ),
            reset,
        )

    def _connect(self) -> None:
        self._outline.set_makers(
            self._cell_outline, lambda: self._microscope.pixel_size, lambda: self._microscope.side
        )
        self._adhesions.set_makers(self._cell_adhesions, lambda: self._microscope.pixel_size)
        for section in (self._outline, self._adhesions, self._microscope):
            section.changed.connect(self._on_changed)
        self._scan.changed.connect(self._refresh)
        self._tabs.currentChanged.connect(self._refresh)
        self._choice.currentIndexChanged.connect(self._on_model)
        self._live.toggled.connect(lambda live: self.predict() if live else None)
        self._run.started.connect(self._on_button)
        self._run.stopped.connect(self._job.stop)
        self._drawing.done.connect(self._on_drawn)
        self._drawing.failed.connect(self._on_bad_drawing)
        self._forces.done.connect(self._on_answer)
        self._forces.failed.connect(self._on_no_answer)
        self._job.yielded.connect(self._on_record)
        self._job.failed.connect(tell)
        self._job.ended.connect(self._on_scan_ended)
        self._curves.step_chosen.connect(self._go_to)

    def _let_go(self) -> None:
        self._memory.remember(
            PANEL,
            {
                **self._outline.remember(),
                **self._adhesions.remember(),
                **self._microscope.remember(),
                **self._scan.remember(),
                "asked": self._choice.currentData(),
                "live": self._live.isChecked(),
            },
        )
        for work in (self._drawing, self._forces, self._job):
            work.drop()
        for section in (self._outline, self._adhesions, self._curves):
            section.disconnect_viewer()

    def _recall(self) -> None:
        values = self._memory.recall(PANEL)
        for section in (self._outline, self._adhesions, self._microscope, self._scan):
            section.recall(values)
        self._choice.setCurrentIndex(max(self._choice.findData(values.get("asked")), 0))
        self._live.setChecked(bool(values.get("live", False)))

    @property
    def _scanning(self) -> bool:
        """True while the tab of scans is open."""
        return bool(self._tabs.currentWidget() is self._scan)

    def _model(self, name: str) -> ForceModel:
        """Return a model, loaded once; called off the GUI thread."""
        if name not in self._models:
            self._models[name] = force_model(name, device=self._device, folder=self._folder)
        return self._models[name]

    def _cell_outline(self) -> Outline | None:
        return None if self._cell is None else self._cell.outline

    def _cell_adhesions(self) -> Adhesions | None:
        return None if self._cell is None else self._cell.adhesions[0]

    def _on_button(self) -> None:
        if not self._view.shown or self._cell is None:
            self.draw()
        elif self._scanning:
            self.scan()
        else:
            self.predict()

    def _on_changed(self) -> None:
        by_hand = self._outline.by_hand or self._adhesions.by_hand
        if self._started or by_hand:
            self.draw()
        self._refresh()

    def _on_drawn(self, drawn: tuple[Drawing, SyntheticCell]) -> None:
        self._problem = None
        self._sketch, cell = drawn
        self._cell = cell
        self._view.show_cell(cell)
        if self._live.isChecked():
            self.predict()
        else:
            self._view.forget_answer()
        self._refresh()

    def _on_bad_drawing(self, error: Exception) -> None:
        if not isinstance(error, CellForceError):
            tell(error)
            return
        self._problem = error
        self._refresh()

    def _on_model(self, index: int = 0) -> None:
        del index
        if self._live.isChecked():
            self.predict()
        self._refresh()

    def _on_answer(self, answer: Answer) -> None:
        self._answer = answer
        self._view.show_answer(answer)
        self._compare.show_answer(answer)
        self._refresh()
        self._run.say(_outcome(answer), Tone.GOOD)

    def _on_no_answer(self, error: Exception) -> None:
        if not isinstance(error, CellForceError):
            tell(error)
            return
        self._run.say(str(error), Tone.PROBLEM)

    def _on_record(self, record: Any) -> None:
        if isinstance(record, Progress):
            self._run.say(f"{record.what} …")
            self._run.show_progress(record.done, record.total)
        elif self._scan_view is not None:
            self._scan_view.add(record)
            self._curves.add(record)
            self._run.say("Scanning …")
            self._run.show_progress(record.index + 1, self._scanned.n_cells, timed=True)

    def _on_scan_ended(self, complete: bool) -> None:
        done = len(self._curves.table)
        self._refresh()
        if done:
            took = duration(time.monotonic() - self._since)
            text = f"Scanned in {took}." if complete else "Stopped; what is done is kept."
            self._run.say(
                f"{text} Scroll through the cells with napari's slider, or click in the plot.", Tone.GOOD
            )

    def _go_to(self, index: int) -> None:
        if self._scan_view is not None:
            self._scan_view.go_to(index)

    def _refresh(self, index: int = 0) -> None:
        """Bring the button and the line above it in line with what is drawn and what runs."""
        del index
        running = self._job.running
        drawn = self._view.shown and self._cell is not None
        problem = self._problem or (self._scan_problem() if drawn and self._scanning else None)
        self._run.set_offer(self._offer(drawn), ready=not running and problem is None)
        self._run.set_running(running)
        waiting = problem is not None and problem.value.startswith("No ")
        if not running:
            self._run.say(str(problem) if problem else "", Tone.PLAIN if waiting else Tone.PROBLEM)

    def _scan_problem(self) -> CellForceError | None:
        """Return why the scan cannot start, or None."""
        try:
            config = self._scan.config(self.drawing())
            config.scanned.change(config.drawing, config.low)
        except CellForceError as error:
            return error
        return None

    def _offer(self, drawn: bool) -> str:
        """Return what the button will do."""
        if not drawn:
            return "Draw a cell"
        if not self._scanning:
            return f"Predict the forces with {self._choice.currentData()}"
        models = self._scan.models
        who = models[0] if len(models) == 1 else f"{len(models)} predictors"
        return f"Scan the {self._scan.parameter.title} with {who}"

    def _on_reset(self) -> None:
        for section in (self._outline, self._adhesions, self._microscope, self._scan):
            section.reset()
        self._live.setChecked(False)


def _outcome(answer: Answer) -> str:
    """Return what was asked, in which unit."""
    units = "Pa" if answer.unit == "Pa" else "normalised units"
    return f"Predicted with {answer.model}, in {units}."
