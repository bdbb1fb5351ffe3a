"""The contractile sheet on springs: displacement, traction, and the gradients of a loss by its adjoint."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg import LinAlgError

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import ShortRepr
from napari_cellforce.physics.linear_algebra import Array, BandedCholesky, Indices, one_blas_thread
from napari_cellforce.physics.mesh.refine import areas
from napari_cellforce.physics.sheet.assembly import SheetOperators, assemble

Field = float | npt.NDArray[np.floating]
"""A number, or a value per node, ``(N,)``."""


class ContractileSheet:
    """A thin contractile elastic sheet on springs, on one mesh.

    Inside ``div(sigma + sigma_a I) + f = Y u``, on the edge ``(sigma + sigma_a I) n = 0``, with
    ``sigma = alpha (div u) I + eps(u)``; the traction is ``F = Y u``. Stress is in units of E / (1 + nu);
    lengths in the unit of `nodes`; hence Y in 1 / length^2, sigma_a and alpha without unit, u a length,
    F in 1 / length. `from_dimensional` makes them from moduli. Linear triangles (P1) throughout.

    Parameters
    ----------
    nodes : (N, 2) array
        Positions; vector components follow the same order, (y, x) in this package.
    triangles : (M, 3) int array
        Nodes of each triangle. Several disconnected parts are allowed.

    Raises
    ------
    ValueError
        If the arrays are not a valid mesh.

    References
    ----------
    Schmitt et al. 2024, Cell 187(2):481-494; derivation in ``docs/physics/sheet.md``.
    """

    def __init__(self, nodes: npt.ArrayLike, triangles: npt.ArrayLike) -> None:
        self.nodes: Array = np.array(nodes, dtype=np.float64)
        self.triangles: Indices = np.array(triangles, dtype=np.int64)
        require_mesh(self.nodes, self.triangles)
        self.operators: SheetOperators = assemble(self.nodes, self.triangles)

    @property
    def n_nodes(self) -> int:
        """Number of nodes N."""
        return len(self.nodes)

    def equilibrium(
        self,
        Y: Field,
        sigma_a: Field,
        alpha: float,
        body_force: Array | None = None,
        nodal_force: Array | None = None,
    ) -> Equilibrium:
        """Solve the sheet; the factorisation is kept for adjoint solves.

        Parameters
        ----------
        Y : float or (N,) array
            Spring constant, in 1 / length^2; not negative, and not zero on a whole part.
        sigma_a : float or (N,) array
            Active stress.
        alpha : float
            Resistance to dilation, above -1/2.
        body_force : (N, 2) array, optional
            f, in 1 / length.
        nodal_force : (N, 2) array, optional
            A force given by its work ``int f.v`` with the hat function v of every node, such as
            ``-int S : grad v`` of an anisotropic active stress S.

        Raises
        ------
        CellForceError
            If the sheet is unstable for these parameters, or the equations are singular.
        """
        springs, active, alpha = self._springs(Y), self._active(sigma_a), require_stable(alpha)
        operators = self.operators
        load = -(operators.active @ active)
        if body_force is not None:
            at_points = operators.at_points @ self._vectors(body_force, "body_force")
            load += operators.integrate(at_points).ravel()
        if nodal_force is not None:
            load += self._vectors(nodal_force, "nodal_force").ravel()
        factor = self._factorise(springs, alpha)
        u = factor.solve(load).reshape(-1, 2)
        if not np.isfinite(u).all():
            raise singular_error("the solution is not finite")
        return Equilibrium(self, springs, u, factor)

    def solve(self, Y: Field, sigma_a: Field, alpha: float, body_force: Array | None = None) -> Array:
        """Return the displacement u, ``(N, 2)``; parameters as in `equilibrium`."""
        return self.equilibrium(Y, sigma_a, alpha, body_force).u

    @one_blas_thread()
    def loss_and_gradients(
        self, Y: Field, sigma_a: Field, alpha: float, F_target: npt.ArrayLike
    ) -> tuple[float, Field, Field, float]:
        """Return ``J = int |Y u - F_target|^2`` and its gradients.

        Parameters
        ----------
        Y, sigma_a, alpha
            See `equilibrium`.
        F_target : (N, 2) array
            Target traction at the nodes, linear in between, in 1 / length.

        Returns
        -------
        J : float
            Integrated exactly: Y u is a product of two linear functions.
        dJ_dY, dJ_dsigma_a : float or (N,) array
            Derivatives with respect to the nodal values; a float if the parameter is a float.
        dJ_dalpha : float
        """
        state, operators = self.equilibrium(Y, sigma_a, alpha), self.operators
        springs, u = operators.at_points @ state.Y, operators.at_points @ state.u
        target = operators.at_points @ self._vectors(F_target, "F_target")
        misfit = springs[:, None] * u - target
        by_springs = 2 * _dot(misfit, u)[:, None]
        direct = operators.integrate(np.hstack([by_springs, 2 * springs[:, None] * misfit]))
        through_u, dsigma_a, dalpha = state.pull_back(direct[:, 1:])
        loss = float(operators.weights @ _dot(misfit, misfit))
        return loss, _like(Y, direct[:, 0] + through_u), _like(sigma_a, dsigma_a), dalpha

    def resultant(self, Y: Field, u: Array) -> tuple[Array, float]:
        """Return net force ``int Y u``, ``(2,)``, and net moment ``int r x Y u`` about the origin, exactly.

        The moment is ``r_0 F_1 - r_1 F_0``, in the order of the nodes' columns.
        """
        at_points = self.operators.at_points
        traction = (at_points @ self._springs(Y))[:, None] * (at_points @ u)
        nodal = self.operators.integrate(traction)
        moment = self.nodes[:, 0] @ nodal[:, 1] - self.nodes[:, 1] @ nodal[:, 0]
        return nodal.sum(axis=0), float(moment)

    def _factorise(self, springs: Array, alpha: float) -> BandedCholesky:
        operators = self.operators
        entries = operators.band.empty()
        entries[operators.stiffness_at] = operators.shear + alpha * operators.dilation
        spring_entries = operators.springs @ springs
        for places in operators.springs_at:
            entries[places] += spring_entries
        try:
            return operators.band.factorise(entries)
        except LinAlgError as error:
            raise singular_error(str(error)) from error

    def _springs(self, Y: Field) -> Array:
        springs = self._nodal(Y, "Y")
        require_springs(springs)
        require_anchored(self.operators, springs)
        return springs

    def _active(self, sigma_a: Field) -> Array:
        active = self._nodal(sigma_a, "sigma_a")
        require_numbers(active, "the active stress sigma_a")
        return active

    def _nodal(self, value: Field, name: str) -> Array:
        array = np.asarray(value, dtype=np.float64)
        if array.ndim and array.shape != (self.n_nodes,):
            raise ValueError(f"{name} has shape {array.shape}; expected a number or ({self.n_nodes},)")
        return np.broadcast_to(array, (self.n_nodes,))

    def _vectors(self, value: npt.ArrayLike, name: str) -> Array:
        array = np.asarray(value, dtype=np.float64)
        if array.shape != (self.n_nodes, 2):
            raise ValueError(f"{name} has shape {array.shape}; expected ({self.n_nodes}, 2)")
        return array


@dataclass(frozen=True, eq=False, repr=False)
class Equilibrium(ShortRepr):
    """The solution of a sheet.

    Attributes
    ----------
    sheet : ContractileSheet
    Y : (N,) array
        Spring constants at the nodes.
    u : (N, 2) array
        Displacement at the nodes.
    factor : BandedCholesky
        Factorisation of the symmetric matrix, also used for the adjoint.
    """

    sheet: ContractileSheet
    Y: Array
    u: Array
    factor: BandedCholesky

    @property
    def traction(self) -> Array:
        """F = Y u at the nodes, ``(N, 2)``."""
        return self.Y[:, None] * self.u

    def adjoint(self, by_u: Array) -> Array:
        """Return the derivative of a loss by nodal forces from its derivative by u, both ``(N, 2)``."""
        return self.factor.solve(by_u.ravel()).reshape(-1, 2)

    @one_blas_thread()
    def pull_back(self, by_u: Array) -> tuple[Array, Array, float]:
        """Return the derivatives of a loss by the parameters through u, from that by u, ``(N, 2)``.

        Returns
        -------
        by_Y, by_sigma_a : (N,) array
            At every node; for a parameter that is a number, the derivative is their sum.
        by_alpha : float
        """
        operators = self.sheet.operators
        adjoint = self.factor.solve(by_u.ravel())
        at_points = operators.at_points @ np.hstack([self.u, adjoint.reshape(-1, 2)])
        by_springs = -operators.integrate(_dot(at_points[:, :2], at_points[:, 2:]))
        by_alpha = -float(adjoint @ (operators.dilation_matrix @ self.u.ravel()))
        return by_springs, -(operators.active.T @ adjoint), by_alpha


def _like(parameter: Field, by_node: Array) -> Field:
    """Return the gradient in the shape of the parameter."""
    return by_node if np.ndim(parameter) else float(by_node.sum())


def _dot(a: Array, b: Array) -> Array:
    """Return the scalar product of the vectors in the rows, ``(n, 2)`` -> ``(n,)``."""
    return a[:, 0] * b[:, 0] + a[:, 1] * b[:, 1]


MIN_SPRINGS = 1e-9
"""Minimum integral of Y over a connected part, for numerical stability in double precision."""


def require_mesh(nodes: Array, triangles: Indices) -> None:
    """Raise a ValueError if the arrays are not a valid mesh: a programming error."""
    if nodes.ndim != 2 or nodes.shape[1] != 2 or triangles.ndim != 2 or triangles.shape[1] != 3:
        raise ValueError(f"expected nodes (N, 2) and triangles (M, 3), got {nodes.shape}, {triangles.shape}")
    if not triangles.size or triangles.min() < 0 or triangles.max() >= len(nodes):
        raise ValueError("triangles must name nodes of the mesh, and there must be some")
    area = areas(nodes[triangles])
    if not area.min() > 1e-12 * area.max():
        raise ValueError("a triangle of the mesh has no area")


def require_numbers(values: Array, what: str) -> None:
    """Refuse a field with a value that is NaN or infinite."""
    if not np.isfinite(values).all():
        raise CellForceError(
            f"{what} is NaN or infinite at {int((~np.isfinite(values)).sum())} nodes",
            "every value must be a number",
            "Check the image for NaN, or lower the learning rate if a network predicted it.",
            topic=Topic.SHEET,
        )


def require_springs(springs: Array) -> None:
    """Refuse negative spring constants."""
    require_numbers(springs, "the adhesion field Y")
    if (springs < 0).any():
        raise CellForceError(
            f"the adhesion field Y is negative at {int((springs < 0).sum())} nodes",
            "Y is a spring constant and must not be negative",
            "Use a positive field, such as the exponential of the output of a network.",
            topic=Topic.SHEET,
        )


def require_anchored(operators: SheetOperators, springs: Array) -> None:
    """Refuse a part of the cell without springs: its rigid motion would be undetermined."""
    held = np.bincount(operators.component, operators.area * springs)
    if held.min() < MIN_SPRINGS:
        raise CellForceError(
            f"the adhesion field Y adds up to {held.min():g} over part {int(held.argmin()) + 1} "
            f"of {held.size} of the cell",
            f"without springs the equations are singular; its integral must exceed {MIN_SPRINGS:g}",
            "Add adhesion to every separate part of the cell, or exclude that part from the mask.",
            topic=Topic.SHEET,
        )


def require_stable(alpha: float) -> float:
    """Return alpha as a float after checking the stability of the sheet."""
    if not (math.isfinite(alpha) and alpha > -0.5):
        raise CellForceError(
            f"alpha is {alpha:g}",
            "the sheet is stable only for alpha above -0.5",
            "Use alpha = nu / (1 - nu) of a thin sheet: 0.43 for Poisson ratio 0.3.",
            topic=Topic.SHEET,
        )
    return float(alpha)


def singular_error(what: str) -> CellForceError:
    """Return the error for singular equations."""
    return CellForceError(
        f"the equations of the sheet are singular ({what})",
        "every part needs springs, and alpha must not be close to -0.5",
        "Raise Y, or alpha.",
        topic=Topic.SHEET,
    )
