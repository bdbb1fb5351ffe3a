"""Whole folders: planned, predicted despite failures, and summarised in one table and one page."""

from typing import TYPE_CHECKING

from napari_cellforce.lazy import lazy_names

if TYPE_CHECKING:
    from napari_cellforce.batch.config import BatchConfig
    from napari_cellforce.batch.input_state import InputEvent
    from napari_cellforce.batch.job import CancelToken, Outcome, run, run_batch
    from napari_cellforce.batch.open_input import load
    from napari_cellforce.batch.plan import make_plan, plan_rows
    from napari_cellforce.batch.planned_input import Plan, PlannedInput

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

__getattr__ = lazy_names(
    __name__,
    {
        "napari_cellforce.batch.config": ("BatchConfig",),
        "napari_cellforce.batch.input_state": ("InputEvent",),
        "napari_cellforce.batch.open_input": ("load",),
        "napari_cellforce.batch.plan": (
            "make_plan",
            "plan_rows",
        ),
        "napari_cellforce.batch.planned_input": (
            "Plan",
            "PlannedInput",
        ),
        "napari_cellforce.batch.job": (
            "CancelToken",
            "Outcome",
            "run",
            "run_batch",
        ),
    },
)
