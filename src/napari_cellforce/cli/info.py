"""``cellforce info``: versions, devices and folders, for bug reports."""

from __future__ import annotations

import platform
from importlib import metadata
from pathlib import Path

from napari_cellforce import __version__, zoo
from napari_cellforce.cli.console import card, output
from napari_cellforce.text import pluralise

_LIBRARIES = ("torch", "napari", "numpy", "scipy", "scikit-image", "tifffile", "zarr", "dask", "qtpy")


def info() -> None:
    """Print versions, the device and the backend that would be used, and where files are kept."""
    available = [entry.name for entry in zoo.entries() if zoo.is_available(entry.name)]
    facts = {
        "napari-cellforce": __version__,
        "Python": f"{platform.python_version()} on {platform.platform()}",
        **{library: _version(library) for library in _LIBRARIES},
        "device": _device(),
        "backends": _backends(),
        "model folder": _with_size(zoo.model_folder()),
        "cache folder": _cache(),
        "models ready": ", ".join(available),
    }
    output.print(card(facts))


def _version(library: str) -> str:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return "not installed"


def _device() -> str:
    from napari_cellforce.models.device import choose, describe

    return describe(choose())


def _cache() -> str:
    from napari_cellforce.models.backends import cache

    return f"{_with_size(cache.folder())}; compiled networks, may be deleted"


def _with_size(folder: Path) -> str:
    """Return a folder with the number and size of its files."""
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    return f"{folder} ({pluralise(len(sizes), 'file')}, {sum(sizes) / 1e6:.1f} MB)"


def _backends() -> str:
    """Return what can compute a network here, and what could if it were installed."""
    from napari_cellforce.models.backends import AUTO, EAGER, available_backends, find_backend
    from napari_cellforce.models.device import choose

    device = choose()
    best = find_backend(AUTO, device)
    automatic = EAGER if best is None else best.name
    return ", ".join(
        f"{row.name} (not here: {row.install_hint.rstrip('.')})"
        if row.install_hint
        else f"{row.name} ({row.title} {row.version}{', automatic' * (row.name == automatic)})"
        for row in available_backends(device)
    )
