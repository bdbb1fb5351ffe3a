"""Units and conventions of a file of measured vectors that the file does not state."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import MICROMETRE, PASCAL, Quantity, Unit, X, Y

RealArray = npt.NDArray[np.float64]

_PASCAL = {"pa": 1.0, "n/m²": 1.0, "n/m2": 1.0, "pn/µm²": 1.0, "kpa": 1e3, "nn/µm²": 1e3, "nn/um2": 1e3}
_MICROMETRE = {"µm": 1.0, "um": 1.0, "micron": 1.0, "microns": 1.0, "nm": 1e-3, "m": 1e6}
_PIXELS = ("px", "pixel", "pixels", "pix")


@dataclass(frozen=True)
class MeasuredLayout:
    """Units and conventions of a file of measured vectors; None means that the file states them.

    Attributes
    ----------
    unit : str or None
        Unit of the vectors: ``"Pa"``, ``"kPa"``, ``"nN/µm²"`` for tractions, ``"µm"``, ``"nm"``, ``"px"`` for
        displacements.
    position_unit : {"px", "µm"}
        Unit of the columns x and y.
    pixel_size : float or None
        Pixel size of the image in µm, for values in pixels.
    spacing : float or None
        Grid spacing in µm, for arrays without positions.
    frame_interval : float or None
        Minutes between frames.
    swap : bool
        True if the first component is along y, down the rows.
    flip_y, flip_x : bool
        True to invert the sign of a component: of y for files in which y points up.
    scale : float
        Factor by which the vectors are multiplied.
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
        """Return vectors ``(2, ...)`` in the order of the file (x, y) as (y, x), flipped and scaled."""
        first, second = vectors
        y, x = (first, second) if self.swap else (second, first)
        result = np.stack([y, x]) * self.scale
        result[Y] *= -1 if self.flip_y else 1
        result[X] *= -1 if self.flip_x else 1
        return result

    def quantity(self, unit: str) -> tuple[Quantity, Unit, float]:
        """Return the quantity of vectors in `unit`, its unit in this package, and the conversion factor.

        Raises
        ------
        CellForceError
            If the unit is unknown, or is pixels and the pixel size is unknown.
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
            topic=Topic.UNIT,
        )

    def micron_per_position(self) -> float:
        """Return the size of the unit of positions in µm."""
        if _plain(self.position_unit) in _PIXELS:
            return self.micron_per_pixel()
        return self.quantity(self.position_unit)[2]

    @property
    def positions_in_pixels(self) -> bool:
        """True if positions are in pixels: 0 is then the centre of the first pixel."""
        return _plain(self.position_unit) in _PIXELS

    def micron_per_pixel(self) -> float:
        """Return the pixel size; raise a `CellForceError` if there is none."""
        if self.pixel_size is None:
            raise CellForceError(
                "positions or displacements are in pixels",
                "the pixel size must be known",
                "Specify it in µm: camera pixel divided by magnification.",
                topic=Topic.PIXEL_SIZE,
            )
        return self.pixel_size


def require_unit(unit: str | None, name: str) -> str:
    """Return the unit of the vectors; raise a `CellForceError` if there is none."""
    if unit is None:
        raise CellForceError(
            f"{name} does not state the unit of its vectors",
            "tractions are in Pa or kPa, displacements in px or µm: a factor of 1000 is easily missed",
            "Choose the unit.",
            topic=Topic.UNIT,
        )
    return unit


def _plain(unit: str) -> str:
    return unit.strip().lower().replace("\u03bc", "µ").replace("^2", "²")
