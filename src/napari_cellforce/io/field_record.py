"""Metadata of a field that image formats cannot express: frames, unit, provenance."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import PixelSize, Provenance, VectorField

NAMESPACE = "napari-cellforce/field"
"""Key of the record in a file."""


def record_json(field: VectorField, *, masked: bool) -> str:
    """Return the metadata of `field` that image formats cannot express, as JSON.

    In ASCII, so that any path, even one that is not valid Unicode, can be stored in XML.
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


def field_from_record(
    path: Path,
    entries: dict[str, Any],
    data: Any,
    size: PixelSize | None,
    frame_interval: float | None,
    mask: Any,
) -> VectorField:
    """Return the field with the record `entries`.

    Raises
    ------
    CellForceError
        If the record does not match the data.
    """
    if size is None or data.shape[1] != 2 or data.shape[0] != len(entries["frames"]):
        raise not_a_field_error(path)
    return VectorField(
        data,
        entries["quantity"],
        entries["unit"],
        dataclasses.replace(size, source=entries["pixel_size_source"]),
        frame_interval,
        tuple(entries["frames"]),
        mask,
        entries["name"],
        Provenance.from_json(json.dumps(entries["provenance"])),
    )


def not_a_field_error(path: Path) -> CellForceError:
    """Return the error for a file without a valid record."""
    return CellForceError(
        f"{path} is not a field written by napari-cellforce",
        "quantity, unit and frames must be recorded in the file",
        "Choose an unmodified file saved by this program.",
        topic=Topic.INPUT,
    )
