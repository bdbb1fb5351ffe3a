"""The panel "Batch-process folder" does all of it tonight."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Any

from napari.components import ViewerModel
from napari.layers import Layer
from napari.viewer import Viewer
from qtpy.QtCore import QTimer

from napari_cellforce.batch import (
    BatchConfig,
    Brake,
    InputEvent,
    Outcome,
    Plan,
    PlannedInput,
    load,
    plan_rows,
    run,
)
from napari_cellforce.batch.tables import PAGE
from napari_cellforce.errors import CellForceError
from napari_cellforce.hooks import read_layers
from napari_cellforce.models.record import Predictor
from napari_cellforce.widgets._form import Tone
from napari_cellforce.widgets._panel import Panel
from napari_cellforce.widgets._worker import Job, tell
from napari_cellforce.widgets.batch_actions import BatchActions
from napari_cellforce.widgets.batch_folder_section import BatchFolderSection
from napari_cellforce.widgets.batch_plan_section import BatchPlanSection
from napari_cellforce.widgets.batch_progress import BatchProgress
from napari_cellforce.widgets.model_section import ModelSection
from napari_cellforce.widgets.preferences import Memory, Preferences
from napari_cellforce.widgets.run_section import RunSection

PANEL = "batch"

_PAUSE = 400
"""Milliseconds without a change until the folder is looked at."""


class BatchPanel(Panel):
    """Choose a folder and a model, see the plan, press Predict, look at results while it goes on.

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
        self._base = BatchConfig("", "", "")
        self._plan: Plan | None = None
        self._predictor: Predictor | None = None
        self._brake = Brake()
        self._outcome: Outcome | None = None
        self._wanted: BatchConfig | None = None
        self._folder = BatchFolderSection()
        self._model = ModelSection(preferences or Preferences.load())
        self._table = BatchPlanSection()
        self._button = RunSection()
        self._progress = BatchProgress()
        self._actions = BatchActions(self.config)
        self._planning, self._running = Job(self), Job(self)
        self._pause = QTimer(self)
        self._build()
        self._recall()
        self._connect()
        self._on_changed()

    def config(self) -> BatchConfig:
        """Return what is chosen.

        Raises
        ------
        CellForceError
            If something is missing.
        """
        model = self._model
        problem = model.problem()
        if problem is not None:
            raise problem
        predict = dataclasses.replace(
            self._base.predict, already_normalised=model.already_normalised, calibration=model.calibration
        )
        base = dataclasses.replace(
            self._base,
            model=model.entry.name,
            device=model.device,
            samples=model.samples,
            model_folder=model.model_folder or "",
            predict=predict,
        )
        return self._folder.config(base)

    def show_config(self, config: BatchConfig) -> None:
        """Set everything from a config."""
        self._base = config
        self._model.choose(
            config.model,
            device=config.device,
            samples=config.samples,
            already_normalised=config.predict.already_normalised,
            calibration=config.predict.calibration,
        )
        self._folder.show_config(config)

    def start(self) -> None:
        """Carry out the plan, off the GUI thread."""
        plan, predictor = self._plan, self._predictor
        if plan is None or predictor is None:
            return
        self._brake, self._outcome = Brake(), None
        brake = self._brake
        self._progress.begin(len(plan.to_do))
        self._running.start(lambda: run(plan, predictor, brake))
        self._refresh()

    def open(self, row: PlannedInput) -> None:
        """Show an image and its tractions in the viewer."""
        try:
            layers = read_layers([str(row.path), str(row.outputs.traction)])
        except CellForceError as error:
            tell(error)
            return
        for layer in layers:
            self._viewer.add_layer(Layer.create(*layer))

    def _build(self) -> None:
        sections = (
            self._folder,
            self._model,
            self._table,
            self._button,
            self._progress,
            self._actions,
        )
        self._lay_out(sections, lambda: self.show_config(BatchConfig("", "", "")), stays="results")
        self._pause.setSingleShot(True)
        self._pause.setInterval(_PAUSE)

    def _connect(self) -> None:
        self._folder.changed.connect(self._on_changed)
        self._model.changed.connect(self._on_changed)
        self._table.chosen.connect(self._refresh)
        self._table.opened.connect(self.open)
        self._button.started.connect(self.start)
        self._progress.stopped.connect(self._on_stop)
        self._progress.cancelled.connect(self._on_cancel)
        self._actions.opened.connect(self._on_open)
        self._actions.loaded.connect(self.show_config)
        self._pause.timeout.connect(self._make_plan)
        self._planning.yielded.connect(self._on_planned)
        self._planning.failed.connect(self._on_planning_failed)
        self._planning.ended.connect(self._on_plan_ended)
        self._running.yielded.connect(self._on_event)
        self._running.failed.connect(tell)
        self._running.ended.connect(self._on_run_ended)

    def _let_go(self) -> None:
        with contextlib.suppress(CellForceError):
            self._memory.remember(PANEL, {"config": self.config().to_json()})
        self._brake.cancel()
        self._pause.stop()
        for job in (self._planning, self._running):
            job.drop()
        self._model.drop_jobs()

    def _recall(self) -> None:
        text = self._memory.recall(PANEL).get("config")
        if isinstance(text, str):
            with contextlib.suppress(CellForceError):
                self.show_config(BatchConfig.from_json(text))

    def _on_changed(self) -> None:
        """Forget the plan; make another when nothing has changed for a moment."""
        if self._running.running:
            return
        try:
            wanted = self.config()
        except CellForceError as error:
            self._forget_plan()
            self._button.say(str(error), Tone.PROBLEM if error.topic != "folder" else Tone.PLAIN)
            return
        if wanted != self._wanted:
            self._forget_plan()
            self._wanted = wanted
            self._button.say("Looking at the images …")
            self._pause.start()

    def _forget_plan(self) -> None:
        self._planning.drop()
        self._pause.stop()
        self._plan = self._outcome = self._wanted = None
        self._table.clear()
        self._refresh()

    def _make_plan(self) -> None:
        config = self.config()

        def look() -> Iterator[Any]:
            predictor = load(config)
            yield predictor
            rows = []
            for row in plan_rows(config, predictor):
                rows.append(row)
                yield row
            yield Plan(config, predictor.record, tuple(rows))

        self._table.clear()
        self._planning.start(look)

    def _on_planned(self, record: Any) -> None:
        if isinstance(record, PlannedInput):
            self._table.add(record)
        elif isinstance(record, Plan):
            self._plan = record
        else:
            self._predictor = record

    def _on_planning_failed(self, error: Exception) -> None:
        if isinstance(error, CellForceError):
            self._button.say(str(error), Tone.PROBLEM)
        else:
            tell(error)

    def _on_plan_ended(self, complete: bool) -> None:
        self._refresh()
        if complete and self._plan is not None:
            self._button.say(*summary(self._plan))

    def _on_event(self, event: InputEvent | Outcome) -> None:
        if isinstance(event, Outcome):
            self._outcome = event
            return
        self._progress.take(event)
        self._table.take(event)
        if not self._brake.after_input:
            self._button.say(f"{event.what} …" if event.what else "")

    def _on_stop(self) -> None:
        self._brake.stop()
        self._button.say("Stopping when this image is finished …")

    def _on_cancel(self) -> None:
        self._brake.cancel()
        self._button.say("Stopping …")

    def _on_run_ended(self, _complete: bool) -> None:
        """Say what has come of it; then look again, for what is left can be started anew."""
        outcome = self._outcome
        self._progress.hide()
        plan, self._plan = self._plan, None
        if outcome is None or plan is None:
            self._wanted = None
            self._on_changed()
            return
        done = set(outcome.done) | set(outcome.skipped)
        rows = (dataclasses.replace(row, finished=row.name in done) for row in plan.inputs)
        self._plan = dataclasses.replace(plan, inputs=tuple(rows))
        self._refresh()
        self._button.say(*verdict(outcome))

    def _refresh(self) -> None:
        """Bring the buttons in line with plan and run."""
        plan, running = self._plan, self._running.running
        to_do = len(plan.to_do) if plan else 0
        total = len(plan.inputs) if plan else 0
        words = "Predict this folder" if not to_do else f"Predict {to_do} of {total} images"
        self._button.set_offer(words, ready=bool(to_do) and not running)
        self._folder.setEnabled(not running)
        self._model.setEnabled(not running)
        self._actions.show_results(plan.out / PAGE if plan else None, self._table.selected is not None)

    def _on_open(self) -> None:
        if self._table.selected is not None:
            self.open(self._table.selected)


def summary(plan: Plan) -> tuple[str, Tone]:
    """Return what the plan comes to, as a sentence."""
    finished = sum(row.finished for row in plan.inputs)
    parts = [f"{len(plan.to_do)} to do"]
    parts += [f"{finished} finished before"] if finished else []
    parts += [f"{len(plan.problems)} with a problem"] if plan.problems else []
    words = f"{len(plan.inputs)} images: {', '.join(parts)}. {' '.join(plan.doubts)}"
    if plan.doubts or plan.problems:
        return words, Tone.PROBLEM
    return words, Tone.PLAIN if plan.to_do else Tone.GOOD


def verdict(outcome: Outcome) -> tuple[str, Tone]:
    """Return what has come of a run, as a sentence."""
    parts = [f"{len(outcome.done)} predicted"]
    parts += [f"{len(outcome.failures)} failed"] if outcome.failures else []
    parts += [f"{len(outcome.left)} left: press Predict to go on"] if outcome.left else []
    return ", ".join(parts) + ".", Tone.GOOD if outcome.complete else Tone.PLAIN
