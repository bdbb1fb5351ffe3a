"""Reading back the vector fields that `write` wrote, and the record they carry."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np

from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import Provenance, VectorField
from napari_cellforce.io import metadata
from napari_cellforce.io.axes import to_stack
from napari_cellforce.io.paths import existing_path
from napari_cellforce.io.tiff import TiffPlanes, closed_on_error, description

NAMESPACE = "napari-cellforce/field"
"""Of the OME comment annotation that holds a field's record."""


def record(field: VectorField, *, masked: bool) -> str:
    """Return as JSON what OME metadata cannot say of `field`.

    In ASCII, so that any path, even one that is not valid Unicode, survives in XML.
    """
    entries = {
        "quantity": field.quantity,
        "unit": field.unit,
        "components": "y, x",
        "frames": field.frames,
        "mask": masked,
        "name": field.name,
        "pixel_size_source": field.pixel_size.source,
        "provenance": json.loads(field.provenance.to_json()),
    }
    return json.dumps(entries)


def is_field(path: str | os.PathLike[str]) -> bool:
    """Tell whether `path` is a vector field written by this package; reads only the first page's header."""
    return NAMESPACE in description(path)


def read_field(path: str | os.PathLike[str]) -> VectorField:
    """Open a traction or displacement field written by this package, without loading it.

    Returns
    -------
    VectorField
        ``(T, 2, Y, X)`` float32, a dask array with one component of one frame a chunk; equal in all its
        entries to what was written. The mask, where stored, is ``(T, Y, X)`` bool.

    Raises
    ------
    CellForceError
        If the file is missing, incomplete, or not one of ours.
    """
    path = existing_path(path)
    with closed_on_error(TiffPlanes(path)) as planes:
        return _field(planes)


def refuse_field(path: str | os.PathLike[str]) -> None:
    """Refuse a field where an image is wanted.

    Raises
    ------
    CellForceError
    """
    if is_field(path):
        raise CellForceError(
            f"{path} holds a traction or displacement field",
            "an image of a protein is needed here",
            "Choose the fluorescence image it was made from.",
            topic="input",
        )


def _field(planes: TiffPlanes) -> VectorField:
    entries = _entries(planes)
    data, _ = to_stack(planes.lazy(), planes.axes, planes.path.name)
    size = metadata.pixel_size(planes.tiff)
    if size is None or data.shape[1] != 2 or data.shape[0] != len(entries["frames"]):
        raise _not_ours(planes.path)
    return VectorField(
        data,
        entries["quantity"],
        entries["unit"],
        dataclasses.replace(size, source=entries["pixel_size_source"]),
        metadata.frame_interval(planes.tiff),
        tuple(entries["frames"]),
        _mask(planes.path, data.shape[0]) if entries["mask"] else None,
        entries["name"],
        Provenance.from_json(json.dumps(entries["provenance"])),
    )


def _entries(planes: TiffPlanes) -> dict[str, Any]:
    """Find the record in the OME metadata."""
    try:
        xml = ElementTree.fromstring(planes.tiff.ome_metadata or "")
        value = xml.find(f".//{{*}}CommentAnnotation[@Namespace='{NAMESPACE}']/{{*}}Value")
        entries: dict[str, Any] = json.loads(value.text or "" if value is not None else "")
    except (ElementTree.ParseError, json.JSONDecodeError) as error:
        raise _not_ours(planes.path) from error
    return entries


def _mask(path: Path, n_frames: int) -> Any:
    """Open the second image of the file: one mask for all frames, or one a frame."""
    planes = TiffPlanes(path, series=1)
    stack, _ = to_stack(planes.lazy(), planes.axes, path.name)
    mask = stack[:, 0] != 0
    if mask.shape[0] == n_frames:
        return mask
    return np.broadcast_to(np.asarray(mask), (n_frames, *mask.shape[1:]))


def _not_ours(path: Path) -> CellForceError:
    return CellForceError(
        f"{path} holds no field written by napari-cellforce",
        "quantity, unit and frames must be recorded in it",
        "Choose a file saved by this program, as it was saved.",
        topic="input",
    )
