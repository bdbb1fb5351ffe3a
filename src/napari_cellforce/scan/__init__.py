"""Scans: one property of a synthetic cell is changed step by step, and several models say what it does."""

from napari_cellforce.scan.answer import Answer, evaluate_model
from napari_cellforce.scan.drawing import PARAMETERS, Drawing, Parameter
from napari_cellforce.scan.job import ScanConfig, ScanStep, scan
from napari_cellforce.scan.measures import GEL, QUANTITIES, angle_to_adhesions, measure
from napari_cellforce.scan.models import MECHANICS, ForceModel, force_model
from napari_cellforce.scan.table import column_of, curve, scan_table, trends, unit_of

__all__ = [
    "GEL",
    "MECHANICS",
    "PARAMETERS",
    "QUANTITIES",
    "Answer",
    "Drawing",
    "ForceModel",
    "Parameter",
    "ScanConfig",
    "ScanStep",
    "angle_to_adhesions",
    "column_of",
    "curve",
    "evaluate_model",
    "force_model",
    "measure",
    "scan",
    "scan_table",
    "trends",
    "unit_of",
]
