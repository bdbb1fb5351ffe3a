"""Image stacks from the microscope, and masks of the cell."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_cellforce.errors import CellForceError, CellForceWarning, Topic
from napari_cellforce.fields.array_order import ZChoice, to_tcyx
from napari_cellforce.fields.arrays import to_numpy
from napari_cellforce.fields.axes import BoolArray, FloatArray, require_axes
from napari_cellforce.fields.pixel_size import PixelSize
from napari_cellforce.fields.short_repr import ShortRepr, sizes
from napari_cellforce.text import pluralise


@dataclass(frozen=True, eq=False, repr=False)
class ImageStack(ShortRepr):
    """A fluorescence movie.

    Attributes
    ----------
    data : (T, C, Y, X) array
        Intensities in camera counts, or normalised; numpy, or a dask array that is read on demand.
    channel_names : tuple of C str
    pixel_size : PixelSize or None
        None if the file does not state it.
    frame_interval : float or None
        Minutes between frames; None if the file does not state it.
    name : str
        Shown to the user, usually the file's stem.
    path : str
        Path of the file; empty for data created in memory.
    notes : tuple of str
        Remarks of the reader for the user ("maximum over 12 planes").
    n_planes : int
        Number of planes (Z) in the file; the data are one of them, or their maximum.
    """

    data: Any
    channel_names: tuple[str, ...]
    pixel_size: PixelSize | None = None
    frame_interval: float | None = None
    name: str = ""
    path: str = ""
    notes: tuple[str, ...] = ()
    n_planes: int = 1

    def __post_init__(self) -> None:
        require_axes(self.data, "(T, C, Y, X)", 4)
        if len(self.channel_names) != self.data.shape[1]:
            raise ValueError(f"{len(self.channel_names)} channel names for {self.data.shape[1]} channels")

    @classmethod
    def from_array(
        cls,
        array: npt.ArrayLike,
        axes: str,
        pixel_size: float | tuple[float, float] | PixelSize | None,
        channels: Sequence[str] = (),
        *,
        z: ZChoice = None,
        frame_interval: float | None = None,
        name: str = "",
    ) -> ImageStack:
        """Return a stack made of an array in memory, or of a dask array.

        Parameters
        ----------
        array : array of real numbers
            Intensities, axes in any order.
        axes : str
            One letter for each axis: T time, C channel, Z plane, Y height, X width; Y and X must be there.
            An axis of length 1 may have any other letter, and is dropped.
        pixel_size : float, (float, float), or PixelSize
            In µm: side of a square pixel, or height and width.
        channels : sequence of str, optional
            Name for each channel (``"zyxin"``); by default ``channel 0``, ``channel 1`` and so on.
        z : "max", int or None
            For several planes (Z): their maximum, or the index of one; None refuses them.
        frame_interval : float, optional
            Minutes between frames.
        name : str
            Shown in messages and results.

        Returns
        -------
        ImageStack
            ``(T, C, Y, X)``, sharing memory with `array` where that is possible.

        Raises
        ------
        CellForceError
            If axes, channels or pixel size are missing or do not fit the array, or its values are not
            real numbers.
        """
        data, notes, planes = to_tcyx(array, axes, z, name or "the array")
        names = tuple(channels) or tuple(f"channel {i}" for i in range(data.shape[1]))
        if isinstance(channels, str) or len(names) != data.shape[1]:
            found = repr(channels) if isinstance(channels, str) else f"{len(names)} ({', '.join(names)})"
            raise CellForceError(
                f"the channel names are {found}",
                f"the array has {pluralise(data.shape[1], 'channel')}, and each has one name",
                'Give a tuple with one name per channel: channels=("zyxin",).',
                topic=Topic.CHANNEL,
            )
        size = PixelSize.given(pixel_size)
        return cls(data, names, size, frame_interval, name, notes=notes, n_planes=planes)

    def __repr__(self) -> str:
        size = f"{self.pixel_size.y:g} µm" if self.pixel_size else "pixel size unknown"
        named = f", {self.name!r}" if self.name else ""
        return f"ImageStack({sizes(self.data.shape)}, {' + '.join(self.channel_names)}, {size}{named})"

    @property
    def n_frames(self) -> int:
        """Number of frames T."""
        return int(self.data.shape[0])

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return int(self.data.shape[2]), int(self.data.shape[3])

    def channel(self, which: int | str) -> int:
        """Return the index of a channel given by index or (case-insensitive) name.

        Raises
        ------
        CellForceError
            If there is no such channel, or several channels have that name.
        """
        wanted = str(which).lower()
        names = self.channel_names if isinstance(which, str) else ()
        named = [i for i, name in enumerate(names) if name.lower() == wanted]
        if len(named) == 1:
            return named[0]
        if not named and wanted.isdecimal() and int(wanted) < len(self.channel_names):
            return int(wanted)
        found = f"{len(named)} channels are called {which!r}" if named else f"channel {which!r} is not"
        listed = ", ".join(f"{i}: {name}" for i, name in enumerate(self.channel_names))
        raise CellForceError(
            f"{found} in {self.name or 'the image'}",
            f"it has {listed} (counted from 0)",
            f"Choose one of these{' by its number' if named else ''}.",
            topic=Topic.CHANNEL,
        )

    def frame(self, t: int, channels: tuple[int, ...] | None = None) -> FloatArray:
        """Read one frame, ``(C, Y, X)`` float32, of the given channels (all by default)."""
        selected = self.data[t] if channels is None else self.data[t, list(channels)]
        return to_numpy(selected, np.float32)


@dataclass(frozen=True, eq=False, repr=False)
class Mask(ShortRepr):
    """Mask of the cell.

    Attributes
    ----------
    data : (T, Y, X) bool array
        True inside the cell; T = 1 applies to all frames. May be evaluated lazily, frame by frame.
    source : str
        ``"automatic"``, or the name of the layer or file.
    """

    data: Any
    source: str = "automatic"

    def __post_init__(self) -> None:
        require_axes(self.data, "(T, Y, X)", 3)

    def __repr__(self) -> str:
        return f"Mask({sizes(self.data.shape)}, {self.source})"

    def frame(self, t: int) -> BoolArray:
        """Return the mask of frame `t`, ``(Y, X)`` bool."""
        return to_numpy(self.data[0 if self.data.shape[0] == 1 else t], np.bool_)

    def in_every_frame(self) -> Mask:
        """Return a mask for all frames: frames without a mask take that of the nearest frame.

        At least one frame must have a mask. For masks in memory.

        Warns
        -----
        CellForceWarning
            If the cell is marked in only some of the frames.
        """
        marked = np.flatnonzero(self.data.any(axis=(1, 2)))
        n_frames = len(self.data)
        if marked.size == n_frames:
            return self
        warnings.warn(
            f"{self.source} marks the cell in {marked.size} of {n_frames} frames; the others take the mark "
            "of the nearest one",
            CellForceWarning,
            stacklevel=3,
        )
        nearest = np.abs(marked[:, None] - np.arange(n_frames)).argmin(axis=0)
        return Mask(self.data[marked[nearest]], self.source)
