"""Why a model says what it says: its fields, Green's functions, one formula, and its answers to probes."""

from napari_cellforce.explain.cells_part import explain_cells
from napari_cellforce.explain.config import PARTS, ExplainConfig, Written
from napari_cellforce.explain.job import explain, explain_field

__all__ = ["PARTS", "ExplainConfig", "Written", "explain", "explain_cells", "explain_field"]
