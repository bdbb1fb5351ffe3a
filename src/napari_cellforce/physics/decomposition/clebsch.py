"""Clebsch: a planar vector field from three scalars, F = grad(phi) + psi grad(chi).

The potentials of a given field are far from unique. Here they are those that fit and are smoothest:

1. phi is the least-squares potential of what psi grad(chi) leaves, so only psi and chi are sought;
2. they minimise the misfit plus a little of their Dirichlet energy (`clebsch` says how little), by
   L-BFGS in a Sobolev metric, from the pair that a power iteration finds to fit best to first order;
3. what the energy leaves open, a rotation and shifts of the (psi, chi) plane, is used to make
   grad(phi) as small as it can be.

Why this determines the potentials: ``docs/physics/decomposition.md``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.optimize

from napari_cellforce.errors import CellForceError
from napari_cellforce.physics._grid import RealArray
from napari_cellforce.physics.decomposition._operators import Grid
from napari_cellforce.physics.decomposition.helmholtz import on_grid

_POWER_ITERATIONS = 30
_POLISH = 5  # the last fifth of the iterations follows the choice of the gauge
_ROUNDING = 1e-20


@dataclass(frozen=True, eq=False)
class Clebsch:
    """A vector field F from three potentials: ``F = grad_phi + psi_grad_chi + residual``.

    Attributes
    ----------
    phi : (Y, X) float64 array
        In the unit of F times µm, mean 0.
    psi, chi : (Y, X) float64 array
        Each in the square root of that unit, (Pa µm)^½ for a traction; chi has mean 0.
    grad_phi, psi_grad_chi, residual : (2, Y, X) float64 array
        Components (y, x), in the unit of F. 0 outside the mask.
    residual_fraction : float
        Share of the sum of |F|² in the residual.
    iterations : int
        Of the minimiser.
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
    iterations: int = 150,
) -> Clebsch:
    """Find smooth Clebsch potentials of a vector field.

    Minimises, over psi and chi and with phi the best for each,
    ``|F - grad phi - psi grad chi|² / |R|² + smoothness * int(|grad psi|² + |grad chi|²) dA / |R|``,
    where R is what is left of F without its gradient part and ``|R|² = int R² dA``.

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
    iterations : int
        At most this many steps of the minimiser.

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
    if not (smoothness > 0 and iterations > 0):
        raise CellForceError(
            f"smoothness is {smoothness:g}, with {iterations} iterations",
            "both must be positive",
            "The defaults are 1e-3 and 150.",
            topic="smoothness",
        )
    grid, values = on_grid(field, spacing, mask)
    rotational = grid.without_gradients(values)
    pair = np.zeros((2, *grid.node_shape))
    steps = 0
    if np.sum(rotational**2) > _ROUNDING * np.sum(values**2):
        objective = _Objective(grid, rotational, smoothness)
        pair, first = objective.minimise(_first_guess(grid, rotational), iterations - iterations // _POLISH)
        pair, second = objective.minimise(_least_gradient(grid, values, pair), iterations // _POLISH)
        steps = first + second
    return _result(grid, values, pair, steps)


def _result(grid: Grid, values: RealArray, pair: RealArray, steps: int) -> Clebsch:
    psi, chi = pair
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


class _Objective:
    """Misfit and Dirichlet energy of a pair (psi, chi), shape (2, nodes), with their gradient."""

    def __init__(self, grid: Grid, rotational: RealArray, smoothness: float) -> None:
        self.grid, self.rotational = grid, rotational
        energy = float(np.sum(rotational**2))
        self.misfit_weight = 1 / energy
        self.energy_weight = smoothness / (np.sqrt(energy) * grid.spacing)

    def __call__(self, pair: RealArray) -> tuple[float, RealArray]:
        grid = self.grid
        psi, slope = grid.at_pixels(pair[0]), grid.gradient(pair[1])
        # The remainder is orthogonal to all gradients, hence its derivative needs no second projection.
        remainder = grid.without_gradients(self.rotational - psi * slope)
        force = grid.stiffness(pair)
        value = (self.misfit_weight * np.sum(remainder**2) + self.energy_weight * np.sum(pair * force)) / 2
        towards_psi = grid.at_pixels_adjoint(np.sum(remainder * slope, axis=0))
        towards_chi = grid.gradient_adjoint(psi * remainder)
        misfit_gradient = -self.misfit_weight * np.stack([towards_psi, towards_chi])
        return float(value), misfit_gradient + self.energy_weight * force

    def minimise(self, start: RealArray, iterations: int) -> tuple[RealArray, int]:
        """Return the minimiser found from `start`, and the steps taken.

        The unknowns are steps from `start` before smoothing: a gradient in them is a Sobolev gradient.
        """
        scale = np.sqrt(np.sum(start * self.grid.stiffness(start)))

        def moved(step: RealArray) -> RealArray:
            smoothed: RealArray = scale * self.grid.smooth(step.reshape(start.shape))
            return start + smoothed

        def value_and_gradient(step: RealArray) -> tuple[float, RealArray]:
            value, gradient = self(moved(step))
            return value, scale * self.grid.smooth(gradient).ravel()

        found = scipy.optimize.minimize(
            value_and_gradient,
            np.zeros(start.size),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": iterations, "maxfun": 2 * iterations, "ftol": 1e-10, "gtol": 1e-12},
        )
        return moved(found.x), int(found.nit)


def _first_guess(grid: Grid, rotational: RealArray) -> RealArray:
    """Return the pair of given Dirichlet energy whose product explains most of the field.

    That is the leading singular pair of the bilinear form (psi, chi) -> sum R . psi grad(chi), found by
    power iteration in the Sobolev metric; then both are scaled to fit R best.
    """
    rows, columns = (np.linspace(-1, 1, n) for n in grid.node_shape)
    psi = np.cos(np.pi * (rows[:, None] + 0.3 * columns[None, :] + 0.2))
    chi = psi
    for _ in range(_POWER_ITERATIONS):
        chi = _unit(grid, grid.gradient_adjoint(rotational * grid.at_pixels(psi)))
        psi = _unit(grid, grid.at_pixels_adjoint(np.sum(rotational * grid.gradient(chi), axis=0)))
    product = grid.without_gradients(grid.at_pixels(psi) * grid.gradient(chi))
    size = np.sqrt(np.sum(product * rotational) / np.sum(product**2))
    return np.stack([size * psi, size * chi])


def _unit(grid: Grid, load: RealArray) -> RealArray:
    """Solve approximately for the potential under a load, and scale it to unit Dirichlet energy."""
    potential = grid.smooth(grid.smooth(load))
    scaled: RealArray = potential / np.sqrt(np.sum(potential * grid.stiffness(potential)))
    return scaled


def _least_gradient(grid: Grid, values: RealArray, pair: RealArray) -> RealArray:
    """Rotate and shift the (psi, chi) plane so that grad(phi) is least; psi gets a positive mean.

    Turned by an angle a, psi' = psi cos a + chi sin a and chi' = chi cos a - psi sin a give the same
    field with phi' = phi + psi chi sin²a - (chi² - psi²) sin(2a) / 4, and lifting psi' by c takes
    c chi' from phi'. The sum of squares is a form in five gradients, minimised over c exactly and
    over a on half a turn.
    """
    psi, chi = pair - np.array([grid.at_pixels(part).mean() for part in pair])[:, None, None]
    phi = grid.potential(values - grid.at_pixels(psi) * grid.gradient(chi), fixed_edge=False)
    parts = [grid.gradient(p) for p in (phi + psi * chi / 2, psi * chi / 2, (chi**2 - psi**2) / 4, psi, chi)]
    gram = np.tensordot(np.array(parts), np.array(parts), axes=([1, 2, 3], [1, 2, 3]))

    def energy_and_lift(angle: float) -> tuple[float, float]:
        gradient = np.array([1, -np.cos(2 * angle), -np.sin(2 * angle), 0, 0])
        lifted = np.array([0, 0, 0, -np.sin(angle), np.cos(angle)])
        lift = (gradient @ gram @ lifted) / (lifted @ gram @ lifted)
        return float(gradient @ gram @ gradient - lift**2 * (lifted @ gram @ lifted)), float(lift)

    angle = _minimum_on_half_turn(lambda a: energy_and_lift(a)[0])
    turned_psi = psi * np.cos(angle) + chi * np.sin(angle) + energy_and_lift(angle)[1]
    turned_chi = chi * np.cos(angle) - psi * np.sin(angle)
    sign = 1.0 if grid.at_pixels(turned_psi).mean() >= 0 else -1.0
    return np.stack([sign * turned_psi, sign * turned_chi])


def _minimum_on_half_turn(function: Callable[[float], float]) -> float:
    """Return where a function of period pi is least: the best of 180 angles, refined."""
    step = np.pi / 180
    best = min((step * i for i in range(180)), key=function)
    refined = scipy.optimize.minimize_scalar(function, bounds=(best - step, best + step), method="bounded")
    return float(refined.x)
