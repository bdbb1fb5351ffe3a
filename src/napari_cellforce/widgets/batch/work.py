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

_PAUSE = 400
"""Milliseconds without a change until the folder is looked at."""


class BatchWork(QObject):
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

    began = Signal()
    looked = Signal(object)
    planned = Signal(object)
    refused = Signal(object)
    happened = Signal(object)
    broke = Signal(object)
    ended = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.plan: Plan | None = None
        self.cancel_token = CancelToken()
        self._predictors: tuple[Predictor, ...] = ()
        self._wanted: BatchConfig | None = None
        self._outcome: Outcome | None = None
        self._rows: dict[str, PlannedInput] = {}
        self._planning, self._running = Job(self), Job(self)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_PAUSE)
        self._pause.timeout.connect(self._look)
        self._planning.yielded.connect(self._on_planned)
        self._planning.failed.connect(self.refused)
        self._running.yielded.connect(self._on_event)
        self._running.failed.connect(self.broke)
        self._running.ended.connect(self._on_run_ended)

    @property
    def running(self) -> bool:
        """True while a plan is carried out."""
        return self._running.running

    @property
    def planning(self) -> bool:
        """True while the folder is looked at."""
        return self._planning.running

    def want(self, config: BatchConfig) -> bool:
        """Plan for a config when nothing has changed for a moment; False if that is the plan there is."""
        if config == self._wanted:
            return False
        self.forget()
        self._wanted = config
        self._pause.start()
        return True

    def forget(self) -> None:
        """Have no plan, and make none."""
        self._planning.drop()
        self._pause.stop()
        self.plan = self._outcome = self._wanted = None

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
        self._pause.stop()
        for job in (self._planning, self._running):
            job.drop()

    def _look(self) -> None:
        config = self._wanted
        if config is None:
            return

        def look() -> Iterator[Any]:
            predictors = load(config)
            yield predictors
            rows = []
            for row in plan_rows(config, predictors):
                rows.append(row)
                yield row
            yield Plan(config, tuple(predictor.record for predictor in predictors), tuple(rows))

        self.began.emit()
        self._planning.start(look)

    def _on_planned(self, record: Any) -> None:
        if isinstance(record, PlannedInput):
            self.looked.emit(record)
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
            self.happened.emit(event)

    def _on_run_ended(self, _complete: bool) -> None:
        """Tell the outcome; what is left can be started anew."""
        outcome, plan = self._outcome, self.plan
        if outcome is None or plan is None:
            self.forget()
        else:
            self.plan = replace(plan, inputs=tuple(self._rows.get(row.title, row) for row in plan.inputs))
        self.ended.emit(outcome)
