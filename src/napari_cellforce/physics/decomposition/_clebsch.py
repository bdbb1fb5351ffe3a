"""Clebsch: a planar vector field from three scalars, F = grad(phi) + psi grad(chi).

The potentials of a given field are far from unique. Here they are those that fit, are smooth, and leave
little to grad(phi); why this settles them: ``docs/physics/decomposition.md``. For every psi and chi the
best phi is known (least squares), so only these two are sought (`_fit`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_cellforce.physics._grid import RealArray
from napari_cellforce.physics.decomposition._fit import ClebschFit
from napari_cellforce.physics.decomposition._helmholtz import on_grid
from napari_cellforce.physics.decomposition._operators import Grid


@dataclass(frozen=True, eq=False)
class Clebsch:
    """A vector field F from three potentials: ``F = grad_phi + psi_grad_chi + residual``.

    Attributes
    ----------
    phi : (Y, X) float64 array
        In the unit of F times µm, mean 0.
    psi, chi : (Y, X) float64 array
        Each in the square root of that unit, (Pa µm)^½ for a traction. The mean of psi is not negative,
        that of chi is 0.
    grad_phi, psi_grad_chi, residual : (2, Y, X) float64 array
        Components (y, x), in the unit of F. 0 outside the mask.
    residual_fraction : float
        Share of the sum of |F|² in the residual.
    iterations : int
        Steps of the minimiser, over all grids.
    """

    phi: RealArray
    psi: RealArray
    chi: RealArray
    grad_phi: RealArray
    psi_grad_chi: RealArray
    residual: RealArray
    residual_fraction: float
    iterations: int


def clebsch(
    field: npt.ArrayLike,
    spacing: float,
    mask: npt.ArrayLike | None = None,
    *,
    smoothness: float = 1e-3,
    gradient_weight: float = 0.03,
    iterations: int = 150,
) -> Clebsch:
    """Find smooth Clebsch potentials of a vector field.

    Minimises, over psi and chi and with phi the best for each, ::

        |F - grad phi - psi grad chi|² / |R|²  +  gradient_weight * |grad phi|² / |F|²
        + smoothness * int(|grad psi|² + |grad chi|²) dA / |R|

    where R is what is left of F without its gradient part, and ``|R|² = int R² dA``.

    Parameters
    ----------
    field : (2, Y, X) array
        Components (y, x).
    spacing : float
        Side of the square pixels in µm.
    mask : (Y, X) bool array or None
        True inside the cell; None for a periodic field.
    smoothness : float
        Weight of the Dirichlet energy; larger gives smoother potentials and a larger residual.
    gradient_weight : float
        Between 0 and 1: how much a gradient is avoided. Near 1, all of F is sought in psi grad(chi).
    iterations : int
        At most this many steps of the minimiser on the coarsest grid, and a fifth of them on each finer one.

    Returns
    -------
    Clebsch

    Raises
    ------
    CellForceError
        If the field has gaps inside the mask, the mask is empty, or a setting is out of its range.

    References
    ----------
    Clebsch (1859), J reine angew Math 56:1, doi:10.1515/crll.1859.56.1.
    Schmitt et al. (2024), Cell 187:481, doi:10.1016/j.cell.2023.11.041: the use for tractions.
    """
    if np.ndim(field) != 3:
        raise ValueError(f"expected axes (2, Y, X), got an array of shape {np.shape(field)}")
    fit = ClebschFit(smoothness, gradient_weight, iterations)
    grid, values = on_grid(field, spacing, mask)
    return _result(grid, values, *fit.potentials(grid, values))


def _result(grid: Grid, values: RealArray, pair: RealArray, steps: int) -> Clebsch:
    psi, chi = pair if grid.at_pixels(pair[0]).mean() >= 0 else -pair
    product = grid.at_pixels(psi) * grid.gradient(chi)
    phi = grid.potential(values - product, fixed_edge=False)
    grad_phi = grid.gradient(phi)
    residual = values - grad_phi - product
    total = float(np.sum(values**2))
    return Clebsch(
        grid.whole(grid.centred(grid.at_pixels(phi))),
        grid.whole(grid.at_pixels(psi)),
        grid.whole(grid.centred(grid.at_pixels(chi))),
        grid.whole(grad_phi),
        grid.whole(product),
        grid.whole(residual),
        float(np.sum(residual**2)) / total if total > 0 else 0.0,
        steps,
    )
