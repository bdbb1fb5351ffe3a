"""The panel "Measured traction (TFM)": from beads to tractions, step by step."""

from __future__ import annotations

import contextlib
import json
from typing import Any, Unpack

from napari.layers import Layer
from napari.viewer import Viewer
from qtpy.QtWidgets import QPushButton

from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import VectorField
from napari_cellforce.io import read_field
from napari_cellforce.predict import Progress
from napari_cellforce.tfm import TfmConfig, TfmJob, TfmResult
from napari_cellforce.widgets.base.form import Tone, folded
from napari_cellforce.widgets.base.panel import Panel, PanelOptions
from napari_cellforce.widgets.base.run_section import RunSection
from napari_cellforce.widgets.base.worker import Job, tell, words_of
from napari_cellforce.widgets.tfm.export import TfmExport
from napari_cellforce.widgets.tfm.folder import TfmFolder
from napari_cellforce.widgets.tfm.layers import TfmLayers
from napari_cellforce.widgets.tfm.numbers import TfmNumbers
from napari_cellforce.widgets.tfm.sample import GEL, sample_beads
from napari_cellforce.widgets.tfm.settings import TfmSettings
from napari_cellforce.widgets.tfm.source import BEADS, TRACTION, TfmSource
from napari_cellforce.widgets.tfm.steps import Done, Steps, keys_of, measure_steps, traction_of
from napari_cellforce.widgets.tfm.steps_section import TfmStepsSection
from napari_cellforce.widgets.tfm.words import REGULARISATION, STEPS
from napari_cellforce.widgets.view.import_dialog import open_field
from napari_cellforce.widgets.view.measured_fields import show_field
from napari_cellforce.widgets.view.sources import images

PANEL = "tfm"
WELCOME = "From images of beads in the gel to the traction that moved them."
_TRACTION = STEPS[-1]


