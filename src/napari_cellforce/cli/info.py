"""``cellforce info``: versions, devices and folders, for bug reports."""

from __future__ import annotations

import platform
from importlib import metadata

from rich.table import Table

from napari_cellforce import __version__, zoo
from napari_cellforce.cli.console import output

_LIBRARIES = ("torch", "napari", "numpy", "scipy", "scikit-image", "tifffile", "zarr", "dask", "qtpy")


def info() -> None:
    """Print versions, the device that would be used, and where models are kept."""
    table = Table(show_header=False, box=None)
    table.add_row("napari-cellforce", __version__)
    table.add_row("Python", f"{platform.python_version()} on {platform.platform()}")
    for library in _LIBRARIES:
        table.add_row(library, _version(library))
    table.add_row("device", _device())
    table.add_row("model folder", str(zoo.model_folder()))
    available = [entry.name for entry in zoo.entries() if zoo.is_available(entry.name)]
    table.add_row("models ready", ", ".join(available))
    output.print(table)


def _version(library: str) -> str:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return "not installed"


def _device() -> str:
    from napari_cellforce.models.device import choose, describe

    return describe(choose())
