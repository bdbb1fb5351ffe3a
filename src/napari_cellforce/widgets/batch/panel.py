"""The panel "Batch-process folder": predictions and analyses of all images of a folder."""

from __future__ import annotations

import contextlib
import dataclasses
from typing import Unpack

from napari.layers import Layer
from napari.viewer import Viewer

from napari_cellforce.batch import BatchConfig, InputEvent, Outcome, Plan, PlannedInput
from napari_cellforce.batch.summary import PAGE
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.hooks import read_layers
from napari_cellforce.text import pluralise
from napari_cellforce.widgets.base.form import Tone, collapsible
from napari_cellforce.widgets.base.hints import with_row
from napari_cellforce.widgets.base.panel import Panel, PanelOptions
from napari_cellforce.widgets.base.run_section import RunSection
from napari_cellforce.widgets.base.worker import show_error
from napari_cellforce.widgets.batch.controls import BatchActions, BatchProgress
from napari_cellforce.widgets.batch.folder_section import BatchFolderSection
from napari_cellforce.widgets.batch.parts_section import BatchModelsSection, BatchPartsSection
from napari_cellforce.widgets.batch.plan_section import BatchPlanSection
from napari_cellforce.widgets.batch.runner import BatchRunner
from napari_cellforce.widgets.batch.watch_section import WatchSection, watch_config
from napari_cellforce.widgets.shared.model_section import ModelSection

PANEL = "batch"


class BatchPanel(Panel):
    """Plans and runs a batch, and shows its progress and results.

    Parameters
    ----------
    napari_viewer : Viewer
    **options : Memory, Preferences
        Passed to `Panel`.
    """

    def __init__(self, napari_viewer: Viewer, **options: Unpack[PanelOptions]) -> None:
        super().__init__(napari_viewer, **options)
        self._base = BatchConfig("", "", ())
        self.runner = BatchRunner(self)
        self._folder = BatchFolderSection()
        self._model = ModelSection(self._preferences)
        self._models = BatchModelsSection(self._model.model_folder)
        self._parts = BatchPartsSection()
        self._table = BatchPlanSection()
        self.run_section = RunSection()
        self._progress = BatchProgress()
        self._actions = BatchActions(self.config)
        self._watch = WatchSection(napari_viewer, lambda settle: watch_config(self.config(), settle))
        self._build()
        self._recall()
        self._connect()
        self._on_model()

    def config(self) -> BatchConfig:
        """Return the chosen settings.

        Raises
        ------
        CellForceError
            If a setting is missing.
        """
        model = self._model
        problem = model.problem()
        if problem is not None:
            raise problem
        predict = model.config(self._base.predict)
        models = (model.entry.name, *self._models.chosen)
        base = dataclasses.replace(self._base, models=models, predict=predict)
        return self._parts.config(self._folder.config(base))

    def show_config(self, config: BatchConfig) -> None:
        """Show the settings of a configuration."""
        self._base = config
        first, *others = config.models or ("",)
        self._model.show_config(dataclasses.replace(config.predict, run=config.run_for(first)))
        self._models.list_models(self._model.entry.name, others)
        self._parts.show_config(config)
        self._folder.show_config(config)

    def start(self) -> None:
        """Run the plan, off the GUI thread."""
        plan = self.runner.plan
        if plan is not None:
            self._progress.begin(len(plan.to_do))
            self.runner.start()
            self._refresh()

    def open(self, row: PlannedInput) -> None:
        """Show an image and its tractions in the viewer."""
        try:
            layers = read_layers([str(row.path), str(row.outputs.traction)])
        except CellForceError as error:
            show_error(error)
            return
        for layer in layers:
            self._viewer.add_layer(Layer.create(*layer))

    def _build(self) -> None:
        watching = collapsible("Follow a running acquisition")
        watching.addWidget(self._watch)
        sections = (
            self._folder,
            self._model,
            self._models,
            self._parts,
            self._table,
            self.run_section,
            self._progress,
            self._actions,
            watching,
        )
        self._build_layout(sections, lambda: self.show_config(BatchConfig("", "", ())), unchanged="results")

    def _connect(self) -> None:
        self._model.changed.connect(self._on_model)
        for section in (self._folder, self._models, self._parts):
            section.changed.connect(self._on_changed)
        self._table.chosen.connect(self._refresh)
        self._table.opened.connect(self.open)
        self.run_section.started.connect(self.start)
        self._progress.stopped.connect(self._on_stop)
        self._progress.cancelled.connect(self._on_cancel)
        self._actions.opened.connect(self._on_open)
        self._actions.loaded.connect(self.show_config)
        self._watch.running_changed.connect(self._refresh)
        runner = self.runner
        runner.planning_started.connect(self._table.clear)
        runner.row_planned.connect(self._table.add)
        runner.planned.connect(self._on_planned)
        runner.planning_failed.connect(self._on_refused)
        runner.input_changed.connect(self._on_event)
        runner.run_failed.connect(show_error)
        runner.ended.connect(self._on_ended)

    def _remember(self) -> None:
        with contextlib.suppress(CellForceError):
            self._memory.remember(PANEL, {"config": self.config().to_json()})

    def _dispose(self) -> None:
        self.runner.dispose()
        self._watch.dispose()
        self._model.dispose()

    def _recall(self) -> None:
        text = self._memory.recall(PANEL).get("config")
        if isinstance(text, str):
            with contextlib.suppress(CellForceError):
                self.show_config(BatchConfig.from_json(text))

    def _on_model(self) -> None:
        self._models.list_models(self._model.entry.name)
        self._on_changed()

    def _on_changed(self) -> None:
        """Discard the plan and request a new one."""
        if self.runner.running:
            return
        try:
            config = self.config()
        except CellForceError as error:
            self.runner.forget()
            self._table.clear()
            self._refresh()
            self.run_section.set_status(
                with_row(error, self), Tone.PROBLEM if error.topic != Topic.FOLDER else Tone.PLAIN
            )
            return
        if self.runner.request_plan(config):
            self._table.clear()
            self._refresh()
            self.run_section.set_status("Inspecting the images …")

    def _on_planned(self, plan: Plan) -> None:
        self._refresh()
        self.run_section.set_status(*describe_plan(plan))

    def _on_refused(self, error: Exception) -> None:
        self._refresh()
        if isinstance(error, CellForceError):
            self.run_section.set_status(with_row(error, self), Tone.PROBLEM)
        else:
            show_error(error)

    def _on_event(self, event: InputEvent) -> None:
        self._progress.apply_event(event)
        self._table.apply_event(event)
        if not self.runner.cancel_token.stopping:
            self.run_section.set_status(f"{event.what} …" if event.what else "")

    def _on_stop(self) -> None:
        self.runner.cancel_token.stop()
        self.run_section.set_status("Stopping after this image …")

    def _on_cancel(self) -> None:
        self.runner.cancel_token.cancel()
        self.run_section.set_status("Stopping …")

    def _on_ended(self, outcome: Outcome | None) -> None:
        """Show the outcome; remaining images can be started again."""
        self._progress.hide()
        if outcome is None:
            self._on_changed()
            return
        self._refresh()
        self.run_section.set_status(*describe_outcome(outcome))

    def _refresh(self) -> None:
        """Update the buttons."""
        plan, running = self.runner.plan, self.runner.running or self._watch.running
        self.run_section.set_button(
            button_label(plan), ready=plan is not None and bool(plan.to_do) and not running
        )
        for section in (self._folder, self._model, self._models, self._parts):
            section.setEnabled(not running)
        self._actions.show_results(plan.out / PAGE if plan else None, self._table.selected is not None)

    def _on_open(self) -> None:
        if self._table.selected is not None:
            self.open(self._table.selected)


