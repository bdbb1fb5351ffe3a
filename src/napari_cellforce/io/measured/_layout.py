"""Units and conventions of a file of measured vectors that the file does not state."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_cellforce.config_io import Settings, setting
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import MICROMETRE, PASCAL, Quantity, Unit, X, Y

RealArray = npt.NDArray[np.float64]

_PASCAL = {"pa": 1.0, "n/m²": 1.0, "n/m2": 1.0, "pn/µm²": 1.0, "kpa": 1e3, "nn/µm²": 1e3, "nn/um2": 1e3}
_MICROMETRE = {"µm": 1.0, "um": 1.0, "micron": 1.0, "microns": 1.0, "nm": 1e-3, "m": 1e6}
_PIXELS = ("px", "pixel", "pixels", "pix")


@dataclass(frozen=True)
class MeasuredLayout(Settings):
    """What a file of measured vectors does not state itself; what is None must be in the file."""

    unit: str | None = setting(
        None,
        help="Unit of the measured vectors, if the files do not state it: Pa, kPa, nN/µm² for tractions; "
        "µm, nm, px for displacements.",
        label="Unit",
        empty="from the file",
    )
    position_unit: str = setting(
        "px", help="Unit of the columns x and y: px, µm, nm or m.", label="Positions", option="--positions"
    )
    pixel_size: float | None = setting(
        None,
        help="Pixel size of the image, for measured values given in pixels.",
        unit="µm",
        above=0,
        label="Pixel",
        empty="not known",
    )
    spacing: float | None = setting(
        None,
        help="Distance of neighbouring vectors, for files without positions.",
        unit="µm",
        above=0,
        label="Spacing",
        empty="from the file",
    )
    frame_interval: float | None = setting(
        None,
        help="Time between measured frames.",
        unit="min",
        above=0,
        label="Interval",
        empty="from the file",
        option="--interval",
    )
    swap: bool = setting(
        False,
        help="The first component of the vectors is along y (down the rows).",
        label="first component is along y",
    )
    flip_y: bool = setting(False, help="The y component points up.", label="y points up")
    flip_x: bool = setting(False, help="The x component points left.", label="x points left")
    scale: float = setting(1.0, help="Factor by which the measured vectors are multiplied.", label="Scale")

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
