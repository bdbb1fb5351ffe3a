"""Reading of vector fields written by this package as OME-TIFF or OME-Zarr."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import VectorField
from napari_cellforce.io import omezarr, tiff_metadata
from napari_cellforce.io.field_record import NAMESPACE, field_from_record, not_a_field_error
from napari_cellforce.io.paths import existing_path
from napari_cellforce.io.raw_image import to_stack
from napari_cellforce.io.tiff import TiffPlanes, closed_on_error, description


def is_field(path: str | os.PathLike[str]) -> bool:
    """Return whether `path` is a vector field written by this package; reads only its metadata."""
    path = Path(path)
    return omezarr.is_field(path) if path.is_dir() else NAMESPACE in description(path)


def read_field(path: str | os.PathLike[str]) -> VectorField:
    """Open a traction or displacement field written by this package, without loading it.

    Returns
    -------
    VectorField
        ``(T, 2, Y, X)`` float32, a dask array with one chunk per component and frame; equal in all
        attributes to the written field. The mask, if stored, is ``(T, Y, X)`` bool.

    Raises
    ------
    CellForceError
        If the file is missing, incomplete, or not written by this package.
    """
    path = existing_path(path)
    if path.is_dir():
        return omezarr.read_field(path)
    with closed_on_error(TiffPlanes(path)) as planes:
        return _field(planes)


def refuse_field(path: str | os.PathLike[str]) -> None:
    """Refuse a field where an image is needed.

    Raises
    ------
    CellForceError
    """
    if is_field(path):
        raise CellForceError(
            f"{path} holds a traction or displacement field",
            "an image of a protein is needed here",
            "Choose the fluorescence image it was computed from.",
            topic=Topic.INPUT,
        )


def _field(planes: TiffPlanes) -> VectorField:
    entries = tiff_metadata.annotation(planes.tiff, NAMESPACE)
    if entries is None:
        raise not_a_field_error(planes.path)
    data, _ = to_stack(planes, planes.axes, planes.path.name)
    mask = _mask(planes.path, data.shape[0]) if entries["mask"] else None
    size, interval = tiff_metadata.pixel_size(planes.tiff), tiff_metadata.frame_interval(planes.tiff)
    return field_from_record(planes.path, entries, data, size, interval, mask)


def _mask(path: Path, n_frames: int) -> Any:
    """Open the second image of the file: one mask for all frames, or one per frame."""
    planes = TiffPlanes(path, series=1)
    stack, _ = to_stack(planes, planes.axes, path.name)
    mask = stack[:, 0] != 0
    if mask.shape[0] == n_frames:
        return mask
    return np.broadcast_to(np.asarray(mask), (n_frames, *mask.shape[1:]))
