"""Data sets of synthetic cells: simulated on all cores, written as the authors' layout and as OME-TIFF."""

from napari_cellforce.simulate.config import SimulateConfig
from napari_cellforce.simulate.job import CellReport, simulate_cells

__all__ = ["CellReport", "SimulateConfig", "simulate_cells"]
