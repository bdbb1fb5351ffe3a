"""The panel "Train a predictor" makes a model right for one's own microscope."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari.components import ViewerModel
from napari.viewer import Viewer
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QPushButton, QScrollArea, QWidget

from napari_cellforce import zoo
from napari_cellforce.errors import CellForceError, sentence
from napari_cellforce.io.index import Split
from napari_cellforce.simulate import SimulateConfig, simulate_cells
from napari_cellforce.widgets._form import TextLine, Tone
from napari_cellforce.widgets._panel import Panel
from napari_cellforce.widgets._worker import Job, tell
from napari_cellforce.widgets.preferences import Memory, Preferences
from napari_cellforce.widgets.run_section import RunSection
from napari_cellforce.widgets.train_curves import TrainCurves
from napari_cellforce.widgets.train_data_section import TrainDataSection
from napari_cellforce.widgets.train_outcome import TrainOutcome
from napari_cellforce.widgets.train_preview import TrainPreview
from napari_cellforce.widgets.train_progress import TrainProgress
from napari_cellforce.widgets.train_settings_section import TrainSettingsSection

if TYPE_CHECKING:
    from napari_cellforce.train import TrainConfig, TrainResult
    from napari_cellforce.train.remote import Record, RemoteRun, Scaled, Task

PANEL = "train"
WELCOME = "Your own cells with measured tractions make a predictor right for your microscope."
SAMPLE = SimulateConfig(cells=6, seed=11, side=192, measured=True)
"""Cells to try the panel on."""


def _start_remote(task: Task, config: TrainConfig, folder: Path, model_folder: str | None) -> RemoteRun:
    from napari_cellforce.train.remote import RemoteRun

    return RemoteRun(task, config, folder, model_folder)


class TrainPanel(Panel):
    """Choose measured cells and a model, press the button, watch it learn, use it.

    Parameters
    ----------
    napari_viewer : Viewer
        Given by napari.
    memory : Memory, optional
        Where the settings are kept between sessions.
    preferences : Preferences, optional
        By default those of napari's Preferences page.
    start_remote : callable, optional
        Starts a run in a process of its own.
    """

    def __init__(
        self,
        napari_viewer: Viewer,
        *,
        memory: Memory | None = None,
        preferences: Preferences | None = None,
        start_remote: Callable[[Task, TrainConfig, Path, str | None], RemoteRun] = _start_remote,
    ) -> None:
        super().__init__()
        self._viewer: ViewerModel = napari_viewer
        self._memory = memory or Memory()
        preferences = preferences or Preferences.load()
        self._start_remote = start_remote
        self._model_folder = preferences.model_folder
        self._run: RemoteRun | None = None
        self._ready = False
        self._folder = Path()
        self._config: TrainConfig | None = None
        self._unfinished = False
        self._outcome_words = ("", Tone.PLAIN)
        self._data = TrainDataSection()
        self._settings = TrainSettingsSection(preferences.model_folder)
        self._button = RunSection()
        self._progress = TrainProgress()
        self._caution = TextLine()
        self._curves = TrainCurves(self._viewer)
        self._preview = TrainPreview(self._viewer, preferences.arrows)
        self._outcome = TrainOutcome(preferences.model_folder)
        self._loading, self._simulating, self._job = Job(self), Job(self), Job(self)
        self._appeared: QWidget = self._data
        self._scrolling = QTimer(self)
        self._scrolling.setSingleShot(True)
        self._scrolling.timeout.connect(self._scroll)
        self._build()
        self._recall()
        self._connect()
        self._load()
        self._refresh()

    def start(self) -> None:
        """Train, or go on with the run that was stopped."""
        try:
            if self._unfinished and self._config is not None:
                self._begin("resume", self._config)
            else:
                config = self._whole_config()
                self._folder = self._settings.run_folder
                self._curves.show_rows(())
                self._preview.remove()
                self._begin("scale" if self._settings.only_scale else "train", config)
        except CellForceError as error:
            tell(error)

    def _whole_config(self) -> TrainConfig:
        config = self._settings.config()
        data = dataclasses.replace(config.data, sources=self._data.sources, pixel_size=self._data.pixel_size)
        return dataclasses.replace(config, data=data)

    def _begin(self, task: Task, config: TrainConfig) -> None:
        run = self._start_remote(task, config, self._folder, self._model_folder or None)
        self._run, self._config = run, config
        self._outcome.clear()
        self._caution.say("")
        self._progress.begin(can_pause=task != "scale")
        self._button.say("Starting …")
        self._job.start(run.records)
        self._refresh()

    def _build(self) -> None:
        self._sample = QPushButton("Try it on simulated cells")
        self._sample.setToolTip("Simulates six cells with measured tractions, in half a minute")
        self._anew = QPushButton("Start anew instead")
        self._anew.setToolTip("Leaves the stopped run as it is, and trains from the beginning")
        sections = (
            self._data,
            self._sample,
            self._settings,
            self._button,
            self._anew,
            self._progress,
            self._caution,
            self._curves,
            self._outcome,
        )
        self._lay_out(sections, self._on_reset, stays="models and runs")

    def _connect(self) -> None:
        self._data.changed.connect(self._on_data)
        self._settings.changed.connect(self._on_settings)
        self._sample.clicked.connect(self._on_sample)
        self._anew.clicked.connect(self._on_anew)
        self._button.started.connect(self.start)
        self._progress.stopped.connect(self._on_stop)
        self._progress.paused.connect(self._on_pause)
        self._outcome.used.connect(self._on_used)
        self._loading.ended.connect(self._on_loaded)
        self._loading.failed.connect(tell)
        self._simulating.yielded.connect(self._on_simulated)
        self._simulating.failed.connect(tell)
        self._simulating.ended.connect(lambda _: self._refresh())
        self._job.yielded.connect(self._on_record)
        self._job.failed.connect(self._on_failed)
        self._job.ended.connect(self._on_ended)

    def _let_go(self) -> None:
        values = {"sources": self._data.sources, "pixel size": self._data.pixel_size}
        self._memory.remember(PANEL, {**values, **self._settings.remember()})
        if self._run is not None:
            self._run.abandon()
        for job in (self._loading, self._simulating, self._job):
            job.drop()
        self._data.drop_jobs()
        self._outcome.drop_jobs()
        self._curves.disconnect_viewer()

    def _recall(self) -> None:
        values = self._memory.recall(PANEL)
        # A file that somebody edited is no reason not to open.
        with contextlib.suppress(TypeError, ValueError, AttributeError):
            self._settings.recall(values)
            sources = [source for source in values.get("sources", ()) if Path(source).exists()]
            self._data.choose(sources, values.get("pixel size"))

    def _load(self) -> None:
        """Load PyTorch off the GUI thread: it takes seconds the first time."""

        def load() -> Iterator[None]:
            import napari_cellforce.train.remote  # noqa: F401

            yield None

        self._loading.start(load)

    def _on_loaded(self, complete: bool) -> None:
        self._ready = complete
        if complete:
            self._settings.show_defaults()
            self._settings.recall_numbers(self._memory.recall(PANEL))
        self._refresh()

    def _on_data(self) -> None:
        self._settings.show_cells(self._data.found)
        self._on_settings()

    def _on_settings(self) -> None:
        """Forget the run that could go on: it belongs to the settings it was started with."""
        self._unfinished = False
        self._outcome_words = ("", Tone.PLAIN)
        self._refresh()

    def _split(self) -> Split | None:
        """Return the split of the chosen cells; None if all are used for the scale.

        Raises
        ------
        CellForceError
            If they cannot be split, or none is of use.
        """
        from napari_cellforce.train import split_of

        found = self._data.found
        assert found is not None
        found.require_usable()
        if self._settings.only_scale:
            return None
        return split_of(found, self._settings.config().split)

    def _problem(self) -> CellForceError | None:
        """Return what keeps the run from being started."""
        problem = self._data.problem() or self._settings.problem()
        if problem is None and self._ready:
            try:
                self._data.show_split(self._split())
            except CellForceError as error:
                return _for_panel(error)
        return problem

    def _refresh(self) -> None:
        """Bring the button and the line above it in line with what is chosen and what runs."""
        running = self._job.running
        problem = None if running else self._problem()
        simulating = self._simulating.running
        self._sample.setVisible(not self._data.sources)
        self._sample.setEnabled(not simulating)
        self._anew.setVisible(self._unfinished and not running)
        for section in (self._data, self._settings):
            section.setEnabled(not running)
        self._button.set_offer(self._offer(), ready=problem is None and self._ready and not running)
        if not running and not simulating:
            self._button.say(*self._what_now(problem))

    def _what_now(self, problem: CellForceError | None) -> tuple[str, Tone]:
        if problem is not None and problem.topic == "data":
            return f"{WELCOME} {problem.remedy}", Tone.PLAIN
        if problem is not None and problem.topic == "reading":
            return "", Tone.PLAIN
        if problem is not None:
            return str(problem), Tone.PROBLEM
        if not self._ready:
            return "Loading PyTorch …", Tone.PLAIN
        return self._outcome_words

    def _offer(self) -> str:
        """Return what the button will do."""
        found = self._data.found
        cells = len(found.cells) if found else 0
        on = f" on {cells} {'cell' if cells == 1 else 'cells'}" if cells else ""
        if self._unfinished and self._config is not None:
            done = len(self._curves.rows)
            return f"Go on with pass {done + 1} of {self._config.optimise.epochs}"
        if self._settings.only_scale:
            return f"Find the scale of {self._settings.start_from}{on}"
        start = self._settings.start_from
        return (
            f"Fine-tune {Path(start).stem if start.endswith('.safetensors') else start}{on}"
            if start
            else f"Train a new model{on}"
        )

    def _on_record(self, record: Record) -> None:
        from napari_cellforce.train import Epoch, Step, TrainResult
        from napari_cellforce.train.preview import Preview
        from napari_cellforce.train.remote import Caution, Preparing, Scaled

        match record:
            case Preparing(what, done, total):
                self._button.say(f"{what} …")
                self._progress.prepare(done, total)
            case Step():
                self._button.say(f"Training: pass {record.epoch + 1} over the data …")
                self._progress.take(record)
            case Epoch(epoch, values):
                first = not self._curves.rows
                self._curves.add(epoch, values)
                if first:
                    self._reveal(self._curves)
            case Preview():
                self._preview.show(record)
            case Caution(text):
                self._caution.say(sentence(text[0].upper() + text[1:]), Tone.PROBLEM)
            case TrainResult():
                self._take_result(record)
            case Scaled():
                self._take_scale(record)

    def _take_result(self, result: TrainResult) -> None:
        self._unfinished = not result.finished and bool(result.history)
        self._curves.show_rows(result.history)
        if not result.history:
            self._outcome_words = ("Stopped before the first pass was done: nothing is kept.", Tone.PLAIN)
            return
        done = f"{len(result.history)} passes"
        words = f"Done after {done}." if result.finished else f"Stopped after {done}; the best state is kept."
        self._outcome_words = (words, Tone.GOOD if result.finished else Tone.PLAIN)
        self._show_card(result.model, dict(result.best))

    def _take_scale(self, scaled: Scaled) -> None:
        found = scaled.calibration
        self._outcome_words = (
            f"One unit of the model is {found.scale:.4g} Pa in your cells; with it, it explains "
            f"{max(found.r2, 0):.0%} of the vectors' variance.",
            Tone.GOOD,
        )
        self._show_card(scaled.model, {})

    def _show_card(self, model: Path, best: dict[str, float]) -> None:
        from napari_cellforce.models import checkpoint

        record = checkpoint.load(model).record
        unit = "Predicts in Pa" if record.output_unit == "Pa" else "Predicts in normalised units"
        grid = f"{unit}, made for {record.pixel_size:g} µm pixels, sees {', '.join(record.inputs)}."
        self._outcome.show_model(model, best, f"{sentence(record.training_data)} {grid}")
        self._reveal(self._outcome)

    def _on_failed(self, error: Exception) -> None:
        """Tell of it, where the eye is; what was written can go on."""
        from napari_cellforce.train.callbacks import LAST

        self._unfinished = (self._folder / LAST).is_file()
        if isinstance(error, CellForceError):
            self._outcome_words = (str(error), Tone.PROBLEM)
        else:
            self._outcome_words = ("Something went wrong that should not; see the message.", Tone.PROBLEM)
            tell(error)

    def _on_ended(self, complete: bool) -> None:
        del complete
        self._run = None
        self._progress.hide()
        self._refresh()

    def _reveal(self, widget: QWidget) -> None:
        """Scroll to a widget that has just appeared, once it has its place."""
        self._appeared = widget
        self._scrolling.start()

    def _scroll(self) -> None:
        self.findChild(QScrollArea).ensureWidgetVisible(self._appeared)

    def _on_stop(self) -> None:
        self._button.say("Stopping after this step …")
        if self._run is not None:
            self._run.stop()

    def _on_pause(self, rest: bool) -> None:
        if self._run is not None:
            (self._run.pause if rest else self._run.go_on)()
            self._button.say("Resting; press Go on to continue." if rest else "Going on …")

    def _on_anew(self) -> None:
        self._unfinished = False
        self.start()

    def _on_sample(self) -> None:
        folder = zoo.model_folder(self._model_folder or None).parent / "simulated cells to try"

        def simulate() -> Iterator[Any]:
            yield from simulate_cells(SAMPLE, folder, workers=1)
            yield folder

        self._simulating.start(simulate)
        self._refresh()

    def _on_simulated(self, record: Any) -> None:
        if isinstance(record, Path):
            self._data.take([str(record)])
        else:
            self._button.say(f"Simulating cells: {record.done} of {record.total} …")

    def _on_used(self, name: str) -> None:
        """List the model, and show it in the panel Predict forces where there is a window for it."""
        self._settings.fill()
        window = getattr(self._viewer, "window", None)
        if window is not None:
            _, panel = window.add_plugin_dock_widget("napari-cellforce", "Predict forces", tabify=True)
            panel.use_model(name)

    def _on_reset(self) -> None:
        if self._job.running:
            return
        self._data.choose((), None)
        self._settings.reset()


def _for_panel(error: CellForceError) -> CellForceError:
    """Return an error with what to do about it in the panel, where it speaks of the command line."""
    if error.topic == "split" and "cellforce finetune" in error.remedy:
        remedy = "Add cells; with one cell, let only the scale in Pa change."
        return CellForceError(error.value, error.rule, remedy, topic=error.topic)
    if "cellforce train" in error.remedy:
        remedy = "Look at the table, and mend the files or choose others."
        return CellForceError(error.value, error.rule, remedy, topic=error.topic)
    return error
