"""An array with its axes in any order becomes (T, C, Y, X)."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from napari_cellforce.errors import CellForceError, Topic

ZChoice = Literal["max"] | int | None
"""Treatment of a z-stack: maximum projection, the index of one plane, or None to refuse it."""

_STACK = "TCZYX"


def to_tcyx(array: npt.ArrayLike, axes: str, z: ZChoice, name: str) -> tuple[Any, tuple[str, ...], int]:
    """Return an array as (T, C, Y, X), notes on what was left out, and its number of planes.

    Parameters
    ----------
    array : array
        Numpy, dask, or what numpy makes an array of.
    axes : str
        One letter per axis; those of length 1 may be any.
    z : "max", int or None
        See `ZChoice`.
    name : str
        Name for messages.

    Raises
    ------
    CellForceError
        If the axes do not fit the array, several planes are given without a choice, or the values are not
        real numbers.
    """
    data: Any = array if hasattr(array, "dask") else np.asarray(array)
    require_numbers(data.dtype, name)
    axes = _checked(axes, data.shape, name)
    data = data[tuple(slice(None) if axis in _STACK else 0 for axis in axes)]
    axes = "".join(axis for axis in axes if axis in _STACK)
    data = data.transpose([axes.index(axis) for axis in _STACK if axis in axes])
    data = data[tuple(slice(None) if axis in axes else None for axis in _STACK)]
    planes = int(data.shape[2])
    plane, notes = choose_plane(planes, name, z)
    return data.max(axis=2) if plane is None else data[:, :, plane], notes, planes


def _checked(axes: str, shape: tuple[int, ...], name: str) -> str:
    """Return the letters in capitals; refuse those that do not fit the array."""
    axes = axes.upper()
    found = f"{name} has the shape {shape} and the axes {axes!r}"
    remedy = "Name each axis by one letter: T time, C channel, Z plane, Y height, X width, as in axes='TCYX'."
    if len(axes) != len(shape):
        raise CellForceError(found, f"{len(shape)} axes have {len(shape)} letters", remedy, topic=Topic.AXES)
    twice = sorted({axis for axis in axes if axes.count(axis) > 1})
    if twice:
        raise CellForceError(found, f"{', '.join(twice)} is there more than once", remedy, topic=Topic.AXES)
    missing = [axis for axis in "YX" if axis not in axes]
    if missing:
        raise CellForceError(found, f"{' and '.join(missing)} must be among them", remedy, topic=Topic.AXES)
    for axis, length in zip(axes, shape, strict=True):
        if length == 0:
            raise CellForceError(
                found, f"the axis {axis} is empty", "Give an array with values.", topic=Topic.AXES
            )
        if axis not in _STACK and length > 1:
            rule = f"the axis {axis} of length {length} is not one of T, C, Z, Y, X"
            raise CellForceError(found, rule, f"Choose one along {axis}, or name it.", topic=Topic.AXES)
    return axes


def require_numbers(dtype: Any, name: str) -> None:
    """Refuse an array whose values are not real numbers."""
    if dtype.kind not in "biuf":
        raise CellForceError(
            f"{name} has values of type {dtype}",
            "an image must have real numbers",
            "Choose another image.",
            topic=Topic.INPUT,
        )


def choose_plane(planes: int, name: str, z: ZChoice) -> tuple[int | None, tuple[str, ...]]:
    """Return the index of the selected plane, None for the maximum projection; and a note on it."""
    if isinstance(z, int):
        if not 0 <= z < planes:
            raise CellForceError(
                f"{name} has no plane {z}",
                f"it has {planes} planes, counted from 0",
                "Choose one of them, or the maximum projection.",
                topic=Topic.Z,
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
        topic=Topic.Z,
    )
