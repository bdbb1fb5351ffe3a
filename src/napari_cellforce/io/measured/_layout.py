"""What a file of measured vectors does not say of itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import MICROMETRE, PASCAL, Quantity, Unit, X, Y

RealArray = npt.NDArray[np.float64]

_PASCAL = {"pa": 1.0, "n/m²": 1.0, "n/m2": 1.0, "pn/µm²": 1.0, "kpa": 1e3, "nn/µm²": 1e3, "nn/um2": 1e3}
_MICROMETRE = {"µm": 1.0, "um": 1.0, "micron": 1.0, "microns": 1.0, "nm": 1e-3, "m": 1e6}
_PIXELS = ("px", "pixel", "pixels", "pix")


@dataclass(frozen=True)
class MeasuredLayout:
    """What a user tells of a file of measured vectors; what is None must be in the file.

    Attributes
    ----------
    unit : str or None
        Of the vectors: ``"Pa"``, ``"kPa"``, ``"nN/µm²"`` make them tractions, ``"µm"``, ``"nm"``, ``"px"``
        displacements.
    position_unit : {"px", "µm"}
        Of the columns x and y.
    pixel_size : float or None
        Side of an image pixel in µm, for whatever is in pixels.
    spacing : float or None
        Distance of vectors in µm, for arrays without positions.
    frame_interval : float or None
        Minutes between frames.
    swap : bool
        True if the first component is along y, down the rows.
    flip_y, flip_x : bool
        True to turn the sign of a component: of y for files whose y points up.
    scale : float
        The vectors are multiplied by it.
    """

    unit: str | None = None
    position_unit: str = "px"
    pixel_size: float | None = None
    spacing: float | None = None
    frame_interval: float | None = None
    swap: bool = False
    flip_y: bool = False
    flip_x: bool = False
    scale: float = 1.0

    def turned(self, vectors: RealArray) -> RealArray:
        """Return vectors ``(2, ...)`` in the file's order (x, y) as (y, x), swapped, flipped and scaled."""
        first, second = vectors
        y, x = (first, second) if self.swap else (second, first)
        result = np.stack([y, x]) * self.scale
        result[Y] *= -1 if self.flip_y else 1
        result[X] *= -1 if self.flip_x else 1
        return result

    def quantity(self, unit: str) -> tuple[Quantity, Unit, float]:
        """Return what vectors in `unit` are, our unit for them, and the factor to it.

        Raises
        ------
        CellForceError
            If the unit is not known, or in pixels whose size is not.
        """
        name = _plain(unit)
        if name in _PASCAL:
            return "traction", PASCAL, _PASCAL[name]
        if name in _MICROMETRE:
            return "displacement", MICROMETRE, _MICROMETRE[name]
        if name in _PIXELS:
            return "displacement", MICROMETRE, self.micron_per_pixel()
        raise CellForceError(
            f"{unit!r} is not a unit of traction or displacement",
            "known are Pa, kPa, nN/µm² for traction, and µm, nm, px for displacement",
            "Choose one of these.",
            topic="unit",
        )

    def micron_per_position(self) -> float:
        """Return the size of the unit of positions in µm."""
        if _plain(self.position_unit) in _PIXELS:
            return self.micron_per_pixel()
        return self.quantity(self.position_unit)[2]

    @property
    def positions_in_pixels(self) -> bool:
        """True if positions count pixels: 0 is then the centre of the first."""
        return _plain(self.position_unit) in _PIXELS

    def micron_per_pixel(self) -> float:
        """Return the pixel size, or ask for it."""
        if self.pixel_size is None:
            raise CellForceError(
                "positions or displacements are in pixels",
                "the size of a pixel must be known",
                "Type it in, in µm: camera pixel divided by magnification (--pixel-size).",
                topic="pixel size",
            )
        return self.pixel_size


def require_unit(unit: str | None, name: str) -> str:
    """Return the unit of the vectors, or ask for it."""
    if unit is None:
        raise CellForceError(
            f"{name} does not say in which unit its vectors are",
            "tractions are in Pa or kPa, displacements in px or µm: a factor of 1000 is easily missed",
            "Choose the unit (--unit).",
            topic="unit",
        )
    return unit


def _plain(unit: str) -> str:
    return unit.strip().lower().replace("\u03bc", "µ").replace("^2", "²")