class TfmPanel(Panel):
    """Choose bead images or a displacement, describe the gel, see the traction; or open one.

    Parameters
    ----------
    napari_viewer : Viewer
    **options : Memory, Preferences
        Passed to `Panel`.
    """

    def __init__(self, napari_viewer: Viewer, **options: Unpack[PanelOptions]) -> None:
        super().__init__(napari_viewer, **options)
        self._look = self._preferences.arrows
        self._steps = Steps()
        self._running: TfmJob | None = None
        self._result: TfmResult | None = None
        self._config: TfmConfig | None = None
        self._failed = ""
        self._layers = TfmLayers(self._viewer, self._look)
        self._source = TfmSource(self._viewer)
        self._settings = TfmSettings()
        self._run = RunSection()
        self._progress = TfmStepsSection(self._viewer)
        self._numbers = TfmNumbers(self._viewer)
        self._export = TfmExport(self._viewer)
        self._folder = TfmFolder(self._settings.config)
        self._job = Job(self)
        self._build()
        self._recall()
        self._connect()
        self._refresh()

    @property
    def traction(self) -> VectorField | None:
        """What was measured or opened last, in Pa."""
        return None if self._result is None else self._result.traction

    @property
    def result(self) -> TfmResult | None:
        """Traction and displacement, as measured or opened last."""
        return self._result

    @property
    def numbers(self) -> TfmNumbers:
        """The section with forces, moments and energies."""
        return self._numbers

    @property
    def folder(self) -> TfmFolder:
        """The section that measures a whole folder."""
        return self._folder

    def measure(self, last: str = _TRACTION) -> None:
        """Do what is not done yet, up to a step, off the GUI thread."""
        try:
            config = self._settings.config()
        except CellForceError as error:
            self._failed = str(error)
            tell(error)
            self._refresh()
            return
        keys, self._config, self._failed = self._keys(config), config, ""
        field = self._source.displacement
        self._running = None
        if self._source.kind == BEADS:
            made = self._source.job(config)
            self._job.start(lambda: measure_steps(made, self._steps, keys, last))
        elif field is not None:
            window = self._source.window
            self._job.start(lambda: traction_of(field, window, config, keys))
        self._refresh()

    def open_file(self) -> None:
        """Ask for a displacement or traction file and show it."""
        field = open_field(self, self._viewer, self._memory)
        if field is not None:
            show_field(self._viewer, field, self._look)
            if field.quantity == "traction":
                self._take(TfmResult(field), None)
            self._refresh()

    def open_result(self, path: str) -> None:
        """Show a traction that was measured with a folder."""
        try:
            show_field(self._viewer, read_field(path), self._look)
        except CellForceError as error:
            tell(error)

    def _build(self) -> None:
        self._sample = QPushButton("Try it on sample beads")
        self._sample.setToolTip("Draws beads in a gel of 8 kPa, at rest and pulled by a simulated cell")
        self._sample.clicked.connect(self._open_sample)
        whole = folded("A whole folder")
        whole.addWidget(self._folder)
        after = (self._numbers, self._export, whole)
        sections = (self._sample, self._source, self._settings, self._run, self._progress, *after)
        self._lay_out(sections, self._settings.reset, stays="gel and layers")

    def _connect(self) -> None:
        self._source.changed.connect(self._on_changed)
        self._source.opened.connect(self.open_file)
        self._settings.changed.connect(self._on_changed)
        self._run.started.connect(lambda: self.measure())
        self._run.stopped.connect(self._job.stop)
        self._progress.wanted.connect(self._on_wanted)
        self._folder.opened.connect(self.open_result)
        self._job.yielded.connect(self._on_record)
        self._job.failed.connect(self._on_failed)
        self._job.ended.connect(self._refresh)

    def _let_go(self) -> None:
        with contextlib.suppress(CellForceError):
            self._memory.remember(PANEL, {"preset": self._settings.config().to_json()})
        self._job.drop()
        self._source.disconnect_viewer()
        self._progress.disconnect_viewer()
        self._numbers.disconnect_viewer()
        self._folder.let_go()

    def _recall(self) -> None:
        # A file that somebody edited is no reason not to open.
        with contextlib.suppress(CellForceError, TypeError, json.JSONDecodeError):
            preset = self._memory.recall(PANEL).get("preset")
            if preset:
                self._settings.show_config(TfmConfig.from_json(preset))

    def _keys(self, config: TfmConfig) -> dict[str, Any]:
        return keys_of(config, self._source.key, self._source.place)

    def _on_changed(self) -> None:
        self._failed = ""
        self._folder.look()
        self._refresh()

    def _on_wanted(self, step: str) -> None:
        """Do a step again, and those before it that are not done."""
        self._steps.forget_from(step)
        self.measure(step)

    def _problem(self) -> CellForceError | None:
        problem = self._source.problem()
        if problem is None and self._source.kind != TRACTION:
            try:
                self._settings.config()
            except CellForceError as error:
                return error
        return problem

    def _refresh(self, complete: bool = True) -> None:
        """Bring buttons and words in line with what is chosen, done and running."""
        del complete
        kind, running, problem = self._source.kind, self._job.running, self._problem()
        self._sample.setVisible(not images(self._viewer) and self._result is None)
        for section in (self._settings, self._run, self._progress):
            section.setVisible(kind != TRACTION)
        ready = problem is None and not running
        self._run.set_offer("Measure the traction" if kind == BEADS else "Compute the traction", ready=ready)
        self._run.set_running(running)
        self._progress.show_steps(STEPS if kind == BEADS else (REGULARISATION, _TRACTION), ready=ready)
        self._show_stale()
        self._export.refresh(self._result, self._source.cell)
        if not running:
            self._run.set_status(*self._what_now(problem))

    def _show_stale(self) -> None:
        try:
            keys = self._keys(self._settings.config())
        except CellForceError:
            keys = {}
        for step in STEPS:
            self._progress.show_step(step, self._steps.summary(step), stale=self._steps.stale(step, keys))

    def _what_now(self, problem: CellForceError | None) -> tuple[str, Tone]:
        if not images(self._viewer) and self._source.kind == BEADS:
            return f"{WELCOME} {problem}", Tone.PLAIN
        if problem is not None:
            text = str(problem)
            # What has not been begun is no mistake.
            return text[:1].upper() + text[1:], Tone.PLAIN if text.startswith("No ") else Tone.PROBLEM
        if self._failed:
            return self._failed, Tone.PROBLEM
        if self._progress.any_stale:
            return "A setting has changed: press the button to do again what is stale.", Tone.PLAIN
        if self._result is not None and self._steps.summary(_TRACTION):
            return "Each step is a layer: check it. Next: Compare with measured.", Tone.GOOD
        return "", Tone.PLAIN

    def _on_record(self, record: Any) -> None:
        if isinstance(record, Progress):
            self._run.set_status(f"{record.what} …")
            self._run.show_progress(record.done, record.total)
        elif isinstance(record, TfmJob):
            self._running = record
        elif isinstance(record, Done):
            self._steps.take(record)
            self._show_done(record)
            self._show_stale()
        else:
            self._show_sample(record)

    def _show_done(self, done: Done) -> None:
        if done.step == REGULARISATION:
            self._progress.show_choice(done.result)
        self._layers.show(done.step, done.result, self._running)
        if done.step == _TRACTION:
            self._take(done.result, self._config)

    def _take(self, result: TfmResult, config: TfmConfig | None) -> None:
        self._result = result
        self._numbers.show_result(result, config)

    def _on_failed(self, error: Exception) -> None:
        self._failed = words_of(error)

    def _open_sample(self) -> None:
        self._job.start(sample_beads)
        self._refresh()

    def _show_sample(self, layers: list[Any]) -> None:
        # napari gives a proxy of what it adds; choosing needs the layers themselves.
        made = [Layer.create(*data) for data in layers]
        self._viewer.layers.extend(made)
        self._source.choose(made[-3], made[-2])
        self._source.choose_cell(made[-1])
        self._settings.show_config(TfmConfig(GEL))
