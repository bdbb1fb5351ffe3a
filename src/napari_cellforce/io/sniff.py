"""Detection of the type of a file or folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from napari_cellforce.io.dataset import contains_frames, is_frame
from napari_cellforce.io.field import is_field
from napari_cellforce.io.frame_folder import is_frame_folder
from napari_cellforce.io.omezarr import is_zarr
from napari_cellforce.io.paths import TIFF_SUFFIXES, VENDOR_SUFFIXES, readable, split
from napari_cellforce.io.scalar import is_scalar

FileKind = Literal["image", "field", "scalar", "frame", "dataset"]


def detect_kind(path: str | os.PathLike[str]) -> FileKind | None:
    """Return the type of `path` from its name and first bytes; None if it cannot be read by this package.

    Returns
    -------
    {"image", "field", "scalar", "frame", "dataset"} or None
        For `read`; `read_field` and `read_scalar` (written by this package); `read_cell` (one ``.npy`` in the
        authors' layout) and `list_cells` (a folder of those). An ``"image"`` may also be a folder: an
        OME-Zarr, or one file per frame. The content may still be damaged. Also None if this user has no
        permission to read it.
    """
    path = Path(path)
    container, which = split(path)
    if not readable(path):
        return None
    if is_zarr(container):
        return "field" if is_field(path) else "image"
    if path.is_dir():
        return "dataset" if contains_frames(path) else "image" if is_frame_folder(path) else None
    suffix = container.suffix.lower()
    if suffix == ".npy":
        return "frame" if is_frame(path) else None
    if suffix not in (*TIFF_SUFFIXES, *VENDOR_SUFFIXES):
        return None
    if which:
        return "image"
    return "field" if is_field(path) else "scalar" if is_scalar(path) else "image"
