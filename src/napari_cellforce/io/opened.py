"""An image as its file has it, before its axes are brought into order."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_cellforce.fields import ImageStack, PixelSize
from napari_cellforce.io.axes import ZChoice, to_stack
from napari_cellforce.io.paths import split, stem


@dataclass(frozen=True)
class Opened:
    """What every format gives: an array that is read on demand, and what is said of it.

    Attributes
    ----------
    path : Path
    data : array
        Anything with a shape and a dtype that can be indexed by slices.
    axes : str
        One letter an axis, see `napari_cellforce.io.axes.to_stack`.
    channel_names : tuple of str
        As far as there are any; empty ones become ``"channel 0"`` and so on.
    pixel_size : PixelSize or None
    frame_interval : float or None
        Minutes between frames.
    notes : tuple of str
        What a user would want to know.
    """

    path: Path
    data: Any
    axes: str
    channel_names: tuple[str, ...] = ()
    pixel_size: PixelSize | None = None
    frame_interval: float | None = None
    notes: tuple[str, ...] = ()

    def stack(self, z: ZChoice = None) -> ImageStack:
        """Return it as (T, C, Y, X); see `napari_cellforce.io.axes.to_stack` for errors."""
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
