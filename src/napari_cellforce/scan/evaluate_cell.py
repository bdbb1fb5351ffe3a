"""What is read off a field of a synthetic cell: forces, energy, and the angle to its adhesions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_cellforce import __version__
from napari_cellforce.fields import (
    PASCAL,
    BoolArray,
    FloatArray,
    FrameResult,
    PixelSize,
    Provenance,
    Substrate,
    Unit,
    X,
    Y,
)
from napari_cellforce.physics.halfspace import displacement
from napari_cellforce.results import frame_row
from napari_cellforce.scan.models import ForceModel
from napari_cellforce.synthetic import Adhesions, SyntheticCell
from napari_cellforce.synthetic.rasterise import ellipse

ANGLE = "angle to the adhesions [°]"
DISTANCE = "force-distance correlation"
QUANTITIES = (
    "total force",
    "mean traction",
    "maximum traction",
    "strain energy",
    "angle to the adhesions",
    "net / total force",
    "force-distance correlation",
)
"""What can be plotted against a scanned parameter; the columns of tables add the unit."""

GEL = Substrate(8000.0)
"""Gel for the strain energy unless another is asked for; that of `napari_cellforce.synthetic.Instrument`."""

_BORDER = 1.0
"""Border of gel around the image, in image sides, where the displacement is computed."""


def measure_traction(
    traction: FloatArray,
    unit: Unit,
    mask: BoolArray,
    pixel_size: PixelSize,
    adhesions: Adhesions,
    substrate: Substrate | None = None,
) -> dict[str, float]:
    """Sum up a field.

    Parameters
    ----------
    traction : (2, Y, X) array
        In `unit`.
    unit : {"Pa", "normalised"}
    mask : (Y, X) bool array
    pixel_size : PixelSize
    adhesions : Adhesions
    substrate : Substrate, optional
        The gel, for the strain energy of fields in Pa; a normalised field has none.

    Returns
    -------
    dict
        From column names with units to numbers.
    """
    moved = None
    if substrate is not None and unit == PASCAL:
        moved = displacement(
            traction,
            pixel_size.micron,
            substrate.young,
            substrate.poisson,
            substrate.thickness,
            padding=_BORDER,
        )
    row = frame_row(0, traction, mask, pixel_size, unit, displacement=moved)
    kept = {name: value for name, value in row.items() if name not in ("frame", "time [min]")}
    return {
        **kept,
        "adhesions": len(adhesions),
        ANGLE: angle_to_adhesions(traction, adhesions, pixel_size),
        DISTANCE: force_distance_correlation(traction, mask, adhesions, pixel_size),
    }


def angle_to_adhesions(traction: FloatArray, adhesions: Adhesions, pixel_size: PixelSize) -> float:
    """Return the mean angle between the force on an adhesion and its long axis, in degrees.

    The axis points into the cell: 0 is inward along the adhesion, 90 across it (also what forces
    without any relation to the adhesions give), 180 outward. The force on an adhesion is the sum of the
    tractions under it; strong forces count more, in proportion. NaN without adhesions or forces.
    """
    forces = _forces_on(adhesions, traction, pixel_size)
    strength = np.hypot(*forces.T)
    if not strength.sum() > 0:
        return math.nan
    axis = np.stack([np.sin(adhesions.angle), np.cos(adhesions.angle)], axis=1)
    cosine = (forces * axis).sum(axis=1) / np.maximum(strength, 1e-300)
    return float(np.degrees(np.average(np.arccos(np.clip(cosine, -1, 1)), weights=strength)))


def force_distance_correlation(
    traction: FloatArray, mask: BoolArray, adhesions: Adhesions, pixel_size: PixelSize
) -> float:
    """Return the rank correlation (Spearman) of the force on an adhesion with its distance from the centre.

    1 if the outer of two adhesions always pulls harder, 0 without any relation. NaN for fewer than three
    adhesions, or without forces.
    """
    strength = np.hypot(*_forces_on(adhesions, traction, pixel_size).T)
    if len(adhesions) < 3 or not np.ptp(strength) > 0:
        return math.nan
    centre = np.argwhere(mask).mean(axis=0) * [pixel_size.y, pixel_size.x]
    from scipy.stats import spearmanr  # loads all of scipy

    return float(spearmanr(strength, np.hypot(*(adhesions.centre - centre).T)).statistic)


def _forces_on(adhesions: Adhesions, traction: FloatArray, pixel_size: PixelSize) -> npt.NDArray[np.float64]:
    """Return the summed traction under each adhesion, ``(N, 2)`` in (y, x)."""
    forces = [_force_on(adhesions, i, traction, pixel_size) for i in range(len(adhesions))]
    return np.array(forces).reshape(-1, 2)


def _force_on(
    adhesions: Adhesions, i: int, traction: FloatArray, pixel_size: PixelSize
) -> npt.NDArray[np.float64]:
    """Return the summed traction under adhesion `i`, (y, x)."""
    (rows, columns), cover = ellipse(
        (traction.shape[1], traction.shape[2]),
        pixel_size.micron,
        adhesions.centre[i],
        adhesions.length[i],
        adhesions.width[i],
        adhesions.angle[i],
    )
    here = traction[:, rows, columns]
    return np.array([(here[Y] * cover).sum(), (here[X] * cover).sum()], dtype=np.float64)


@dataclass(frozen=True)
class CellEvaluation:
    """The traction that a model gives a cell, and the numbers read off it.

    Attributes
    ----------
    model : str
    unit : {"Pa", "normalised"}
    cell : SyntheticCell
    result : FrameResult or None
        The field; None where only the numbers are kept.
    numbers : mapping
        See `measure_traction`.
    per_frame : bool
        True if its totals tell nothing but the cell's area; see `ForceModel`.
    sha256 : str
        Of the model's weights; empty if it has none.
    """

    model: str
    unit: Unit
    cell: SyntheticCell
    result: FrameResult | None
    numbers: Mapping[str, float]
    per_frame: bool = False
    sha256: str = ""

    @property
    def pixel_size(self) -> PixelSize:
        """Pixel size of cell and traction."""
        return PixelSize.square(self.cell.config.pixel_size)

    @property
    def provenance(self) -> Provenance:
        """How the traction came about."""
        settings = {"cell": self.cell.config.to_json(), "seed": self.cell.seed.entropy}
        return Provenance(self.model, self.sha256, __version__, settings)


def evaluate_model(
    model: ForceModel, cell: SyntheticCell, substrate: Substrate | None = GEL
) -> CellEvaluation:
    """Return what a model says of the first frame of a cell.

    Parameters
    ----------
    model : ForceModel
    cell : SyntheticCell
    substrate : Substrate, optional
        The gel, for the strain energy of tractions in Pa.

    Raises
    ------
    CellForceError
        If the model has no answer.
    """
    result = model.forces(cell)
    numbers = measure_traction(
        result.traction,
        model.unit,
        cell.mask.frame(0),
        PixelSize.square(cell.config.pixel_size),
        cell.adhesions[0],
        substrate,
    )
    return CellEvaluation(model.name, model.unit, cell, result, numbers, model.per_frame, model.sha256)
