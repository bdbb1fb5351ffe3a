"""What OME-NGFF says of an image: its axes, their scales and units, its channels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import PixelSize
from napari_cellforce.io import units

_LETTERS = {"t": "T", "time": "T", "c": "C", "channel": "C", "z": "Z", "y": "Y", "x": "X"}
_FIVE = "TCZYX"
"""Axes of OME-NGFF 0.1 and 0.2, which do not name them."""


@dataclass(frozen=True)
class Multiscale:
    """The first of an image's resolutions, which is the full one.

    Attributes
    ----------
    level : str
        Path of its array in the image's folder.
    axes : str
        One letter an axis.
    pixel_size : PixelSize or None
    frame_interval : float or None
        In minutes.
    notes : tuple of str
        What a user would want to know.
    """

    level: str
    axes: str
    pixel_size: PixelSize | None
    frame_interval: float | None
    notes: tuple[str, ...] = ()


def multiscale(path: Path, entries: dict[str, Any]) -> Multiscale:
    """Read what the attributes `entries` of the image at `path` say.

    Raises
    ------
    CellForceError
        If it is damaged, or has an axis that we do not know.
    """
    try:
        first, *others = entries["multiscales"]
        axes = [_axis(axis) for axis in first.get("axes", _FIVE)]
        dataset = first["datasets"][0]
        scale = _scale(dataset, len(axes)) * _scale(first, len(axes))
        level = str(dataset["path"])
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise CellForceError(
            f"the multiscales of {path} are damaged ({type(error).__name__}: {error})",
            "they must name axes and at least one resolution",
            "Write it again, for example with ome-zarr-py or bioformats2raw.",
            topic="input",
        ) from error
    letters = _letters(path, [name for name, _ in axes])
    found = dict(zip(letters, zip(scale, (unit for _, unit in axes), strict=True), strict=True))
    y, x = (units.micron(*found[axis]) for axis in "YX")
    size = None if y is None or x is None else PixelSize(y, x, "file")
    interval = units.minutes(*found["T"]) if "T" in found else None
    left = (f"the first of {1 + len(others)} multiscales; the others were left",) if others else ()
    return Multiscale(level, letters, size, interval, left)


def channel_names(entries: dict[str, Any]) -> tuple[str, ...]:
    """Return the names of the channels, as far as there are any."""
    omero = entries.get("omero")
    channels = omero.get("channels", []) if isinstance(omero, dict) else []
    return tuple(str(channel.get("label", "")).strip() for channel in channels if isinstance(channel, dict))


def _axis(axis: Any) -> tuple[str, str]:
    """Return name and unit of an axis; before OME-NGFF 0.4 there is no unit."""
    if isinstance(axis, str):
        return axis, ""
    return str(axis["name"]), str(axis.get("unit") or "")


def _letters(path: Path, names: list[str]) -> str:
    unknown = [name for name in names if name.lower() not in _LETTERS]
    letters = "".join(_LETTERS.get(name.lower(), "?") for name in names)
    if unknown or len(set(letters)) < len(letters) or not {"Y", "X"} <= set(letters):
        raise CellForceError(
            f"{path} has the axes {', '.join(names)}",
            "images with t, c, z, y and x are read, each at most once, y and x always there",
            "Rename or remove the others.",
            topic="axes",
        )
    return letters


def _scale(entries: dict[str, Any], n_axes: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the factors along all axes that an entry's transformations come to."""
    scale = np.ones(n_axes)
    for transformation in entries.get("coordinateTransformations", []):
        if transformation["type"] == "scale":
            scale = scale * np.asarray(transformation["scale"], np.float64)
    return scale
