"""What a measurement of tractions yields."""

from __future__ import annotations

from dataclasses import dataclass

from napari_cellforce.fields import BoolArray, FloatArray
from napari_cellforce.physics.displacement import DisplacementResult
from napari_cellforce.physics.regularisation import Choice


@dataclass(frozen=True, eq=False)
class TfmDisplacement:
    """The displacement of one frame, found before any traction.

    Attributes
    ----------
    frame : int
    result : DisplacementResult
        In pixels on the windows' grid.
    """

    frame: int
    result: DisplacementResult


@dataclass(frozen=True, eq=False)
class TfmFrame:
    """One frame of measured traction, on the grid of the images.

    Attributes
    ----------
    frame : int
    traction : (2, Y, X) float32 array
        In Pa.
    displacement : (2, Y, X) float32 array
        In µm; its median far from the cell (or all over) is 0.
    choice : Choice
        The regularisation; ``choice.traction_noise`` is the uncertainty of each component in Pa.
    mask : (Y, X) bool array or None
    """

    frame: int
    traction: FloatArray
    displacement: FloatArray
    choice: Choice
    mask: BoolArray | None
