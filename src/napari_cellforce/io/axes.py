"""Conversion of arrays with any order of axes to (T, C, Y, X)."""

from __future__ import annotations

from typing import Any, Literal

from napari_cellforce.errors import CellForceError
from napari_cellforce.io.in_order import InOrder
from napari_cellforce.io.paths import times

ZChoice = Literal["max"] | int | None
"""Treatment of a z-stack: maximum projection, the index of one plane, or None to refuse it."""

_KNOWN = "TCZYX"


def to_stack(data: Any, axes: str, name: str, z: ZChoice = None) -> tuple[Any, tuple[str, ...]]:
    """Convert an array to (T, C, Y, X), read plane by plane.

    Parameters
    ----------
    data : array
        Any object with a shape and a dtype that can be indexed by slices.
    axes : str
        One letter per axis: T time, C channel, Z plane, Y, X, S sample of a colour image; one other
        letter (a multi-page file without metadata) is taken as time.
    name : str
        Name for messages.
    z : "max", int or None

    Returns
    -------
    dask array (T, C, Y, X), tuple of str
        One chunk per plane; and notes on the conversion.

    Raises
    ------
    CellForceError
        For colour images, complex values, several planes and no `z`, a plane out of range, or unknown axes.
    """
    _require_numbers(data.dtype, name)
    axes, notes = _name_axes(axes, data.shape, name)
    planes = int(data.shape[axes.index("Z")]) if "Z" in axes else 1
    plane, chosen = _choose_plane(planes, name, z)
    return InOrder(data, axes, plane).lazy(), notes + chosen


def _require_numbers(dtype: Any, name: str) -> None:
    if dtype.kind not in "biuf":
        raise CellForceError(
            f"{name} has values of type {dtype}",
            "an image must have real numbers",
            "Choose another image.",
            topic="input",
        )


def _name_axes(axes: str, shape: tuple[int, ...], name: str) -> tuple[str, tuple[str, ...]]:
    """Return the letters of the axes, and notes; ambiguous axes are refused."""
    if "S" in axes:
        axes = _samples_as_channels(axes, shape[axes.index("S")], name)
    unknown = [axis for axis in axes if axis not in _KNOWN]
    if len(unknown) == 1 and "T" not in axes:
        pages = shape[axes.index(unknown[0])]
        return axes.replace(unknown[0], "T"), (
            f"the file does not name its axes: {pages} pages taken as time",
        )
    if unknown or "Y" not in axes or "X" not in axes:
        raise CellForceError(
            f"{name} has axes {axes} of length {times(shape)}",
            "the axes time, channel, plane, height and width must be named",
            "In Fiji use Image > Hyperstacks > Stack to Hyperstack... and save it; "
            "in Python write it with tifffile's metadata={'axes': 'TCYX'}.",
            topic="axes",
        )
    return axes, ()


def _samples_as_channels(axes: str, samples: int, name: str) -> str:
    if samples == 2 and "C" not in axes:
        return axes.replace("S", "C")
    raise CellForceError(
        f"{name} is a colour (RGB) image",
        "one greyscale image per protein is needed",
        "In Fiji use Image > Color > Split Channels, and save the protein's channel as TIFF.",
        topic="axes",
    )


def _choose_plane(planes: int, name: str, z: ZChoice) -> tuple[int | None, tuple[str, ...]]:
    """Return the index of the selected plane, None for the maximum projection; and a note on it."""
    if isinstance(z, int):
        if not 0 <= z < planes:
            raise CellForceError(
                f"{name} has no plane {z}",
                f"it has {planes} planes, counted from 0",
                "Choose one of them, or the maximum projection.",
                topic="z",
            )
        return z, (f"plane {z} of {planes}",) if planes > 1 else ()
    if planes == 1:
        return 0, ()
    if z == "max":
        return None, (f"maximum over {planes} planes",)
    raise CellForceError(
        f"{name} has {planes} planes (Z)",
        "a two-dimensional image is needed, since traction is exerted in one plane",
        f"Choose the maximum projection (max) or one plane (0 to {planes - 1}). If these are time points, "
        "swap Z and T in Fiji (Image > Properties...) and save the file.",
        topic="z",
    )
