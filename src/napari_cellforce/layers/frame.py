"""Where a layer sits in napari's world, and what it is of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from napari_cellforce.fields import PixelSize

METADATA_KEY = "cellforce"
"""Where our layers keep what they are in napari's ``layer.metadata``."""


@dataclass(frozen=True)
class Frame:
    """Where layers sit in napari's world: copied from the input layer, or made from a field.

    Attributes
    ----------
    scale, translate : tuple of 3 float
        Along (T, Y, X).
    units : tuple of 3 str
        Pint names, for example ``("minute", "micrometer", "micrometer")``.
    ndim : int
        3 for movies; 2 if the input layer is a single image.
    """

    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)
    translate: tuple[float, float, float] = (0.0, 0.0, 0.0)
    units: tuple[str, str, str] = ("pixel", "pixel", "pixel")
    ndim: int = 3

    @classmethod
    def of(cls, pixel_size: PixelSize | None, frame_interval: float | None) -> Frame:
        """Return the frame of data with that pixel size (µm) and frame interval (minutes), where known."""
        if pixel_size is not None and pixel_size.known:
            space, length = (pixel_size.y, pixel_size.x), "micrometer"
        else:
            space, length = (1.0, 1.0), "pixel"
        time, clock = (1.0, "pixel") if frame_interval is None else (frame_interval, "minute")
        return cls((time, *space), units=(clock, length, length))

    @property
    def attributes(self) -> dict[str, Any]:
        """Scale, translation, units and axis labels, as napari's layers take them."""
        last = slice(3 - self.ndim, 3)
        return {
            "scale": self.scale[last],
            "translate": self.translate[last],
            "units": self.units[last],
            "axis_labels": ("t", "y", "x")[last],
        }

    def fit(self, data: Any) -> Any:
        """Drop the time axis of ``(1, Y, X)`` data where the input layer has none."""
        return data[0] if self.ndim == 2 else data


@dataclass(frozen=True)
class Labelling:
    """What a layer is of: goes into its name and metadata."""

    cell: str
    model: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)

    def name(self, what: str) -> str:
        """Return the layer's name: what, of which cell, by which model."""
        return f"{what} {self.cell}" + (f" ({self.model})" if self.model else "")

    def metadata(self, role: str, **entries: Any) -> dict[str, Any]:
        """Return the layer's metadata under our own key."""
        return {METADATA_KEY: {"role": role, "cell": self.cell, "model": self.model, **self.extra, **entries}}
