"""One loss with gradients of the contractile sheet, against one SuperLU factorisation of its matrix.

Run with ``python benchmarks/sheet_speed.py``. Every time is the median of runs taken in turn.
The ratios must not exceed 2.5. "two_threads" is the time of eight cells in one thread over that in two.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
import torch
from scipy.linalg import lapack
from scipy.sparse.csgraph import reverse_cuthill_mckee
from scipy.sparse.linalg import splu
from skfem import Basis, BilinearForm, ElementTriP1, ElementVector
from skfem.helpers import ddot, div, dot, sym_grad

from napari_cellforce.fields import PixelSize
from napari_cellforce.models.bottleneck.sheets import sheet_traction_batch
from napari_cellforce.physics.mesh import Mesh, MeshSettings, mesh_cell
from napari_cellforce.physics.sheet import ContractileSheet

sys.path.insert(0, str(Path(__file__).resolve().parent))
from _report import interleaved, write

RUNS = 15
SIGMA_A, ALPHA = 0.1, 0.3
ORDERINGS = ("COLAMD", "MMD_ATA", "MMD_AT_PLUS_A")
CELLS = (("ellipse", 2.06), ("ellipse", 1.032), ("star", 1.47), ("ring", 1.9))


def cell_mask(shape: str) -> npt.NDArray[np.bool_]:
    """Draw a cell on 256 x 256 pixels of 0.4 µm."""
    y, x = np.mgrid[:256, :256] - 127.5
    radius, angle = np.hypot(y, x), np.arctan2(y, x)
    shapes = {
        "ellipse": (y / 75) ** 2 + (x / 120) ** 2 < 1,
        "star": radius < 120 * (0.6 + 0.4 * np.cos(5 * angle)),
        "ring": (radius < 120) & (radius > 80),
    }
    return shapes[shape]


def sparse_matrix(mesh: Mesh, Y: npt.NDArray[np.float64]) -> sp.csc_array:
    """Assemble the sheet's matrix anew, straight from the weak form."""
    basis = Basis(mesh.skfem(), ElementVector(ElementTriP1()), intorder=4)

    @BilinearForm
    def stiffness(u, v, w):  # type: ignore[no-untyped-def]
        return ALPHA * div(u) * div(v) + ddot(sym_grad(u), sym_grad(v)) + w["Y"] * dot(u, v)

    springs = basis.with_element(ElementTriP1()).interpolate(Y)
    return sp.csc_array(stiffness.assemble(basis, Y=springs))


def superlu_ways(matrix: sp.csc_array) -> dict[str, Any]:
    """Return the ways of factorising with SuperLU that were tried."""
    ways: dict[str, Any] = {}
    for ordering in ORDERINGS:
        ways[f"SuperLU {ordering}"] = lambda o=ordering: splu(matrix, permc_spec=o)
        ways[f"SuperLU {ordering} symmetric"] = lambda o=ordering: splu(
            matrix, permc_spec=o, options={"SymmetricMode": True}, diag_pivot_thresh=0.0
        )
    best = np.argsort(splu(matrix, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True}).perm_c)
    for name, order in (
        ("minimum degree kept", best),
        ("Cuthill-McKee kept", reverse_cuthill_mckee(matrix.tocsr(), symmetric_mode=True)),
    ):
        ordered = sp.csc_array(matrix[order][:, order])
        ordered.sort_indices()
        for relax in (None, 1):
            ways[f"SuperLU {name}, relax {relax}"] = lambda m=ordered, r=relax: splu(
                m, permc_spec="NATURAL", options={"SymmetricMode": True}, diag_pivot_thresh=0.0, relax=r
            )
    return ways


def measure(shape: str, edge_length: float) -> dict[str, Any]:
    """Compare the ways on one cell."""
    mesh = mesh_cell(cell_mask(shape), PixelSize.square(0.4), MeshSettings(edge_length))
    rng = np.random.default_rng(0)
    Y, target = 10 ** rng.uniform(-4, -2, mesh.n_nodes), rng.normal(size=(mesh.n_nodes, 2))
    sheet = ContractileSheet(mesh.nodes, mesh.triangles)
    band = sheet.operators.band
    matrix = sparse_matrix(mesh, Y)
    rows, columns = matrix.nonzero()
    filled = band.empty()
    filled[band.positions(rows, columns)] = matrix[rows, columns]
    factor = band.factorise(filled.copy())
    right = rng.normal(size=2 * mesh.n_nodes)
    with_scipy = filled.reshape(-1, band.width + 1).T
    superlu = superlu_ways(matrix)
    seconds = interleaved(
        {
            "loss and gradients": lambda: sheet.loss_and_gradients(Y, SIGMA_A, ALPHA, target),
            "banded Cholesky": lambda: band.factorise(filled.copy()),
            "one solve": lambda: factor.solve(right),
            **superlu,
        },
        RUNS,
    )
    # By itself: the threads that BLAS starts here go on spinning, and would slow whatever comes next.
    seconds |= interleaved(
        {"banded Cholesky, as scipy calls it": lambda: lapack.dpbtrf(with_scipy, lower=1)}, 5
    )
    best = min(superlu, key=lambda name: seconds[name])
    return {
        "shape": shape,
        "nodes": mesh.n_nodes,
        "ratio": round(seconds["loss and gradients"] / seconds[best], 3),
        "best SuperLU": best,
        "milliseconds": {name: round(1e3 * value, 2) for name, value in seconds.items()},
    }


def measure_threads() -> dict[str, Any]:
    """Compare eight cells, forward and backward, in one thread and in two."""
    mesh = mesh_cell(cell_mask("ellipse"), PixelSize.square(0.4), MeshSettings(1.115))
    sheet = ContractileSheet(mesh.nodes, mesh.triangles)
    Y = torch.full((mesh.n_nodes,), 1e-3, dtype=torch.float64, requires_grad=True)

    def cells(workers: int) -> None:
        eight = ([value] * 8 for value in (sheet, Y, SIGMA_A, ALPHA))
        tractions = sheet_traction_batch(*eight, max_workers=workers)
        sum(t.square().sum() for t in tractions).backward()  # type: ignore[union-attr]

    seconds = interleaved({"one thread": lambda: cells(1), "two threads": lambda: cells(2)}, 7)
    return {
        "speed-up": round(seconds["one thread"] / seconds["two threads"], 2),
        "milliseconds": {name: round(1e3 * value, 1) for name, value in seconds.items()},
    }


if __name__ == "__main__":
    write("sheet_speed", {"cells": [measure(*cell) for cell in CELLS], "two_threads": measure_threads()})
