"""Clebsch decomposition of a planar vector field, F = grad(phi) + psi grad(chi).

The potentials of a field are not unique. They are selected here by goodness of fit, smoothness, and a small
contribution of grad(phi); see ``docs/physics/decomposition.md``. For given psi and chi the optimal phi
follows from least squares, so the fit is over psi and chi only.

The fit proceeds from coarse to fine grids, by L-BFGS in a Sobolev metric: large features of the field
determine the choice of potentials, and a coarse grid resolves them at a fraction of the cost. The initial
value on the coarsest grid is the best rank-one pair, found by a power iteration.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import ShortRepr
from napari_cellforce.physics._grid import RealArray
from napari_cellforce.physics.decomposition._helmholtz import on_grid
from napari_cellforce.physics.decomposition._operators import Grid

_POWER_ITERATIONS = 30
_COARSEST = 32
"""Minimum number of nodes along the shorter side of a coarse grid."""
_FIRST_STAGES: tuple[tuple[float, float], ...] = ((10.0, 1 / 3), (1.0, 2 / 3))
"""(Multiple of the smoothness, fraction of the iterations) of the stages on the coarsest grid."""
_REFINEMENT: tuple[tuple[float, float], ...] = ((1.0, 1 / 5),)
"""The same on a grid initialised from a coarser one."""
_CORRECTIONS = 5
"""Memory of L-BFGS in steps: ten give no better fit and take 1.5 times as long."""
_ROUNDING = 1e-20


@dataclass(frozen=True)
class ClebschFit:
    """Settings of a fit, see `clebsch`."""

    smoothness: float
    gradient_weight: float
    iterations: int

    def __post_init__(self) -> None:
        smoothness, weight, iterations = self.smoothness, self.gradient_weight, self.iterations
        if not (np.isfinite(smoothness) and smoothness > 0 and 0 <= weight <= 1 and iterations > 0):
            raise CellForceError(
                f"smoothness {smoothness:g}, gradient weight {weight:g}, {iterations} iterations",
                "smoothness and iterations must be positive, the gradient weight between 0 and 1",
                "The defaults are 0.001, 0.03 and 150.",
                topic=Topic.SETTINGS,
            )

    def potentials(self, grid: Grid, field: RealArray) -> tuple[RealArray, int]:
        """Return psi and chi at the nodes, (2, ...), and the number of steps; 0 for a gradient field."""
        rotational = grid.without_gradients(field)
        pair, steps = np.zeros((2, *grid.node_shape)), 0
        if np.sum(rotational**2) <= _ROUNDING * np.sum(field**2):
            return pair, steps
        if min(grid.node_shape) >= 2 * _COARSEST:
            coarse, steps = self.potentials(grid.coarser, grid.averaged(field))
            pair = grid.refined(coarse)
        stages = _REFINEMENT if pair.any() else _FIRST_STAGES
        if not pair.any():
            pair = _first_guess(grid, rotational)
        for multiple, share in stages:
            objective = Objective(grid, field, rotational, multiple * self.smoothness, self.gradient_weight)
            pair, taken = objective.minimise(pair, max(1, round(share * self.iterations)))
            steps += taken
        return pair, steps


class Objective:
    """Half the objective function of `clebsch` of a pair (psi, chi), (2, nodes), with its gradient."""

    def __init__(
        self, grid: Grid, field: RealArray, rotational: RealArray, smoothness: float, gradient_weight: float
    ) -> None:
        self.grid, self.field = grid, field
        energy = float(np.sum(rotational**2))
        self.misfit_weight = 1 / energy
        self.gradient_weight = gradient_weight * energy / float(np.sum(field**2))
        self.energy_weight = smoothness / (np.sqrt(energy) * grid.spacing)

    def __call__(self, pair: RealArray) -> tuple[float, RealArray]:
        grid = self.grid
        psi, slope = grid.at_pixels(pair[0]), grid.gradient(pair[1])
        rest = self.field - psi * slope
        misfit = grid.without_gradients(rest)
        # The projection is orthogonal and its own transpose: this is the derivative of the misfit and of
        # |grad phi|² = |rest - misfit|² in `rest`.
        force = misfit + self.gradient_weight * (rest - misfit)
        tension = grid.stiffness(pair)
        value = self.misfit_weight * np.sum(force * rest) + self.energy_weight * np.sum(pair * tension)
        towards_psi = grid.at_pixels_adjoint(np.sum(force * slope, axis=0))
        towards_chi = grid.gradient_adjoint(psi * force)
        descent: RealArray = self.misfit_weight * np.stack([towards_psi, towards_chi])
        return float(value) / 2, self.energy_weight * tension - descent

    def minimise(self, start: RealArray, iterations: int) -> tuple[RealArray, int]:
        """Return the minimiser found from `start`, and the number of steps.

        The unknowns are steps from `start` before smoothing: their gradient is a Sobolev gradient.
        """
        scale = np.sqrt(np.sum(start * self.grid.stiffness(start)))

        def moved(step: RealArray) -> RealArray:
            smoothed: RealArray = scale * self.grid.smooth(step.reshape(start.shape))
            return start + smoothed

        def value_and_gradient(step: RealArray) -> tuple[float, RealArray]:
            value, gradient = self(moved(step))
            return value, scale * self.grid.smooth(gradient).ravel()

        from scipy.optimize import minimize  # takes .2 s to load

        result = minimize(
            value_and_gradient,
            np.zeros(start.size),
            jac=True,
            method="L-BFGS-B",
            options={
                "maxiter": iterations,
                "maxfun": 2 * iterations,
                "maxcor": _CORRECTIONS,
                "ftol": 1e-10,
                "gtol": 1e-12,
            },
        )
        return moved(result.x), int(result.nit)


def _first_guess(grid: Grid, rotational: RealArray) -> RealArray:
    """Return the pair of given Dirichlet energy that explains most of the field.

    This is the leading singular pair of the bilinear form (psi, chi) -> sum R . psi grad(chi), found by
    power iteration in the Sobolev metric, scaled by least squares to R.
    """
    rows, columns = (np.linspace(-1, 1, n) for n in grid.node_shape)
    psi = np.cos(np.pi * (rows[:, None] + 0.3 * columns[None, :] + 0.2))
    chi = psi
    for _ in range(_POWER_ITERATIONS):
        chi = _unit(grid, grid.gradient_adjoint(rotational * grid.at_pixels(psi)))
        psi = _unit(grid, grid.at_pixels_adjoint(np.sum(rotational * grid.gradient(chi), axis=0)))
    product = grid.without_gradients(grid.at_pixels(psi) * grid.gradient(chi))
    energy = np.sum(product**2)
    size = np.sqrt(np.sum(product * rotational) / energy) if energy > 0 else 0.0
    return np.stack([size * psi, size * chi])


def _unit(grid: Grid, load: RealArray) -> RealArray:
    """Return the approximate potential of a load, scaled to unit Dirichlet energy."""
    potential = grid.smooth(grid.smooth(load))
    energy = np.sum(potential * grid.stiffness(potential))
    return potential / np.sqrt(energy) if energy > 0 else potential


@dataclass(frozen=True, eq=False, repr=False)
class Clebsch(ShortRepr):
    """A vector field F from three potentials: ``F = grad_phi + psi_grad_chi + residual``.

    Attributes
    ----------
    phi : (Y, X) float64 array
        Potential in the unit of F times µm, mean 0.
    psi, chi : (Y, X) float64 array
        Potentials in the square root of that unit, (Pa µm)^½ for a traction. The mean of psi is not
        negative, that of chi is 0.
    grad_phi, psi_grad_chi, residual : (2, Y, X) float64 array
        Components (y, x), in the unit of F. 0 outside the mask.
    residual_fraction : float
        Fraction of the sum of |F|² in the residual.
    iterations : int
        Number of steps of the minimiser, over all grids.
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

    Minimises over psi and chi, with the optimal phi, ::

        |F - grad phi - psi grad chi|² / |R|²  +  gradient_weight * |grad phi|² / |F|²
        + smoothness * int(|grad psi|² + |grad chi|²) dA / |R|

    where R is F without its gradient part, and ``|R|² = int R² dA``.

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
        Weight of the penalty on the gradient part, between 0 and 1; near 1, F is attributed to psi grad(chi).
    iterations : int
        Maximum number of steps on the coarsest grid; a fifth of them on each finer grid.

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
