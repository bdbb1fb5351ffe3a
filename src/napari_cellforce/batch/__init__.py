"""Whole folders: planned, predicted whatever happens, summed up in one table and one page."""

from napari_cellforce.batch.brake import Brake
from napari_cellforce.batch.config import BatchConfig
from napari_cellforce.batch.course import InputEvent
from napari_cellforce.batch.models import load
from napari_cellforce.batch.plan import Plan, make_plan, plan_rows
from napari_cellforce.batch.row import PlannedInput
from napari_cellforce.batch.run import Outcome, run, run_batch

__all__ = [
    "BatchConfig",
    "Brake",
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
