"""Vector and scalar fields over time, and the prediction for one frame."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from napari_cellforce.fields.axes import BoolArray, FloatArray, Quantity, Unit, X, Y, require_axes
from napari_cellforce.fields.pixel_size import PixelSize
from napari_cellforce.fields.provenance import Provenance
from napari_cellforce.fields.short_repr import ShortRepr, sizes


@dataclass(frozen=True, eq=False, repr=False)
class VectorField(ShortRepr):
    """Traction or displacement, over time.

    Attributes
    ----------
    data : (T, 2, Y, X) float32 array
        Component 0 along y (downward), 1 along x; in `unit`.
    quantity : {"traction", "displacement"}
    unit : {"Pa", "normalised", "µm"}
        ``"normalised"`` is a multiple of a data set's mean traction; see the model's record.
    pixel_size : PixelSize
    frame_interval : float or None
        Minutes between frames.
    frames : tuple of T int
        Indices of these frames in the input (all of them unless a job was stopped).
    mask : (T, Y, X) bool array or None
    name : str
    provenance : Provenance
    """

    data: Any
    quantity: Quantity
    unit: Unit
    pixel_size: PixelSize
    frame_interval: float | None = None
    frames: tuple[int, ...] = ()
    mask: Any = None
    name: str = ""
    provenance: Provenance = field(default_factory=Provenance)

    def __post_init__(self) -> None:
        require_axes(self.data, "(T, 2, Y, X)", 4)
        if self.data.shape[1] != 2:
            raise ValueError(f"a vector field has 2 components, not {self.data.shape[1]}")
        if not self.frames:
            object.__setattr__(self, "frames", tuple(range(self.data.shape[0])))

    @property
    def channel_names(self) -> tuple[str, str]:
        """Names with unit, as written to files: ``("traction_y [Pa]", "traction_x [Pa]")``."""
        return f"{self.quantity}_y [{self.unit}]", f"{self.quantity}_x [{self.unit}]"

    def __repr__(self) -> str:
        named = f", {self.name!r}" if self.name else ""
        return f"VectorField({self.quantity}, {sizes(self.data.shape)}, {self.unit}{named})"

    def magnitude(self) -> FloatArray:
        """Return the length of the vectors, ``(T, Y, X)`` in `unit`."""
        data = np.asarray(self.data, dtype=np.float32)
        magnitude: FloatArray = np.hypot(data[:, Y], data[:, X])
        return magnitude


@dataclass(frozen=True, eq=False, repr=False)
class ScalarField(ShortRepr):
    """A scalar over time: uncertainty, a potential, an adhesion field.

    Attributes
    ----------
    data : (T, Y, X) float32 array
        In `unit`.
    name : str
        Name of the quantity: ``"uncertainty"``, ``"phi"``.
    unit : str
        Empty if dimensionless.
    pixel_size : PixelSize
    frame_interval : float or None
        Minutes between frames.
    provenance : Provenance
    """

    data: Any
    name: str
    unit: str
    pixel_size: PixelSize
    frame_interval: float | None = None
    provenance: Provenance = field(default_factory=Provenance)

    def __post_init__(self) -> None:
        require_axes(self.data, "(T, Y, X)", 3)

    def __repr__(self) -> str:
        unit = f", {self.unit}" if self.unit else ""
        return f"ScalarField({self.name}, {sizes(self.data.shape)}{unit})"


@dataclass(frozen=True, eq=False, repr=False)
class FrameResult(ShortRepr):
    """Prediction for one frame, on the grid of the input.

    Attributes
    ----------
    traction : (2, Y, X) float32 array
        (y, x), in the unit of the predictor's record; 0 outside the cell. That of a network may extend one
        pixel of the model beyond the mask, the precision of an outline.
    uncertainty : (Y, X) float32 array or None
        Standard deviation of the traction vector, same unit.
    scalars : mapping of str to (Y, X) float32 array
        Named internal fields (``"phi"``, ``"Y"`` ...) of the model, if any.
    frame : int
        Index in the input stack.
    mask : (Y, X) bool array or None
    """

    traction: FloatArray
    uncertainty: FloatArray | None = None
    scalars: Mapping[str, FloatArray] = field(default_factory=dict)
    frame: int = 0
    mask: BoolArray | None = None

    def __repr__(self) -> str:
        extra = (["uncertainty"] if self.uncertainty is not None else []) + list(self.scalars)
        height, width = self.traction.shape[-2:]
        return f"FrameResult({', '.join([f'frame {self.frame}', f'{height} x {width} px', *extra])})"
