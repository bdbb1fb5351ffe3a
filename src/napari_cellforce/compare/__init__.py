"""Two vector fields side by side: one grid, maps of their difference, numbers with intervals, figures."""

from napari_cellforce.compare.agreement import Calibration, Estimate, agreement, calibration, cell_table
from napari_cellforce.compare.alignment import FieldPair, pair_fields
from napari_cellforce.compare.job import (
    CompareConfig,
    CompareFrame,
    ComparePaths,
    Comparison,
    compare,
    compare_to_files,
    estimate_table,
    write_comparison,
)
from napari_cellforce.compare.maps import DifferenceMaps, Overview, difference_maps, edge_profile

__all__ = [
    "Calibration",
    "CompareConfig",
    "CompareFrame",
    "ComparePaths",
    "Comparison",
    "DifferenceMaps",
    "Estimate",
    "FieldPair",
    "Overview",
    "agreement",
    "calibration",
    "cell_table",
    "compare",
    "compare_to_files",
    "difference_maps",
    "edge_profile",
    "estimate_table",
    "pair_fields",
    "write_comparison",
]
