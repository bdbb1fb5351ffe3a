"""Any field of vectors taken apart: Helmholtz's parts and Clebsch's potentials."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from napari_cellforce.errors import CellForceWarning
from napari_cellforce.fields import BoolArray, FloatArray, Unit
from napari_cellforce.physics.decomposition import clebsch, helmholtz
from napari_cellforce.preprocess.mask import touches_border


@dataclass(frozen=True, eq=False)
class Decomposed:
    """One frame, taken apart.

    Attributes
    ----------
    scalars : mapping of str to (Y, X) float32 array
        ``helmholtz_phi``, ``helmholtz_stream``, ``phi``, ``psi``, ``chi``; 0 outside the mask.
    shares : mapping of str to float
        Of the sum of |F|²: ``curl-free``, ``divergence-free``, ``harmonic``; and what the Clebsch form
        leaves, ``clebsch residual``.
    """

    scalars: dict[str, FloatArray]
    shares: dict[str, float]


def decompose(field: FloatArray, spacing: float, mask: BoolArray | None, iterations: int = 150) -> Decomposed:
    """Take a frame's field ``(2, Y, X)`` apart.

    Parameters
    ----------
    field : (2, Y, X) array
        (y, x); a traction or a displacement.
    spacing : float
        Side of the pixels in µm.
    mask : (Y, X) bool array or None
        The cell; without one the field is taken for periodic.
    iterations : int
        At most, of the Clebsch potentials.

    Raises
    ------
    CellForceError
        If the field has gaps in the mask or the mask is empty.

    Warns
    -----
    CellForceWarning
        If the cell is cut by the border: potentials there depend on what is not seen.
    """
    if mask is not None and touches_border(mask):
        warnings.warn(
            "The cell is cut by the frame's border: the field is taken to end there, so potentials near it,"
            " and a balance of forces found so, are artificial.",
            CellForceWarning,
            stacklevel=2,
        )
    parts = helmholtz(field, spacing, mask)
    forms = clebsch(field, spacing, mask, iterations=iterations)
    scalars = {
        "helmholtz_phi": parts.phi,
        "helmholtz_stream": parts.stream,
        "phi": forms.phi,
        "psi": forms.psi,
        "chi": forms.chi,
    }
    names = ("curl-free", "divergence-free", "harmonic")
    shares = {name: float(share) for name, share in zip(names, parts.fractions, strict=True)}
    return Decomposed(
        {name: np.asarray(values, dtype=np.float32) for name, values in scalars.items()},
        shares | {"clebsch residual": forms.residual_fraction},
    )


def unit_of(name: str, unit: Unit) -> str:
    """Return the unit of one of `Decomposed.scalars`, for a field in `unit`."""
    product = f"{unit} µm"
    return f"({product})^½" if name in ("psi", "chi") else product
