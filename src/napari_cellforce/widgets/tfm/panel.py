"""The panel "Measured traction (TFM)": from beads to tractions, step by step."""

from __future__ import annotations

import contextlib
import json
from typing import Any, Unpack

from napari.components import ViewerModel
from napari.layers import Image, Layer
from napari.viewer import Viewer
from qtpy.QtWidgets import QPushButton

from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import PixelSize, Progress, VectorField
from napari_cellforce.io import read_field
from napari_cellforce.layers import METADATA_KEY, ArrowStyle
from napari_cellforce.physics.displacement import Drift
from napari_cellforce.tfm import TfmConfig, TfmJob, TfmResult
from napari_cellforce.viewer.coordinates import place_of
from napari_cellforce.viewer.images import input_images
from napari_cellforce.widgets.base.form import Tone, collapsible
from napari_cellforce.widgets.base.hints import with_row
from napari_cellforce.widgets.base.panel import Panel, PanelOptions
from napari_cellforce.widgets.base.run_section import RunSection
from napari_cellforce.widgets.base.worker import Job, error_text, show_error
from napari_cellforce.widgets.shared.import_dialog import open_field
from napari_cellforce.widgets.shared.measured_fields import displayed_fields, show_field
from napari_cellforce.widgets.tfm.folder_section import TfmFolderSection
from napari_cellforce.widgets.tfm.results_section import TfmExportSection, TfmResultsTable
from napari_cellforce.widgets.tfm.settings_section import TfmSettingsSection
from napari_cellforce.widgets.tfm.source_section import (
    BEADS,
    GEL,
    TRACTION_FIELD,
    TfmSourceSection,
    sample_beads,
)
from napari_cellforce.widgets.tfm.steps import (
    DISPLACEMENT,
    DRIFT,
    REGULARISATION,
    STEPS,
    TRACTION,
    StepResult,
    StepResults,
    displacement_of,
    drift_corrected,
    invert_displacement,
    measure_steps,
    step_keys,
)
from napari_cellforce.widgets.tfm.steps_section import TfmStepsSection


class TfmLayers:
    """Adds results to a viewer; repeating a step replaces its layers."""

    def __init__(self, viewer: ViewerModel, arrow_style: ArrowStyle) -> None:
        self._viewer, self._arrow_style = viewer, arrow_style

    def show(
        self, step: str, result: Any, job: TfmJob | None, image: tuple[Image, PixelSize] | None = None
    ) -> None:
        """Show what came of a step; without a job, that of a displacement that was opened.

        Parameters
        ----------
        step : str
        result : object
        job : TfmJob or None
        image : tuple of Image and PixelSize, optional
            The loaded beads, and the pixel size that was taken for them.
        """
        if step == TRACTION:
            self._show_traction(result, image)
        elif step == DRIFT and job is not None and image is not None:
            self._show_drift_corrected(job, result, image[0])
        elif step == DISPLACEMENT and job is not None:
            show_field(self._viewer, displacement_of(job, result), self._arrow_style, on=image, visible=False)

    def _show_traction(self, result: TfmResult, image: tuple[Image, PixelSize] | None) -> None:
        shown = displayed_fields(self._viewer) if image is None else ()
        beside = next((field for field in shown if field.field is result.displacement), None)
        show_field(self._viewer, result.traction, self._arrow_style, on=image, beside=beside)
        self._viewer.canvas.overlays.scale_bar.visible = True

    def _show_drift_corrected(self, job: TfmJob, drifts: list[Drift], source: Image) -> None:
        """Show the drift-corrected loaded image over the reference: white where they agree."""
        name = f"{job.loaded.name}, drift corrected"
        if name in self._viewer.layers:
            self._viewer.layers.remove(name)
        if source not in self._viewer.layers:  # removed in the meantime
            return
        place = place_of(source)
        layer = Image(
            place.fit(drift_corrected(job, drifts)),
            **place.attributes,
            name=name,
            colormap="green",
            blending="additive",
            visible=False,
            contrast_limits=source.contrast_limits,
            metadata={METADATA_KEY: {"role": "step"}},
        )
        active = self._viewer.layers.selection.active
        self._viewer.layers.insert(self._viewer.layers.index(source) + 1, layer)
        self._viewer.layers.selection.active = active


PANEL = "tfm"
WELCOME = "Computes tractions from images of beads in the gel."
_TRACTION = STEPS[-1]


