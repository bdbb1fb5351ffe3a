"""Data sets of synthetic cells: simulated on all cores, written as the authors' layout and as OME-TIFF."""

from typing import TYPE_CHECKING

from napari_cellforce.lazy import lazy_names

if TYPE_CHECKING:
    from napari_cellforce.simulate.config import SimulateConfig
    from napari_cellforce.simulate.job import CellReport, simulate_cells

__all__ = ["CellReport", "SimulateConfig", "simulate_cells"]

__getattr__ = lazy_names(
    __name__,
    {
        "napari_cellforce.simulate.config": ("SimulateConfig",),
        "napari_cellforce.simulate.job": (
            "CellReport",
            "simulate_cells",
        ),
    },
)
