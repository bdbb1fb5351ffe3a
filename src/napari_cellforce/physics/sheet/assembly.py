"""Assembly of the integrals in the equations of the sheet, once per mesh."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from skfem import Basis, BilinearForm, ElementTriP1, ElementVector, MeshTri, TrilinearForm
from skfem.helpers import ddot, div, sym_grad

from napari_cellforce.fields import ShortRepr
from napari_cellforce.physics.linear_algebra import Array, Band, Indices

EXACT_FOR_QUARTIC = 4


@BilinearForm
def _shear(u, v, _):  # type: ignore[no-untyped-def]
    return ddot(sym_grad(u), sym_grad(v))


@BilinearForm
def _dilation(u, v, _):  # type: ignore[no-untyped-def]
    return div(u) * div(v)


@BilinearForm
def _active(s, v, _):  # type: ignore[no-untyped-def]
    return s * div(v)


@TrilinearForm
def _springs(u, v, y, _):  # type: ignore[no-untyped-def]
    return y * u * v


@dataclass(frozen=True, eq=False, repr=False)
class SheetOperators(ShortRepr):
    """Integrals over a mesh of N nodes; degree of freedom 2 i + c is component c of node i.

    With phi the hat functions of P1 triangles:

    Attributes
    ----------
    band : Band
        Ordering of the 2N equations.
    stiffness_at : (n,) int array
        Positions in the band of the two parts of the elastic stiffness.
    shear, dilation : (n,) array
        int eps(u) : eps(v) and int (div u) (div v), at `stiffness_at`.
    springs_at : (2, p) int array
        Positions in the band of the p pairs of neighbouring nodes, for each component.
    springs : (p, N) sparse array
        Product with Y: int Y phi_i phi_j of those pairs, the part of the matrix linear in Y.
    active : (2N, N) sparse array
        Product with sigma_a: int sigma_a div v.
    dilation_matrix : (2N, 2N) sparse array
        int (div u) (div v) as a matrix.
    at_points : (Q, N) sparse array
        Interpolation to the points of a quadrature that is exact for products of four hat functions.
    from_points : (N, Q) sparse array
        Transpose of `at_points`.
    weights : (Q,) array
        Weights of that quadrature.
    area : (N,) array
        int phi_i.
    component : (N,) int array
        Index of the connected part of the mesh of each node.
    """

    band: Band
    stiffness_at: Indices
    shear: Array
    dilation: Array
    springs_at: Indices
    springs: sp.csr_array
    active: sp.csr_array
    dilation_matrix: sp.csr_array
    at_points: sp.csr_array
    from_points: sp.csr_array
    weights: Array
    area: Array
    component: npt.NDArray[np.int32]

    def integrate(self, at_points: Array) -> Array:
        """Return int f phi_i of the f given at the quadrature points, ``(Q, ...)`` -> ``(N, ...)``."""
        scaled = self.weights.reshape(-1, *[1] * (at_points.ndim - 1)) * at_points
        integrals: Array = self.from_points @ scaled
        return integrals


def assemble(nodes: Array, triangles: Indices) -> SheetOperators:
    """Compute the integrals over the P1 triangles of a mesh.

    Parameters
    ----------
    nodes : (N, 2) array
    triangles : (M, 3) int array
    """
    mesh = MeshTri(np.ascontiguousarray(nodes.T), np.ascontiguousarray(triangles.T))
    scalar = Basis(mesh, ElementTriP1(), intorder=EXACT_FOR_QUARTIC)
    vector = scalar.with_element(ElementVector(ElementTriP1()))
    graph = _graph(triangles, len(nodes))
    band = Band.of_blocks(graph, 2)
    stiffness_at, shear, dilation = _stiffness(vector, band)
    springs_at, springs = _spring_entries(scalar, band)
    at_points = _values_at_points(scalar)
    return SheetOperators(
        band=band,
        stiffness_at=stiffness_at,
        shear=shear,
        dilation=dilation,
        springs_at=springs_at,
        springs=springs,
        active=sp.csr_array(_active.assemble(scalar, vector)),
        dilation_matrix=sp.csr_array(_dilation.assemble(vector)),
        at_points=at_points,
        from_points=sp.csr_array(at_points.T),
        weights=scalar.dx.ravel(),
        area=at_points.T @ scalar.dx.ravel(),
        component=sp.csgraph.connected_components(graph, directed=False)[1],
    )


def _graph(triangles: Indices, n_nodes: int) -> sp.csr_array:
    """Return an (N, N) array that is nonzero where two nodes share a triangle."""
    rows, columns = np.repeat(triangles, 3, axis=1).ravel(), np.tile(triangles, (1, 3)).ravel()
    return sp.csr_array((np.ones(rows.size), (rows, columns)), shape=(n_nodes, n_nodes))


def _stiffness(vector: Basis, band: Band) -> tuple[Indices, Array, Array]:
    """Return positions and values of the two parts of the elastic stiffness."""
    shear, dilation = _shear.coo_data(vector), _dilation.coo_data(vector)
    rows, columns = np.asarray(shear.indices, dtype=np.int64)
    lower = band.rank[rows] >= band.rank[columns]
    places, where = np.unique(band.positions(rows[lower], columns[lower]), return_inverse=True)
    return places, _summed(where, shear.data[lower]), _summed(where, dilation.data[lower])


def _summed(where: Indices, values: Array) -> Array:
    """Sum the values at each position."""
    return np.asarray(np.bincount(where, values), dtype=np.float64)


def _spring_entries(scalar: Basis, band: Band) -> tuple[Indices, sp.csr_array]:
    """Return the positions of the pairs of nodes, and int phi_i phi_j phi_k as a matrix (pair, k)."""
    tensor = _springs.coo_data(scalar)
    k, i, j = np.asarray(tensor.indices, dtype=np.int64)
    lower = i >= j
    pairs, pair = np.unique(np.stack([i[lower], j[lower]]), axis=1, return_inverse=True)
    springs = sp.csr_array((tensor.data[lower], (pair, k[lower])), shape=(pairs.shape[1], scalar.N))
    springs.sum_duplicates()
    places = np.stack([band.positions(2 * pairs[0] + c, 2 * pairs[1] + c) for c in (0, 1)])
    return places, springs


def _values_at_points(scalar: Basis) -> sp.csr_array:
    """Return the interpolation matrix from nodes to quadrature points, triangle by triangle."""
    n_triangles, n_points = scalar.dx.shape
    values = np.stack([hat[0] for hat in scalar.basis], axis=-1)
    columns = np.broadcast_to(scalar.element_dofs.T[:, None, :], (n_triangles, n_points, 3))
    rows = np.repeat(np.arange(n_triangles * n_points), 3)
    shape = (n_triangles * n_points, scalar.N)
    return sp.csr_array((values.ravel(), (rows, columns.ravel())), shape=shape)
