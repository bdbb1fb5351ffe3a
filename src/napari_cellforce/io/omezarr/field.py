"""Reading back the vector fields that this package wrote as OME-Zarr."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import VectorField
from napari_cellforce.io.axes import to_stack
from napari_cellforce.io.field_record import NAMESPACE, not_ours, rebuilt
from napari_cellforce.io.omezarr.multiscale import multiscale
from napari_cellforce.io.omezarr.planes import ZarrPlanes, attributes, is_zarr
from napari_cellforce.io.omezarr.write import LABELS, LEVEL, MASK


def is_field(path: Path) -> bool:
    """Tell whether a folder is a vector field written by this package."""
    try:
        return is_zarr(path) and NAMESPACE in attributes(path)
    except CellForceError:
        return False


def read_field(path: Path) -> VectorField:
    """Open a field; see `napari_cellforce.io.read_field`."""
    entries = attributes(path)
    if NAMESPACE not in entries:
        raise not_ours(path)
    found = multiscale(path, entries)
    own = entries[NAMESPACE]
    mask = _stack(path / LABELS / MASK / LEVEL)[:, 0] != 0 if own["mask"] else None
    data = _stack(path / found.level)
    return rebuilt(path, own, data, found.pixel_size, found.frame_interval, mask)


def _stack(array: Path) -> Any:
    """Open an array that this package wrote."""
    stack, _ = to_stack(ZarrPlanes(array), "TCYX", str(array))
    return stack
