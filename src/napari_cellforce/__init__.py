"""Traction forces from images of adhesion proteins, for napari, the command line and Python."""

__version__ = "0.1.0"
