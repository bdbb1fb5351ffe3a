"""Scans: one property of a synthetic cell is changed step by step, and several models say what it does."""

from typing import TYPE_CHECKING

from napari_cellforce.lazy import lazy_names

if TYPE_CHECKING:
    from napari_cellforce.scan.drawing import PARAMETERS, Drawing, Parameter
    from napari_cellforce.scan.evaluate_cell import (
        GEL,
        QUANTITIES,
        CellEvaluation,
        angle_to_adhesions,
        evaluate_model,
        measure_traction,
    )
    from napari_cellforce.scan.job import ScanConfig, ScanStep, scan
    from napari_cellforce.scan.models import MECHANICS, ForceModel, force_model
    from napari_cellforce.scan.table import column_unit, find_column, mean_curve, scan_table, trends

__all__ = [
    "GEL",
    "MECHANICS",
    "PARAMETERS",
    "QUANTITIES",
    "CellEvaluation",
    "Drawing",
    "ForceModel",
    "Parameter",
    "ScanConfig",
    "ScanStep",
    "angle_to_adhesions",
    "column_unit",
    "evaluate_model",
    "find_column",
    "force_model",
    "mean_curve",
    "measure_traction",
    "scan",
    "scan_table",
    "trends",
]

__getattr__ = lazy_names(
    __name__,
    {
        "napari_cellforce.scan.drawing": (
            "PARAMETERS",
            "Drawing",
            "Parameter",
        ),
        "napari_cellforce.scan.evaluate_cell": (
            "GEL",
            "QUANTITIES",
            "CellEvaluation",
            "angle_to_adhesions",
            "evaluate_model",
            "measure_traction",
        ),
        "napari_cellforce.scan.job": (
            "ScanConfig",
            "ScanStep",
            "scan",
        ),
        "napari_cellforce.scan.models": (
            "MECHANICS",
            "ForceModel",
            "force_model",
        ),
        "napari_cellforce.scan.table": (
            "column_unit",
            "find_column",
            "mean_curve",
            "scan_table",
            "trends",
        ),
    },
)
