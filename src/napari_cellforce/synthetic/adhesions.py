"""Focal adhesions of a cell, and how strongly they hold."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from napari_cellforce.errors import CellForceError
from napari_cellforce.synthetic.outline import Array


@dataclass(frozen=True)
class Adhesions:
    """Focal adhesions of a cell, as ellipses.

    Attributes
    ----------
    centre : (N, 2) array
        (y, x) in µm.
    length, width : (N,) array
        Full axes in µm.
    angle : (N,) array
        Direction of the long axis in radians, atan2(y, x), pointing into the cell.
    intensity : (N,) array
        Brightness of the protein; 1 is typical.
    grip : (N,) array or None
        Factor on the hold on the gel that the brightness suggests. It does not show. None for 1.

    Raises
    ------
    CellForceError
        If one has no length or width, or is darker than nothing.
    """

    centre: Array
    length: Array
    width: Array
    angle: Array
    intensity: Array
    grip: Array | None = None

    def __post_init__(self) -> None:
        sizes = np.concatenate([self.length, self.width])
        if not ((sizes > 0).all() and np.isfinite(sizes).all() and (self.intensity >= 0).all()):
            raise CellForceError(
                "an adhesion has no length or width, or a negative intensity",
                "lengths and widths must be positive numbers, intensities 0 or more",
                "Draw it again, or delete it.",
                topic="adhesions",
            )

    def __len__(self) -> int:
        return len(self.length)

    def changed(self, length: Array | float = 1.0, intensity: Array | float = 1.0) -> Adhesions:
        """Return the same adhesions with length and intensity multiplied by the given factors."""
        return replace(self, length=self.length * length, intensity=self.intensity * intensity)

    def hold(self, exponent: float = 1.0) -> Adhesions:
        """Return them as bright as they hold: brightness to a power, times the grip."""
        grip = 1.0 if self.grip is None else self.grip
        return replace(self, intensity=self.intensity**exponent * grip)
