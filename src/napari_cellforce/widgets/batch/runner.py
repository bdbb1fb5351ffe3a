"""Planning and running a batch off the GUI thread."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from qtpy.QtCore import QObject, QTimer, Signal

from napari_cellforce.batch import (
    BatchConfig,
    CancelToken,
    InputEvent,
    Outcome,
    Plan,
    PlannedInput,
    load,
    plan_rows,
    run,
)
from napari_cellforce.models.record import Predictor
from napari_cellforce.widgets.base.worker import Job

_DEBOUNCE = 400
"""Milliseconds without a change before a plan is made."""


class BatchRunner(QObject):
    """Makes one plan at a time and runs it.

    Signals
    -------
    began
        The folder is inspected.
    looked : PlannedInput
        A row of the plan was added.
    planned : Plan
    refused : Exception
        Planning failed.
    happened : InputEvent
        Progress of an input during the run.
    broke : Exception
        The run was aborted by an error.
    ended : Outcome or None
        None if the run was aborted.
    """

    planning_started = Signal()
    row_planned = Signal(object)
    planned = Signal(object)
    planning_failed = Signal(object)
    input_changed = Signal(object)
    run_failed = Signal(object)
    ended = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.plan: Plan | None = None
        self.cancel_token = CancelToken()
        self._predictors: tuple[Predictor, ...] = ()
        self._requested: BatchConfig | None = None
        self._outcome: Outcome | None = None
        self._rows: dict[str, PlannedInput] = {}
        self._planning, self._running = Job(self), Job(self)
        self._debounce = QTimer(self)
        self._debounce.setSingleShot(True)
        self._debounce.setInterval(_DEBOUNCE)
        self._debounce.timeout.connect(self._start_planning)
        self._planning.yielded.connect(self._on_planned)
        self._planning.failed.connect(self.planning_failed)
        self._running.yielded.connect(self._on_event)
        self._running.failed.connect(self.run_failed)
        self._running.ended.connect(self._on_run_ended)

    @property
    def running(self) -> bool:
        """True while a plan is run."""
        return self._running.running

    @property
    def planning(self) -> bool:
        """True while a plan is made."""
        return self._planning.running

    def request_plan(self, config: BatchConfig) -> bool:
        """Request a plan after a short time without changes; return False if the plan is up to date."""
        if config == self._requested:
            return False
        self.forget()
        self._requested = config
        self._debounce.start()
        return True

    def forget(self) -> None:
        """Discard the plan and stop planning."""
        self._planning.cancel()
        self._debounce.stop()
        self.plan = self._outcome = self._requested = None

    def start(self) -> None:
        """Run the plan."""
        plan, predictors = self.plan, self._predictors
        if plan is not None:
            self.cancel_token, self._outcome, self._rows = CancelToken(), None, {}
            cancel = self.cancel_token
            self._running.start(lambda: run(plan, predictors, cancel))

    def dispose(self) -> None:
        """Cancel all jobs and ignore their results."""
        self.cancel_token.cancel()
        self._debounce.stop()
        for job in (self._planning, self._running):
            job.cancel()

    def _start_planning(self) -> None:
        config = self._requested
        if config is None:
            return

        def make_plan() -> Iterator[Any]:
            predictors = load(config)
            yield predictors
            rows = []
            for row in plan_rows(config, predictors):
                rows.append(row)
                yield row
            yield Plan(config, tuple(predictor.record for predictor in predictors), tuple(rows))

        self.planning_started.emit()
        self._planning.start(make_plan)

    def _on_planned(self, record: Any) -> None:
        if isinstance(record, PlannedInput):
            self.row_planned.emit(record)
        elif isinstance(record, Plan):
            self.plan = record
            self.planned.emit(record)
        else:
            self._predictors = record

    def _on_event(self, event: InputEvent | Outcome) -> None:
        if isinstance(event, Outcome):
            self._outcome = event
        else:
            self._rows[event.row.title] = replace(event.row, finished=event.finished)
            self.input_changed.emit(event)

    def _on_run_ended(self, _complete: bool) -> None:
        """Update the plan and emit the outcome; remaining inputs can be started again."""
        outcome, plan = self._outcome, self.plan
        if outcome is None or plan is None:
            self.forget()
        else:
            self.plan = replace(plan, inputs=tuple(self._rows.get(row.title, row) for row in plan.inputs))
        self.ended.emit(outcome)
