"""From whatever order of axes a file has to (T, C, Y, X)."""

from __future__ import annotations

from typing import Any, Literal

from napari_cellforce.errors import CellForceError
from napari_cellforce.io.in_order import InOrder
from napari_cellforce.io.paths import times

ZChoice = Literal["max"] | int | None
"""What to do with a stack of planes: maximum projection, one plane, or refuse it."""

_KNOWN = "TCZYX"


def to_stack(data: Any, axes: str, name: str, z: ZChoice = None) -> tuple[Any, tuple[str, ...]]:
    """Bring an array to (T, C, Y, X), read plane by plane.

    Parameters
    ----------
    data : array
        Anything with a shape and a dtype that can be indexed by slices.
    axes : str
        One letter an axis: T time, C channel, Z plane, Y, X, S sample of a colour image; any one other
        letter (a plain multi-page file) stands for time.
    name : str
        For messages.
    z : "max", int or None

    Returns
    -------
    dask array (T, C, Y, X), tuple of str
        One chunk a plane; with notes of what was done to it.

    Raises
    ------
    CellForceError
        For colour images, complex values, several planes without a choice, a plane out of range, or unknown
        axes.
    """
    _require_numbers(data.dtype, name)
    axes, notes = _name_axes(axes, data.shape, name)
    planes = int(data.shape[axes.index("Z")]) if "Z" in axes else 1
    plane, chosen = _choose_plane(planes, name, z)
    return InOrder(data, axes, plane).lazy(), notes + chosen


def _require_numbers(dtype: Any, name: str) -> None:
    if dtype.kind not in "biuf":
        raise CellForceError(
            f"{name} holds values of type {dtype}",
            "an image is made of real numbers",
            "Choose another image.",
            topic="input",
        )


def _name_axes(axes: str, shape: tuple[int, ...], name: str) -> tuple[str, tuple[str, ...]]:
    """Say which axis is which; only one way to see it is accepted."""
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
            "it must be told which is time, channel, plane, height and width",
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
        "one grey image a protein is needed",
        "In Fiji use Image > Color > Split Channels, and save the protein's channel as TIFF.",
        topic="axes",
    )


def _choose_plane(planes: int, name: str, z: ZChoice) -> tuple[int | None, tuple[str, ...]]:
    """Return which of so many planes to take, None for the maximum over them; and a note on it."""
    if isinstance(z, int):
        if not 0 <= z < planes:
            raise CellForceError(
                f"plane {z} is not in {name}",
                f"it has {planes} planes, counted from 0",
                "Choose one of them, or the maximum projection (--z max).",
                topic="z",
            )
        return z, (f"plane {z} of {planes}",) if planes > 1 else ()
    if planes == 1:
        return 0, ()
    if z == "max":
        return None, (f"maximum over {planes} planes",)
    raise CellForceError(
        f"{name} has {planes} planes (Z)",
        "a flat image is needed, since traction is exerted in one plane",
        f"Choose the maximum projection (--z max) or a plane (--z 0 to --z {planes - 1}). If these are time "
        "points, swap Z and T in Fiji (Image > Properties...) and save it.",
        topic="z",
    )
