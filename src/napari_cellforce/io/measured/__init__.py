"""Displacements and tractions measured with other programs."""

from napari_cellforce.io.measured._gridding import ORIGIN, unit_warning
from napari_cellforce.io.measured._layout import MeasuredLayout
from napari_cellforce.io.measured._read import read_measured

__all__ = ["ORIGIN", "MeasuredLayout", "read_measured", "unit_warning"]
