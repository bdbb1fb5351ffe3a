"""The panel "Synthetic cell" draws an imaginary cell and asks what it would do."""

from __future__ import annotations

from typing import Any, Unpack

from napari.viewer import Viewer
from qtpy.QtWidgets import QTabBar

from napari_cellforce.errors import CellForceError
from napari_cellforce.predict import Progress
from napari_cellforce.scan import CellEvaluation, ScanStep
from napari_cellforce.widgets.base.form import Tone
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
        self._drawing = DrawingSection(self._viewer)
        self._predict = PredictSection(device, folder)
        self._scan = ScanSection(folder)
        self._run = RunSection()
        self._edit = ChangeTable()
        self._curves = ScanResult(self._viewer)
        self._view = CellLayers(self._viewer, arrow_style)
        self._scan_run = ScanRun(self._viewer, arrow_style, device, folder, self)
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
        self._drawing.draw()

    def paint(self) -> None:
        """Put the outline into a Labels layer to be painted in, and draw the cell with it."""
        self._drawing.paint()

    def predict(self) -> None:
        """Ask the chosen model for the forces of the drawn cell, off the GUI thread."""
        cell = self._drawing.cell
        if cell is None:
            return
        self._run.set_status("Asking …")
        self._predict.predict(cell, self._drawing.current_drawing)

    def scan(self) -> None:
        """Run the scan, off the GUI thread."""
        try:
            config = self._scan.config(self._drawing.drawing())
        except CellForceError as error:
            show_error(error)
            return
        self._curves.begin(config)
        self._scan_run.start(config)
        self._refresh()

    def _build(self) -> None:
        self._tabs = QTabBar()
        self._tabs.setExpanding(True)
        self._tabs.setAccessibleName("What to ask")
        self._tabs.addTab("This cell")
        self._tabs.addTab("Scan a property")
        controls = (self._tabs, self._predict, self._scan, self._run)
        self._build_layout((self._drawing, *controls, self._edit, self._curves), self._on_reset)

    def _connect(self) -> None:
        self._drawing.changed.connect(self._refresh)
        self._drawing.drawn.connect(self._on_drawn)
        self._drawing.rejected.connect(self._refresh)
        self._scan.changed.connect(self._refresh)
        self._tabs.currentChanged.connect(self._on_tab)
        self._predict.changed.connect(self._on_model)
        self._predict.predicted.connect(self._on_answer)
        self._predict.failed.connect(self._on_no_answer)
        self._run.started.connect(self._on_button)
        self._run.stopped.connect(self._scan_run.stop)
        self._scan_run.prepared.connect(self._on_scan_prepared)
        self._scan_run.stepped.connect(self._on_scan_step)
        self._scan_run.ended.connect(self._on_scan_ended)
        self._curves.step_chosen.connect(self._scan_run.go_to)
        self._viewer.layers.events.removed.connect(self._refresh)

    def _dispose(self) -> None:
        settings = {**self._drawing.remember(), **self._scan.remember(), **self._predict.remember()}
        self._memory.remember(PANEL, settings)
        self._predict.cancel()
        self._scan_run.dispose()
        self._drawing.dispose()
        self._curves.dispose()
        self._viewer.layers.events.removed.disconnect(self._refresh)

    def _recall(self) -> None:
        values = self._memory.recall(PANEL)
        self._drawing.recall(values)
        self._scan.recall(values)
        self._predict.recall(values)

    @property
    def _scanning(self) -> bool:
        """True while the tab of scans is open."""
        return bool(self._tabs.currentIndex() == 1)

    def _on_button(self) -> None:
        if not self._view.shown:
            self.draw()
        elif self._scanning:
            self.scan()
        else:
            self.predict()

    def _on_tab(self, index: int = 0) -> None:
        """Show what belongs to the chosen tab."""
        del index
        self._predict.fill()
        self._scan.fill()
        self._predict.setVisible(not self._scanning)
        self._scan.setVisible(self._scanning)
        self._refresh()

    def _on_drawn(self) -> None:
        assert self._drawing.cell is not None
        self._answer = None
        self._view.show_cell(self._drawing.cell)
        if self._predict.live:
            self.predict()
        else:
            self._predict.cancel()
            self._view.remove_result()
        self._refresh()

    def _on_model(self) -> None:
        if self._predict.live:
            self.predict()
        self._refresh()

    def _on_answer(self, evaluation: CellEvaluation) -> None:
        self._answer = evaluation
        self._view.show_result(evaluation)
        self._edit.show_result(evaluation)
        self._refresh()

    def _on_no_answer(self, error: Exception) -> None:
        if isinstance(error, CellForceError):
            self._run.set_status(_sentence(error), Tone.PROBLEM)
        else:
            show_error(error)

    def _on_scan_prepared(self, progress: Progress) -> None:
        self._run.set_status(f"{progress.what} …")
        self._run.show_progress(progress.done, progress.total)

    def _on_scan_step(self, step: ScanStep) -> None:
        self._curves.add(step)
        self._curves.show()
        self._run.set_status("Scanning …")
        self._run.show_progress(step.index + 1, self._curves.expected, timed=True)

    def _on_scan_ended(self, complete: bool) -> None:
        done = self._curves.done
        self._refresh()
        if done and self._curves.table.empty:
            self._run.set_status(self._curves.problems[0], Tone.PROBLEM)
        elif done:
            beginning = "" if complete else "Stopped; what is done is kept. "
            where = " Scroll through the cells with napari's slider, or click in the plot."
            self._run.set_status(
                f"{beginning}{done} cells scanned.{where if self._scan_run.shown else ''}", Tone.GOOD
            )

    def _refresh(self, event: Any = None) -> None:
        """Bring the button and the line above it in line with what is drawn and what runs."""
        del event
        running = self._scan_run.running
        of_this_cell = self._answer is not None or (self._predict.live and self._edit.filled)
        self._edit.setVisible(of_this_cell and not self._scanning)
        self._curves.setVisible(self._scanning and self._curves.done > 0)
        problem = self._problem()
        self._run.set_button(self._button_label(), ready=not running and problem is None)
        self._run.set_running(running)
        if not running:
            self._run.set_status(*self._status(problem))

    def _problem(self) -> CellForceError | None:
        """Return what keeps the button from being pressed, or None."""
        if self._drawing.problem is not None or not (self._scanning and self._view.shown):
            return self._drawing.problem
        try:
            config = self._scan.config(self._drawing.current_drawing)
            config.scanned.change(config.drawing, config.low)
        except CellForceError as error:
            return error
        return None

    def _status(self, problem: CellForceError | None) -> tuple[str, Tone]:
        if problem is None:
            if self._answer is not None and self._view.shown and not self._scanning:
                return f"{self._edit.headline}, by {self._answer.model}.{self._caveat}", Tone.GOOD
            return self._idle_text(), Tone.PLAIN
        # What has not been begun is no mistake.
        text = _sentence(problem)
        return text, Tone.PLAIN if text.startswith("No ") else Tone.PROBLEM

    @property
    def _caveat(self) -> str:
        """What must be known of the answer."""
        per_frame = self._answer is not None and self._answer.per_frame
        return f" Here {PER_FRAME_SCALE_NOTE}" if per_frame else ""

    def _idle_text(self) -> str:
        """Return what is worth saying when nothing is wrong."""
        if not self._view.shown:
            return WELCOME
        if self._scanning or self._predict.live or not self._edit.filled:
            return ""
        return "The cell has changed: press the button to see what that does."

    def _button_label(self) -> str:
        """Return what the button will do."""
        if not self._view.shown:
            return "Draw a cell"
        if not self._scanning:
            return f"Predict the forces with {self._predict.name}"
        seconds = self._scan_run.seconds_per_cell(self._scan.models) * self._scan.steps
        about = f", about {duration(seconds)}" if seconds >= 1 else ""
        return f"Scan {self._scan.parameter.title}: {self._scan.steps} cells{about}"

    def _on_reset(self) -> None:
        self._drawing.reset()
        self._scan.reset()
        self._predict.reset()


def _sentence(error: CellForceError) -> str:
    text = str(error)
    return text[:1].upper() + text[1:]
