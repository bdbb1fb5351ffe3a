"""The panel "Synthetic cell" draws an imaginary cell and asks what it would do."""

from __future__ import annotations

from typing import Any, Unpack

from napari.viewer import Viewer
from qtpy.QtWidgets import QTabBar

from napari_cellforce.errors import CellForceError
from napari_cellforce.predict import Progress
from napari_cellforce.scan import Answer, ScanStep
from napari_cellforce.widgets.base.form import Tone
from napari_cellforce.widgets.base.panel import Panel, PanelOptions
from napari_cellforce.widgets.base.run_section import RunSection, duration
from napari_cellforce.widgets.base.worker import tell
from napari_cellforce.widgets.synthetic.ask_section import AskSection
from napari_cellforce.widgets.synthetic.cell_view import CellView
from napari_cellforce.widgets.synthetic.drawing_section import DrawingSection
from napari_cellforce.widgets.synthetic.edit_section import EditSection
from napari_cellforce.widgets.synthetic.scan_result import PER_FRAME, ScanResult
from napari_cellforce.widgets.synthetic.scan_run import ScanRun
from napari_cellforce.widgets.synthetic.scan_section import ScanSection

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
        look = self._preferences.arrows
        self._answer: Answer | None = None
        self._drawing = DrawingSection(self._viewer)
        self._ask = AskSection(device, folder)
        self._scan = ScanSection(folder)
        self._run = RunSection()
        self._edit = EditSection()
        self._curves = ScanResult(self._viewer)
        self._view = CellView(self._viewer, look)
        self._scan_run = ScanRun(self._viewer, look, device, folder, self)
        self._build()
        self._recall()
        self._connect()
        self._on_tab()

    @property
    def answer(self) -> Answer | None:
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
        self._ask.predict(cell, self._drawing.sketch)

    def scan(self) -> None:
        """Run the scan, off the GUI thread."""
        try:
            config = self._scan.config(self._drawing.drawing())
        except CellForceError as error:
            tell(error)
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
        asked = (self._tabs, self._ask, self._scan, self._run)
        self._lay_out((self._drawing, *asked, self._edit, self._curves), self._on_reset)

    def _connect(self) -> None:
        self._drawing.changed.connect(self._refresh)
        self._drawing.drawn.connect(self._on_drawn)
        self._drawing.refused.connect(self._refresh)
        self._scan.changed.connect(self._refresh)
        self._tabs.currentChanged.connect(self._on_tab)
        self._ask.changed.connect(self._on_asked)
        self._ask.answered.connect(self._on_answer)
        self._ask.failed.connect(self._on_no_answer)
        self._run.started.connect(self._on_button)
        self._run.stopped.connect(self._scan_run.stop)
        self._scan_run.prepared.connect(self._on_scan_prepared)
        self._scan_run.stepped.connect(self._on_scan_step)
        self._scan_run.ended.connect(self._on_scan_ended)
        self._curves.step_chosen.connect(self._scan_run.go_to)
        self._viewer.layers.events.removed.connect(self._refresh)

    def _let_go(self) -> None:
        settings = {**self._drawing.remember(), **self._scan.remember(), **self._ask.remember()}
        self._memory.remember(PANEL, settings)
        self._ask.drop()
        self._scan_run.dispose()
        self._drawing.disconnect_viewer()
        self._curves.disconnect_viewer()
        self._viewer.layers.events.removed.disconnect(self._refresh)

    def _recall(self) -> None:
        values = self._memory.recall(PANEL)
        self._drawing.recall(values)
        self._scan.recall(values)
        self._ask.recall(values)

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
        self._ask.fill()
        self._scan.fill()
        self._ask.setVisible(not self._scanning)
        self._scan.setVisible(self._scanning)
        self._refresh()

    def _on_drawn(self) -> None:
        assert self._drawing.cell is not None
        self._answer = None
        self._view.show_cell(self._drawing.cell)
        if self._ask.live:
            self.predict()
        else:
            self._ask.drop()
            self._view.forget_answer()
        self._refresh()

    def _on_asked(self) -> None:
        if self._ask.live:
            self.predict()
        self._refresh()

    def _on_answer(self, answer: Answer) -> None:
        self._answer = answer
        self._view.show_answer(answer)
        self._edit.show_answer(answer)
        self._refresh()

    def _on_no_answer(self, error: Exception) -> None:
        if isinstance(error, CellForceError):
            self._run.set_status(_sentence(error), Tone.PROBLEM)
        else:
            tell(error)

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
        of_this_cell = self._answer is not None or (self._ask.live and self._edit.filled)
        self._edit.setVisible(of_this_cell and not self._scanning)
        self._curves.setVisible(self._scanning and self._curves.done > 0)
        problem = self._problem()
        self._run.set_offer(self._offer(), ready=not running and problem is None)
        self._run.set_running(running)
        if not running:
            self._run.set_status(*self._why(problem))

    def _problem(self) -> CellForceError | None:
        """Return what keeps the button from being pressed, or None."""
        if self._drawing.problem is not None or not (self._scanning and self._view.shown):
            return self._drawing.problem
        try:
            config = self._scan.config(self._drawing.sketch)
            config.scanned.change(config.drawing, config.low)
        except CellForceError as error:
            return error
        return None

    def _why(self, problem: CellForceError | None) -> tuple[str, Tone]:
        if problem is None:
            if self._answer is not None and self._view.shown and not self._scanning:
                return f"{self._edit.headline}, by {self._answer.model}.{self._caveat}", Tone.GOOD
            return self._hint(), Tone.PLAIN
        # What has not been begun is no mistake.
        text = _sentence(problem)
        return text, Tone.PLAIN if text.startswith("No ") else Tone.PROBLEM

    @property
    def _caveat(self) -> str:
        """What must be known of the answer."""
        per_frame = self._answer is not None and self._answer.per_frame
        return f" Here {PER_FRAME}" if per_frame else ""

    def _hint(self) -> str:
        """Return what is worth saying when nothing is wrong."""
        if not self._view.shown:
            return WELCOME
        if self._scanning or self._ask.live or not self._edit.filled:
            return ""
        return "The cell has changed: press the button to see what that does."

    def _offer(self) -> str:
        """Return what the button will do."""
        if not self._view.shown:
            return "Draw a cell"
        if not self._scanning:
            return f"Predict the forces with {self._ask.name}"
        seconds = self._scan_run.pace(self._scan.models) * self._scan.steps
        about = f", about {duration(seconds)}" if seconds >= 1 else ""
        return f"Scan {self._scan.parameter.title}: {self._scan.steps} cells{about}"

    def _on_reset(self) -> None:
        self._drawing.reset()
        self._scan.reset()
        self._ask.reset()


def _sentence(error: CellForceError) -> str:
    text = str(error)
    return text[:1].upper() + text[1:]