class TfmPanel(Panel):
    """Measures tractions from bead images or a displacement, or opens a traction.

    Parameters
    ----------
    napari_viewer : Viewer
    **options : Memory, Preferences
        Passed to `Panel`.
    """

    def __init__(self, napari_viewer: Viewer, **options: Unpack[PanelOptions]) -> None:
        super().__init__(napari_viewer, **options)
        self._arrow_style = self._preferences.arrows
        self._steps = StepResults()
        self._running: TfmJob | None = None
        self._measured_on: tuple[Image, PixelSize] | None = None
        self._result: TfmResult | None = None
        self._config: TfmConfig | None = None
        self.failure = ""
        self._layers = TfmLayers(self._viewer, self._arrow_style)
        self.source = TfmSourceSection(self._viewer)
        self.settings = TfmSettingsSection()
        self.run_section = RunSection()
        self.progress = TfmStepsSection(self._viewer)
        self._numbers = TfmResultsTable(self._viewer)
        self.export = TfmExportSection(self._viewer)
        self._folder = TfmFolderSection(self.settings.config)
        self.job = Job(self)
        self._build()
        self._recall()
        self._connect()
        self._refresh()

    @property
    def traction(self) -> VectorField | None:
        """Traction that was measured or opened last, in Pa."""
        return None if self._result is None else self._result.traction

    @property
    def result(self) -> TfmResult | None:
        """Traction and displacement, as measured or opened last."""
        return self._result

    @property
    def numbers(self) -> TfmResultsTable:
        """The section with forces, moments and energies."""
        return self._numbers

    @property
    def folder(self) -> TfmFolderSection:
        """The section that measures a whole folder."""
        return self._folder

    def measure(self, last: str = _TRACTION) -> None:
        """Run the steps that are missing or out of date, up to step `last`, off the GUI thread."""
        try:
            config = self.settings.config()
        except CellForceError as error:
            self.failure = with_row(error, self)
            show_error(error)
            self._refresh()
            return
        keys, self._config, self.failure = self._keys(config), config, ""
        field = self.source.displacement
        self._running = None
        if self.source.kind == BEADS:
            created, self._measured_on = self.source.job(config), self.source.loaded_image
            self.job.start(lambda: measure_steps(created, self._steps, keys, last))
        elif field is not None:
            window, self._measured_on = self.source.window, None
            self.job.start(lambda: invert_displacement(field, window, config, keys))
        self._refresh()

    def open_file(self) -> None:
        """Ask for a displacement or traction file and show it."""
        opened = open_field(self, self._viewer, self._memory)
        if opened is not None:
            field, image = opened
            show_field(self._viewer, field, self._arrow_style, on=image)
            if field.quantity == "traction":
                self.show_result(TfmResult(field), None)
            self._refresh()

    def open_result(self, path: str) -> None:
        """Show a traction that was measured in a folder."""
        try:
            show_field(self._viewer, read_field(path), self._arrow_style)
        except CellForceError as error:
            show_error(error)

    def _build(self) -> None:
        self.sample = QPushButton("Try it on sample beads")
        self.sample.setToolTip("Images of beads in a gel of 8 kPa, at rest and displaced by a simulated cell")
        self.sample.clicked.connect(self._open_sample)
        whole = collapsible("A whole folder")
        whole.addWidget(self._folder)
        after = (self._numbers, self.export, whole)
        sections = (self.sample, self.source, self.settings, self.run_section, self.progress, *after)
        self._build_layout(sections, self.settings.reset, unchanged="gel and layers")

    def _connect(self) -> None:
        self.source.changed.connect(self._on_changed)
        self.source.opened.connect(self.open_file)
        self.settings.changed.connect(self._on_changed)
        self.run_section.started.connect(lambda: self.measure())
        self.run_section.stopped.connect(self.job.stop)
        self.progress.requested.connect(self._on_step_requested)
        self._folder.opened.connect(self.open_result)
        self.job.yielded.connect(self._on_record)
        self.job.failed.connect(self._on_failed)
        self.job.ended.connect(self._refresh)

    def _remember(self) -> None:
        with contextlib.suppress(CellForceError):
            self._memory.remember(PANEL, {"preset": self.settings.config().to_json()})

    def _dispose(self) -> None:
        self.job.cancel()
        self.source.dispose()
        self.progress.dispose()
        self._numbers.dispose()
        self._folder.dispose()

    def _recall(self) -> None:
        # A damaged settings file must not keep the panel from opening.
        with contextlib.suppress(CellForceError, TypeError, json.JSONDecodeError):
            preset = self._memory.recall(PANEL).get("preset")
            if preset:
                self.settings.show_config(TfmConfig.from_json(preset))

    def _keys(self, config: TfmConfig) -> dict[str, Any]:
        return step_keys(config, self.source.key, self.source.place)

    def _on_changed(self) -> None:
        self.failure = ""
        self._folder.find_pairs()
        self._refresh()

    def _on_step_requested(self, step: str) -> None:
        """Repeat a step, and run missing steps before it."""
        self._steps.invalidate_from(step)
        self.measure(step)

    def _problem(self) -> CellForceError | None:
        problem = self.source.problem()
        if problem is None and self.source.kind != TRACTION_FIELD:
            try:
                self.settings.config()
            except CellForceError as error:
                return error
        return problem

    def _refresh(self, complete: bool = True) -> None:
        """Update the buttons, the steps and the status line."""
        del complete
        kind, running, problem = self.source.kind, self.job.running, self._problem()
        self.sample.setVisible(not input_images(self._viewer) and self._result is None)
        for section in (self.settings, self.run_section, self.progress):
            section.setVisible(kind != TRACTION_FIELD)
        ready = problem is None and not running
        self.run_section.set_button(
            "Measure the traction" if kind == BEADS else "Compute the traction", ready=ready
        )
        self.run_section.set_running(running)
        self.progress.show_steps(STEPS if kind == BEADS else (REGULARISATION, _TRACTION), ready=ready)
        self._show_stale()
        self.export.refresh(self._result, self.source.cell)
        if not running:
            self.run_section.set_status(*self._status(problem))

    def _show_stale(self) -> None:
        try:
            keys = self._keys(self.settings.config())
        except CellForceError:
            keys = {}
        for step in STEPS:
            self.progress.show_step(
                step, self._steps.summary(step), is_stale=self._steps.is_stale(step, keys)
            )

    def _status(self, problem: CellForceError | None) -> tuple[str, Tone]:
        if not input_images(self._viewer) and self.source.kind == BEADS:
            return f"{WELCOME} {problem}", Tone.PLAIN
        if problem is not None:
            text = with_row(problem, self)
            # A missing input is not an error.
            return text[:1].upper() + text[1:], Tone.PLAIN if text.startswith("No ") else Tone.PROBLEM
        if self.failure:
            return self.failure, Tone.PROBLEM
        if self.progress.any_stale:
            return (
                "A setting has changed: press the button to repeat the steps that are out of date.",
                Tone.PLAIN,
            )
        if self._result is not None and self._steps.summary(_TRACTION):
            return "Each step is shown as a layer: check it. Next: Compare with measured.", Tone.GOOD
        return "", Tone.PLAIN

    def _on_record(self, record: Any) -> None:
        if isinstance(record, Progress):
            self.run_section.set_status(f"{record.what} …")
            self.run_section.show_progress(record.done, record.total)
        elif isinstance(record, TfmJob):
            self._running = record
        elif isinstance(record, StepResult):
            self._steps.store(record)
            self._show_done(record)
            self._show_stale()
        else:
            self._show_sample(record)

    def _show_done(self, done: StepResult) -> None:
        if done.step == REGULARISATION:
            self.progress.show_choice(done.result)
        self._layers.show(done.step, done.result, self._running, self._measured_on)
        if done.step == _TRACTION:
            self.show_result(done.result, self._config)

    def show_result(self, result: TfmResult, config: TfmConfig | None) -> None:
        """Show a measured traction and its numbers."""
        self._result = result
        self._numbers.show_result(result, config)

    def _on_failed(self, error: Exception) -> None:
        self.failure = error_text(error)

    def _open_sample(self) -> None:
        self.job.start(sample_beads)
        self._refresh()

    def _show_sample(self, layers: list[Any]) -> None:
        # napari returns a proxy of added layers; the selection needs the layers themselves.
        created = [Layer.create(*data) for data in layers]
        self._viewer.layers.extend(created)
        self.source.choose(created[-3], created[-2])
        self.source.choose_cell(created[-1])
        self.settings.show_config(TfmConfig(GEL))
