"""Planning and running a batch, off the GUI thread."""

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
"""Milliseconds without a change until the folder is looked at."""


class BatchRunner(QObject):
    """Makes one plan at a time and carries it out.

    Signals
    -------
    began
        The folder is being looked at.
    looked : PlannedInput
        Another row of the plan is known.
    planned : Plan
    refused : Exception
        No plan can be made.
    happened : InputEvent
        While the plan is carried out.
    broke : Exception
        The run has ended before its time.
    ended : Outcome or None
        None if it broke.
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
        """True while a plan is carried out."""
        return self._running.running

    @property
    def planning(self) -> bool:
        """True while the folder is looked at."""
        return self._planning.running

    def request_plan(self, config: BatchConfig) -> bool:
        """Plan for a config when nothing has changed for a moment; False if that is the plan there is."""
        if config == self._requested:
            return False
        self.forget()
        self._requested = config
        self._debounce.start()
        return True

    def forget(self) -> None:
        """Have no plan, and make none."""
        self._planning.cancel()
        self._debounce.stop()
        self.plan = self._outcome = self._requested = None

    def start(self) -> None:
        """Carry out the plan."""
        plan, predictors = self.plan, self._predictors
        if plan is not None:
            self.cancel_token, self._outcome, self._rows = CancelToken(), None, {}
            cancel = self.cancel_token
            self._running.start(lambda: run(plan, predictors, cancel))

    def dispose(self) -> None:
        """End everything, and hear nothing more of it."""
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
        """Tell the outcome; what is left can be started anew."""
        outcome, plan = self._outcome, self.plan
        if outcome is None or plan is None:
            self.forget()
        else:
            self.plan = replace(plan, inputs=tuple(self._rows.get(row.title, row) for row in plan.inputs))
        self.ended.emit(outcome)
