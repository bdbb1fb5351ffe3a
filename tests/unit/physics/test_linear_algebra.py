"""Banded Cholesky factors against dense algebra."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.linalg import LinAlgError
from threadpoolctl import threadpool_info

from napari_cellforce.physics.linear_algebra import Band, one_blas_thread


def ring_of_blocks(n_blocks: int = 9) -> tuple[np.ndarray, sp.csr_array]:
    """A symmetric positive definite matrix of 2 x 2 blocks, each joined to its neighbours on a ring."""
    rng = np.random.default_rng(1)
    joined = np.eye(n_blocks) + np.roll(np.eye(n_blocks), 1, axis=0) + np.roll(np.eye(n_blocks), -1, axis=0)
    matrix = np.kron(joined, np.ones((2, 2))) * rng.normal(size=(2 * n_blocks, 2 * n_blocks))
    return matrix + matrix.T + 20 * np.eye(2 * n_blocks), sp.csr_array(joined)


def in_band(matrix: np.ndarray, band: Band) -> np.ndarray:
    rows, columns = np.nonzero(matrix)
    entries = band.empty()
    entries[band.positions(rows, columns)] = matrix[rows, columns]
    return entries


def test_a_solve_agrees_with_dense_algebra():
    matrix, graph = ring_of_blocks()
    band = Band.of_blocks(graph, 2)
    right = np.arange(len(matrix), dtype=float)
    solution = band.factorise(in_band(matrix, band)).solve(right)
    np.testing.assert_allclose(solution, np.linalg.solve(matrix, right), rtol=1e-12)


def test_the_band_of_a_ring_is_two_blocks_wide_however_long_the_ring():
    assert {Band.of_blocks(ring_of_blocks(n)[1], 2).width for n in (9, 40)} == {5}


def test_an_indefinite_matrix_is_refused():
    matrix, graph = ring_of_blocks()
    matrix[3, 3] = -1.0
    band = Band.of_blocks(graph, 2)
    with pytest.raises(LinAlgError, match="not positive"):
        band.factorise(in_band(matrix, band))


def test_blas_gets_its_threads_back_after_nested_blocks():
    def threads() -> list[int]:
        return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]

    before = threads()
    with one_blas_thread():
        with one_blas_thread():
            assert set(threads()) == {1}
        assert set(threads()) == {1}
    assert threads() == before
