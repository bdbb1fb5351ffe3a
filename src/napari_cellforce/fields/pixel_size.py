"""Size of a pixel on the sample."""

from __future__ import annotations

import math
from dataclasses import dataclass

from napari_cellforce.errors import CellForceError, Topic


@dataclass(frozen=True)
class PixelSize:
    """Size of a pixel in µm.

    Attributes
    ----------
    y, x : float
        Height and width in µm.
    source : str
        Origin of the number, as shown to the user: ``"file"``, ``"typed"``, ``"unknown"``.

    Raises
    ------
    CellForceError
        If a side is not a positive, finite number.
    """

    y: float
    x: float
    source: str = "file"

    def __post_init__(self) -> None:
        for side in (self.y, self.x):
            if not (math.isfinite(side) and side > 0):
                raise CellForceError(
                    f"the pixel size is {side:g} µm",
                    "it must be a positive number",
                    "Type in the size of a pixel on the sample: camera pixel divided by magnification.",
                    topic=Topic.PIXEL_SIZE,
                )

    @classmethod
    def unknown(cls) -> PixelSize:
        """Return the placeholder for a field whose file does not state a pixel size."""
        return cls(1.0, 1.0, "unknown")

    @property
    def known(self) -> bool:
        """False for `unknown`: nothing that depends on the pixel size may be computed."""
        return self.source != "unknown"

    @classmethod
    def square(cls, micron: float, source: str = "typed") -> PixelSize:
        """Return a square pixel with sides of `micron` µm."""
        return cls(micron, micron, source)

    @classmethod
    def given(cls, size: float | tuple[float, float] | PixelSize | None) -> PixelSize:
        """Return the size that a script gives: the side of a square in µm, (height, width), or a size.

        Raises
        ------
        CellForceError
            If there is none, or it is not positive.
        """
        if size is None:
            raise CellForceError(
                "the pixel size is missing",
                "lengths and forces follow from it",
                "Give it in µm, as in pixel_size=0.108: camera pixel divided by magnification.",
                topic=Topic.PIXEL_SIZE,
            )
        if isinstance(size, PixelSize):
            return size
        height, width = size if isinstance(size, tuple) else (size, size)
        return cls(float(height), float(width), "typed")

    @property
    def micron(self) -> float:
        """Side in µm; raises `CellForceError` unless the pixel is square to one part in a thousand."""
        if abs(self.y - self.x) > 1e-3 * max(self.y, self.x):
            raise CellForceError(
                f"pixels are {self.y:g} µm high and {self.x:g} µm wide",
                "predictions need square pixels",
                "Resample the image to square pixels (Fiji: Image > Scale...), or correct the pixel size.",
                topic=Topic.PIXEL_SIZE,
            )
        return (self.y + self.x) / 2

    @property
    def area(self) -> float:
        """Area of a pixel in µm²."""
        return self.y * self.x
