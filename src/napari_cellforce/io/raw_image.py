"""Images with the axes of their file, and the conversion to (T, C, Y, X)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import ImageStack, PixelSize, ShortRepr, ZChoice
from napari_cellforce.fields.array_order import choose_plane, require_numbers
from napari_cellforce.io.paths import format_shape, split, stem

_ORDER = "TCZYX"


class TCYXView:
    """A view as (T, C, Y, X) that reorders only what is read: a plane costs the same in any movie.

    As dask operations, each step would be one task per frame, and all tasks would be traversed whenever one
    frame is read: this takes one second with 50 000 frames.

    Parameters
    ----------
    source : array
        Indexed by one slice per axis; numpy, dask, or a reader of this package.
    axes : str
        Axes of `source`: letters of TCZYX.
    plane : int or None
        Index of the plane (Z); None for the maximum projection.
    """

    ndim = 4

    def __init__(self, source: Any, axes: str, plane: int | None) -> None:
        self._source, self._axes, self._plane = source, axes, plane
        lengths = dict(zip(axes, source.shape, strict=True))
        self.shape = tuple(int(lengths.get(axis, 1)) for axis in "TCYX")
        self.dtype = np.dtype(source.dtype)

    def __getitem__(self, key: tuple[slice, slice, slice, slice]) -> npt.NDArray[Any]:
        selection = dict(zip("TCYX", key, strict=True))
        selection["Z"] = slice(None) if self._plane is None else slice(self._plane, self._plane + 1)
        values = np.asarray(self._source[tuple(selection[axis] for axis in self._axes)])
        values = values.transpose([self._axes.index(axis) for axis in _ORDER if axis in self._axes])
        missing = [i for i, axis in enumerate(_ORDER) if axis not in self._axes]
        values = np.expand_dims(values, missing)
        whole = tuple(
            selection[axis] if axis in "TC" and axis not in self._axes else slice(None) for axis in _ORDER
        )
        flat: npt.NDArray[Any] = values[whole].max(axis=2)
        return flat

    def lazy(self) -> Any:
        """Return a dask array with one chunk per plane."""
        import dask.array as da  # takes 0.6 s to load

        return da.from_array(self, chunks=(1, 1, *self.shape[2:]), name=False, fancy=False)


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
    require_numbers(data.dtype, name)
    axes, notes = _name_axes(axes, data.shape, name)
    planes = int(data.shape[axes.index("Z")]) if "Z" in axes else 1
    plane, chosen = choose_plane(planes, name, z)
    return TCYXView(data, axes, plane).lazy(), notes + chosen


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
            f"{name} has axes {axes} of length {format_shape(shape)}",
            "the axes time, channel, plane, height and width must be named",
            "In Fiji use Image > Hyperstacks > Stack to Hyperstack... and save it; "
            "in Python write it with tifffile's metadata={'axes': 'TCYX'}.",
            topic=Topic.AXES,
        )
    return axes, ()


def _samples_as_channels(axes: str, samples: int, name: str) -> str:
    if samples == 2 and "C" not in axes:
        return axes.replace("S", "C")
    raise CellForceError(
        f"{name} is a colour (RGB) image",
        "one greyscale image per protein is needed",
        "In Fiji use Image > Color > Split Channels, and save the protein's channel as TIFF.",
        topic=Topic.AXES,
    )


@dataclass(frozen=True, eq=False, repr=False)
class RawImage(ShortRepr):
    """Image as read from a file of any format: an array that is read on demand, and its metadata.

    Attributes
    ----------
    path : Path
    data : array
        Any object with a shape and a dtype that can be indexed by slices.
    axes : str
        One letter per axis, see `napari_cellforce.io.raw_image.to_stack`.
    channel_names : tuple of str
        Names of the channels, if any; empty ones become ``"channel 0"`` and so on.
    pixel_size : PixelSize or None
    frame_interval : float or None
        Minutes between frames.
    notes : tuple of str
        Remarks for the user.
    """

    path: Path
    data: Any
    axes: str
    channel_names: tuple[str, ...] = ()
    pixel_size: PixelSize | None = None
    frame_interval: float | None = None
    notes: tuple[str, ...] = ()

    def stack(self, z: ZChoice = None) -> ImageStack:
        """Return the image as (T, C, Y, X); see `napari_cellforce.io.raw_image.to_stack` for errors."""
        container, which = split(self.path)
        name = f"{container.name}/{which}" if which else container.name
        data, notes = to_stack(self.data, self.axes, name, z)
        n_channels = data.shape[1]
        found = (*self.channel_names, *("",) * n_channels)[:n_channels]
        names = tuple(name or f"channel {index}" for index, name in enumerate(found))
        return ImageStack(
            data,
            names,
            self.pixel_size,
            self.frame_interval,
            stem(self.path),
            str(self.path),
            (*self.notes, *notes),
            int(self.data.shape[self.axes.index("Z")]) if "Z" in self.axes else 1,
        )