def button_label(plan: Plan | None) -> str:
    """Return the text of the main button."""
    if plan is None:
        return "Predict this folder"
    if not plan.to_do:
        return "All images are finished"
    images = len({row.name for row in plan.to_do})
    total = len({row.name for row in plan.inputs})
    verb = "Predict" if any(not row.predicted for row in plan.to_do) else "Complete"
    models = f" with {len(plan.records)} models" if len(plan.records) > 1 else ""
    which = pluralise(total, "image") if images == total else f"{images} of {pluralise(total, 'image')}"
    return f"{verb} {which}{models}"


def describe_plan(plan: Plan) -> tuple[str, Tone]:
    """Return a summary of a plan and its tone."""
    finished = sum(row.complete for row in plan.inputs)
    parts = [f"{len(plan.to_do)} to do"]
    parts += [f"{finished} already finished"] if finished else []
    parts += [f"{len(plan.problems)} with a problem"] if plan.problems else []
    several = f" with {len(plan.records)} models" if len(plan.records) > 1 else ""
    images = len({row.name for row in plan.inputs})
    text = f"{pluralise(images, 'image')}{several}: {', '.join(parts)}. {' '.join(plan.warnings)}"
    if plan.warnings or plan.problems:
        return text, Tone.PROBLEM
    return text, Tone.PLAIN if plan.to_do else Tone.GOOD


def describe_outcome(outcome: Outcome) -> tuple[str, Tone]:
    """Return a summary of a run and its tone."""
    parts = [f"{len(outcome.done)} done"]
    parts += [f"{len(outcome.failures)} failed"] if outcome.failures else []
    parts += [f"{len(outcome.left)} remaining: press Predict to continue"] if outcome.left else []
    return ", ".join(parts) + ".", Tone.GOOD if outcome.complete else Tone.PLAIN
