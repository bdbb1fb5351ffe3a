"""What a field's file says beyond what its format can: which frames, which unit, where it comes from."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import PixelSize, Provenance, VectorField

NAMESPACE = "napari-cellforce/field"
"""Under which a file keeps the record."""


def record(field: VectorField, *, masked: bool) -> str:
    """Return as JSON what the metadata of image formats cannot say of `field`.

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


def rebuilt(
    path: Path,
    entries: dict[str, Any],
    data: Any,
    size: PixelSize | None,
    frame_interval: float | None,
    mask: Any,
) -> VectorField:
    """Return the field whose `record` is `entries`.

    Raises
    ------
    CellForceError
        If the record and what is beside it do not fit.
    """
    if size is None or data.shape[1] != 2 or data.shape[0] != len(entries["frames"]):
        raise not_ours(path)
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


def not_ours(path: Path) -> CellForceError:
    """Return the error for a file without a record."""
    return CellForceError(
        f"{path} holds no field written by napari-cellforce",
        "quantity, unit and frames must be recorded in it",
        "Choose a file saved by this program, as it was saved.",
        topic="input",
    )
