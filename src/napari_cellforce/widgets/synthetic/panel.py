"""The panel "Synthetic cell" draws an imaginary cell and asks what it would do."""

from __future__ import annotations

from typing import Any, Unpack

from napari.viewer import Viewer
from qtpy.QtWidgets import QTabBar

from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import Progress
from napari_cellforce.scan import CellEvaluation, ScanStep
from napari_cellforce.widgets.base.form import Tone
from napari_cellforce.widgets.base.hints import with_row
from napari_cellforce.widgets.base.panel import Panel, PanelOptions
from napari_cellforce.widgets.base.run_section import RunSection, duration
from napari_cellforce.widgets.base.worker import show_error
from napari_cellforce.widgets.synthetic.cell_layers import CellLayers
from napari_cellforce.widgets.synthetic.change_table import ChangeTable
from napari_cellforce.widgets.synthetic.drawing_section import DrawingSection
from napari_cellforce.widgets.synthetic.predict_section import PredictSection
from napari_cellforce.widgets.synthetic.scan_result import PER_FRAME_SCALE_NOTE, ScanResult
from napari_cellforce.widgets.synthetic.scan_section import ScanRun, ScanSection

PANEL = "synthetic"
WELCOME = "Draw an imaginary cell, ask how hard it pulls, change it, and see what that does."


