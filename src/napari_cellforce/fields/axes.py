"""Order of axes and components, units, and the array types of all fields."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Y, X = 0, 1
"""Index of the y and the x component of a vector field."""

Quantity = Literal["traction", "displacement"]
Unit = Literal["Pa", "normalised", "µm"]
FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]

MICROMETRE: Literal["µm"] = "µm"
NORMALISED: Literal["normalised"] = "normalised"
PASCAL: Literal["Pa"] = "Pa"


def require_axes(array: Any, axes: str, ndim: int) -> None:
    """Raise a ValueError if an array has the wrong number of dimensions: a programming error."""
    if array.ndim != ndim:
        raise ValueError(f"expected axes {axes}, got an array of shape {array.shape}")
