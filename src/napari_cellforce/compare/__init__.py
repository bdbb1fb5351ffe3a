"""Two vector fields side by side: one grid, maps of their difference, numbers with intervals, figures."""

from napari_cellforce.compare.agreement import Agreement, Calibration, agreement, calibration, cell_table
from napari_cellforce.compare.alignment import FieldPair, pair_fields
from napari_cellforce.compare.job import (
    CompareConfig,
    CompareFrame,
    ComparePaths,
    Comparison,
    compare,
    compare_to_files,
    number_table,
    write_comparison,
)
from napari_cellforce.compare.maps import Maps, difference_maps
from napari_cellforce.compare.overview import Overview
from napari_cellforce.compare.profile import edge_profile

__all__ = [
    "Agreement",
    "Calibration",
    "CompareConfig",
    "CompareFrame",
    "ComparePaths",
    "Comparison",
    "FieldPair",
    "Maps",
    "Overview",
    "agreement",
    "calibration",
    "cell_table",
    "compare",
    "compare_to_files",
    "difference_maps",
    "edge_profile",
    "number_table",
    "pair_fields",
    "write_comparison",
]
