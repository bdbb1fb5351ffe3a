"""Why a model says what it says: its fields, Green's functions, one formula, and its answers to probes."""

from typing import TYPE_CHECKING

from napari_cellforce.lazy import lazy_names

if TYPE_CHECKING:
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

__getattr__ = lazy_names(
    __name__,
    {
        "napari_cellforce.explain.config": (
            "PARTS",
            "ExplainConfig",
            "WrittenFile",
            "supported_parts",
        ),
        "napari_cellforce.explain.job": (
            "explain",
            "explain_cells",
            "explain_field",
        ),
    },
)
