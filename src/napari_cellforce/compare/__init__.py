"""Two vector fields side by side: one grid, maps of their difference, numbers with intervals, figures."""

from typing import TYPE_CHECKING

from napari_cellforce.lazy import lazy_names

if TYPE_CHECKING:
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
    from napari_cellforce.compare.statistics import Calibration, Estimate, agreement, calibration, cell_table

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

__getattr__ = lazy_names(
    __name__,
    {
        "napari_cellforce.compare.statistics": (
            "Calibration",
            "Estimate",
            "agreement",
            "calibration",
            "cell_table",
        ),
        "napari_cellforce.compare.alignment": (
            "FieldPair",
            "pair_fields",
        ),
        "napari_cellforce.compare.job": (
            "CompareConfig",
            "CompareFrame",
            "ComparePaths",
            "Comparison",
            "compare",
            "compare_to_files",
            "estimate_table",
            "write_comparison",
        ),
        "napari_cellforce.compare.maps": (
            "DifferenceMaps",
            "Overview",
            "difference_maps",
            "edge_profile",
        ),
    },
)
