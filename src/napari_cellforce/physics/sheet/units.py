"""Conversion between material constants and the dimensionless parameters of the sheet."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.physics.sheet.solver import Field

Plane = Literal["stress", "strain"]


@dataclass(frozen=True)
class SheetParameters:
    """Arguments of `ContractileSheet.solve` on a mesh in µm, and the scale of its traction.

    Attributes
    ----------
    Y : float or (N,) array
        Spring constant in 1/µm².
    sigma_a : float or (N,) array
        Active stress, dimensionless.
    alpha : float
        Dimensionless.
    traction_scale : float
        Scale in Pa·µm: traction [Pa] = traction_scale * Y u, with u in µm.
    """

    Y: Field
    sigma_a: Field
    alpha: float
    traction_scale: float


def from_dimensional(
    young: float,
    poisson: float,
    thickness: float,
    spring: Field,
    active_stress: Field,
    plane: Plane = "stress",
) -> SheetParameters:
    """Return the parameters of the sheet for material constants.

    A sheet of thickness h obeys ``h div(sigma + sigma_a I) = k u`` with
    ``sigma = E / (1 + nu) (eps + alpha tr(eps) I)``; divided by ``h E / (1 + nu)`` it is the sheet of
    `ContractileSheet`. In plane stress (a thin sheet, free to change its thickness)
    ``alpha = nu / (1 - nu)``, in plane strain ``nu / (1 - 2 nu)``.

    Parameters
    ----------
    young : float
        Young's modulus E of the cell in Pa.
    poisson : float
        Poisson's ratio nu, in (-1, 0.5]; below 0.5 in plane strain.
    thickness : float
        Thickness h in µm.
    spring : float or (N,) array
        Spring constant k, traction per displacement, in Pa/µm.
    active_stress : float or (N,) array
        sigma_a in Pa; positive for contraction.
    plane : {"stress", "strain"}

    Raises
    ------
    CellForceError
        If a constant is out of its range.
    """
    _require_positive("Young's modulus of the cell", young, "Pa")
    _require_positive("the thickness of the cell", thickness, "µm")
    _require_poisson(poisson, plane)
    unit = young / (1 + poisson)
    alpha = poisson / (1 - poisson) if plane == "stress" else poisson / (1 - 2 * poisson)
    return SheetParameters(
        _scaled(spring, unit * thickness), _scaled(active_stress, unit), alpha, unit * thickness
    )


def _scaled(value: Field, unit: float) -> Field:
    return np.asarray(value, dtype=np.float64) / unit if np.ndim(value) else float(value) / unit


def _require_positive(what: str, value: float, unit: str) -> None:
    if not (math.isfinite(value) and value > 0):
        raise CellForceError(
            f"{what} is {value:g} {unit}",
            "it must be a positive number",
            "Correct it; cells have hundreds to thousands of Pa and a thickness of a few µm.",
            topic=Topic.SHEET,
        )


def _require_poisson(poisson: float, plane: Plane) -> None:
    largest_allowed = poisson <= 0.5 if plane == "stress" else poisson < 0.5
    if not (poisson > -1 and largest_allowed):
        bound = "at most 0.5" if plane == "stress" else "below 0.5 in plane strain, where alpha diverges"
        raise CellForceError(
            f"Poisson's ratio of the cell is {poisson:g}",
            f"it must lie above -1 and {bound}",
            "Use 0.45 for a nearly incompressible cell.",
            topic=Topic.SHEET,
        )
