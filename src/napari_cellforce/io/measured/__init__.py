"""Displacements and tractions measured with other programs."""

from napari_cellforce.io.measured._layout import MeasuredLayout
from napari_cellforce.io.measured._read import read_measured
from napari_cellforce.io.measured._scattered import ORIGIN, doubt_about_unit

__all__ = ["ORIGIN", "MeasuredLayout", "doubt_about_unit", "read_measured"]
