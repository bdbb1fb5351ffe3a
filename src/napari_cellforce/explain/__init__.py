"""Why a model says what it says: its fields, Green's functions, one formula, and its answers to probes."""

from napari_cellforce.explain.config import PARTS, ExplainConfig, WrittenFile, supported_parts
from napari_cellforce.explain.job import explain, explain_cells, explain_field

__all__ = [
    "PARTS",
    "ExplainConfig",
    "WrittenFile",
    "explain",
    "explain_cells",
    "explain_field",
    "supported_parts",
]
