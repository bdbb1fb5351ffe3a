"""Metadata that the authors' layout lacks, from a JSON file that ``cellforce simulate`` writes beside it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import PixelSize

METADATA_FILE = "simulation.json"
"""Name of the file."""

_PIXEL_SIZE, _INTERVAL, _PROTEINS = "pixel_size [µm]", "frame_interval [min]", "proteins"


@dataclass(frozen=True)
class DatasetMetadata:
    """What the frames of a data set do not say.

    Attributes
    ----------
    pixel_size : PixelSize
    frame_interval : float or None
        In minutes.
    proteins : tuple of 2 str
        Names of the protein channels.
    """

    pixel_size: PixelSize
    frame_interval: float | None = None
    proteins: tuple[str, str] = ("zyxin", "other")

    def entries(self) -> dict[str, Any]:
        """Return what the file says, JSON-able."""
        return {
            _PIXEL_SIZE: self.pixel_size.micron,
            _INTERVAL: self.frame_interval,
            _PROTEINS: list(self.proteins),
        }


def read_metadata(path: str | os.PathLike[str]) -> DatasetMetadata | None:
    """Return the notes on a data set, one of its cells or one of its frames; None where there are none.

    Raises
    ------
    CellForceError
        If the file is damaged or invalid.
    """
    path = Path(path)
    cell = path.parent if path.is_file() else path
    found = [folder / METADATA_FILE for folder in (cell, cell.parent) if (folder / METADATA_FILE).is_file()]
    return _read(found[0]) if found else None


def read_entries(path: Path) -> dict[str, Any]:
    """Read the JSON object in `path`.

    Raises
    ------
    CellForceError
        If there is none.
    """
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _broken(path, str(error)) from error
    if not isinstance(entries, dict):
        raise _broken(path, "it holds no object")
    return entries


def _read(path: Path) -> DatasetMetadata:
    entries = read_entries(path)
    try:
        interval = entries.get(_INTERVAL)
        zyxin, other = map(str, entries.get(_PROTEINS, DatasetMetadata.proteins))
        size = PixelSize.square(float(entries[_PIXEL_SIZE]), "file")
        return DatasetMetadata(size, None if interval is None else float(interval), (zyxin, other))
    except (KeyError, TypeError, ValueError) as error:
        raise _broken(path, f"{type(error).__name__}: {error}") from error


def _broken(path: Path, why: str) -> CellForceError:
    return CellForceError(
        f"{path} cannot be read ({why})",
        f'it is a JSON object with at least "{_PIXEL_SIZE}"',
        "Correct it, or delete it and give the pixel size yourself.",
        topic=Topic.PIXEL_SIZE,
    )
