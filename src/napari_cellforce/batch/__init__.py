"""Whole folders: planned, predicted despite failures, and summarised in one table and one page."""

from napari_cellforce.batch.config import BatchConfig
from napari_cellforce.batch.input_state import InputEvent
from napari_cellforce.batch.open_input import load
from napari_cellforce.batch.plan import make_plan, plan_rows
from napari_cellforce.batch.planned_input import Plan, PlannedInput
from napari_cellforce.batch.run import CancelToken, Outcome, run, run_batch

__all__ = [
    "BatchConfig",
    "CancelToken",
    "InputEvent",
    "Outcome",
    "Plan",
    "PlannedInput",
    "load",
    "make_plan",
    "plan_rows",
    "run",
    "run_batch",
]