class SyntheticPanel(Panel):
    """Draw a cell, ask how hard it pulls, change it, see what that does.

    Parameters
    ----------
    napari_viewer : Viewer
    **options : Memory, Preferences
        Passed to `Panel`.
    """

    def __init__(self, napari_viewer: Viewer, **options: Unpack[PanelOptions]) -> None:
        super().__init__(napari_viewer, **options)
        device, folder = self._preferences.device, self._preferences.model_folder or None
        arrow_style = self._preferences.arrows
        self._answer: CellEvaluation | None = None
        self.drawing = DrawingSection(self._viewer)
        self.ask_section = PredictSection(device, folder)
        self.scan_section = ScanSection(folder)
        self.run_section = RunSection()
        self.edit_section = ChangeTable()
        self.cell_view = CellLayers(self._viewer, arrow_style)
        self.scan_run = ScanRun(self._viewer, arrow_style, device, folder, self)
        self.curves = ScanResult(self._viewer, self.scan_run.current)
        self._build()
        self._recall()
        self._connect()
        self._on_tab()

    @property
    def evaluation(self) -> CellEvaluation | None:
        """What was said last of the drawn cell; None after the cell has changed."""
        return self._answer

    def draw(self) -> None:
        """Draw the cell, off the GUI thread."""
        self.drawing.draw()

    def paint(self) -> None:
        """Put the outline into a Labels layer to be painted in, and draw the cell with it."""
        self.drawing.paint()

    def predict(self) -> None:
        """Ask the chosen model for the forces of the drawn cell, off the GUI thread."""
        cell = self.drawing.cell
        if cell is None:
            return
        self.run_section.set_status("Asking …")
        self.ask_section.predict(cell, self.drawing.current_drawing)

    def scan(self) -> None:
        """Run the scan, off the GUI thread."""
        try:
            config = self.scan_section.config(self.drawing.drawing())
        except CellForceError as error:
            show_error(error)
            return
        self.curves.begin(config)
        self.scan_run.start(config)
        self._refresh()

    def _build(self) -> None:
        self.tabs = QTabBar()
        self.tabs.setExpanding(True)
        self.tabs.setAccessibleName("What to ask")
        self.tabs.addTab("This cell")
        self.tabs.addTab("Scan a property")
        controls = (self.tabs, self.ask_section, self.scan_section, self.run_section)
        self._build_layout((self.drawing, *controls, self.edit_section, self.curves), self.reset)

    def _connect(self) -> None:
        self.drawing.changed.connect(self._refresh)
        self.drawing.drawn.connect(self._on_drawn)
        self.drawing.rejected.connect(self._refresh)
        self.scan_section.changed.connect(self._refresh)
        self.tabs.currentChanged.connect(self._on_tab)
        self.ask_section.changed.connect(self._on_model)
        self.ask_section.predicted.connect(self._on_answer)
        self.ask_section.failed.connect(self._on_no_answer)
        self.run_section.started.connect(self._on_button)
        self.run_section.stopped.connect(self.scan_run.stop)
        self.scan_run.prepared.connect(self._on_scan_prepared)
        self.scan_run.stepped.connect(self._on_scan_step)
        self.scan_run.ended.connect(self._on_scan_ended)
        self.curves.step_chosen.connect(self.scan_run.go_to)
        self._viewer.layers.events.removed.connect(self._refresh)

    def _remember(self) -> None:
        settings = {**self.drawing.remember(), **self.scan_section.remember(), **self.ask_section.remember()}
        self._memory.remember(PANEL, settings)

    def _dispose(self) -> None:
        self.ask_section.cancel()
        self.scan_run.dispose()
        self.drawing.dispose()
        self.curves.dispose()
        self._viewer.layers.events.removed.disconnect(self._refresh)

    def _recall(self) -> None:
        values = self._memory.recall(PANEL)
        self.drawing.recall(values)
        self.scan_section.recall(values)
        self.ask_section.recall(values)

    @property
    def _scanning(self) -> bool:
        """True while the tab of scans is open."""
        return bool(self.tabs.currentIndex() == 1)

    def _on_button(self) -> None:
        if not self.cell_view.shown:
            self.draw()
        elif self._scanning:
            self.scan()
        else:
            self.predict()

    def _on_tab(self, index: int = 0) -> None:
        """Show what belongs to the chosen tab."""
        del index
        self.ask_section.fill()
        self.scan_section.fill()
        self.ask_section.setVisible(not self._scanning)
        self.scan_section.setVisible(self._scanning)
        self._refresh()

    def _on_drawn(self) -> None:
        assert self.drawing.cell is not None
        self._answer = None
        self.cell_view.show_cell(self.drawing.cell)
        if self.ask_section.live:
            self.predict()
        else:
            self.ask_section.cancel()
            self.cell_view.remove_result()
        self._refresh()

    def _on_model(self) -> None:
        if self.ask_section.live:
            self.predict()
        self._refresh()

    def _on_answer(self, evaluation: CellEvaluation) -> None:
        self._answer = evaluation
        self.cell_view.show_result(evaluation)
        self.edit_section.show_result(evaluation)
        self._refresh()

    def _on_no_answer(self, error: Exception) -> None:
        if isinstance(error, CellForceError):
            self.run_section.set_status(_sentence(error, self), Tone.PROBLEM)
        else:
            show_error(error)

    def _on_scan_prepared(self, progress: Progress) -> None:
        self.run_section.set_status(f"{progress.what} …")
        self.run_section.show_progress(progress.done, progress.total)

    def _on_scan_step(self, step: ScanStep) -> None:
        self.curves.add(step)
        self.curves.show()
        self.run_section.set_status("Scanning …")
        self.run_section.show_progress(step.index + 1, self.curves.expected, timed=True)

    def _on_scan_ended(self, complete: bool) -> None:
        done = self.curves.done
        self._refresh()
        if done and self.curves.table.empty:
            self.run_section.set_status(self.curves.problems[0], Tone.PROBLEM)
        elif done:
            beginning = "" if complete else "Stopped; what is done is kept. "
            where = " Scroll through the cells with napari's slider, or click in the plot."
            self.run_section.set_status(
                f"{beginning}{done} cells scanned.{where if self.scan_run.shown else ''}", Tone.GOOD
            )

    def _refresh(self, event: Any = None) -> None:
        """Bring the button and the line above it in line with what is drawn and what runs."""
        del event
        running = self.scan_run.running
        of_this_cell = self._answer is not None or (self.ask_section.live and self.edit_section.filled)
        self.edit_section.setVisible(of_this_cell and not self._scanning)
        self.curves.setVisible(self._scanning and self.curves.done > 0)
        problem = self._problem()
        self.run_section.set_button(self._button_label(), ready=not running and problem is None)
        self.run_section.set_running(running)
        if not running:
            self.run_section.set_status(*self._status(problem))

    def _problem(self) -> CellForceError | None:
        """Return what keeps the button from being pressed, or None."""
        if self.drawing.problem is not None or not (self._scanning and self.cell_view.shown):
            return self.drawing.problem
        try:
            config = self.scan_section.config(self.drawing.current_drawing)
            config.scanned.change(config.drawing, config.low)
        except CellForceError as error:
            return error
        return None

    def _status(self, problem: CellForceError | None) -> tuple[str, Tone]:
        if problem is None:
            if self._answer is not None and self.cell_view.shown and not self._scanning:
                return f"{self.edit_section.headline}, by {self._answer.model}.{self._caveat}", Tone.GOOD
            return self._idle_text(), Tone.PLAIN
        # A drawing that was not started is not an error.
        text = _sentence(problem, self)
        return text, Tone.PLAIN if text.startswith("No ") else Tone.PROBLEM

    @property
    def _caveat(self) -> str:
        """What must be known of the answer."""
        per_frame = self._answer is not None and self._answer.per_frame
        return f" Here {PER_FRAME_SCALE_NOTE}" if per_frame else ""

    def _idle_text(self) -> str:
        """Return what is worth saying when nothing is wrong."""
        if not self.cell_view.shown:
            return WELCOME
        if self._scanning or self.ask_section.live or not self.edit_section.filled:
            return ""
        return "The cell has changed: press the button to see what that does."

    def _button_label(self) -> str:
        """Return what the button will do."""
        if not self.cell_view.shown:
            return "Draw a cell"
        if not self._scanning:
            return f"Predict the forces with {self.ask_section.name}"
        seconds = self.scan_run.seconds_per_cell(self.scan_section.models) * self.scan_section.steps
        about = f", about {duration(seconds)}" if seconds >= 1 else ""
        return f"Scan {self.scan_section.parameter.title}: {self.scan_section.steps} cells{about}"

    def reset(self) -> None:
        """Return every setting to its default."""
        self.drawing.reset()
        self.scan_section.reset()
        self.ask_section.reset()


def _sentence(error: CellForceError, panel: SyntheticPanel) -> str:
    text = with_row(error, panel)
    return text[:1].upper() + text[1:]
