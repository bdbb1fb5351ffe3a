"""The command line, ``cellforce``."""

from napari_cellforce.cli.app import main

__all__ = ["main"]
