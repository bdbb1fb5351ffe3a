"""Image stacks from the microscope, and masks of the cell."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from napari_cellforce.errors import CellForceError, CellForceWarning, Topic
from napari_cellforce.fields.arrays import to_numpy
from napari_cellforce.fields.axes import BoolArray, FloatArray, require_axes
from napari_cellforce.fields.pixel_size import PixelSize


@dataclass(frozen=True)
class ImageStack:
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


@dataclass(frozen=True)
class Mask:
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
