"""Cholesky factorisation of symmetric banded matrices by LAPACK, and the number of BLAS threads.

The functions of `scipy.linalg` for this hold the global interpreter lock, so that threads wait for each
other. Here the same LAPACK routines are called through the pointers that scipy exports for Cython
(`scipy.linalg.cython_lapack`); `ctypes` releases the lock during the call.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.linalg import LinAlgError, cython_lapack
from scipy.sparse.csgraph import reverse_cuthill_mckee
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from napari_cellforce.fields import ShortRepr

_lock = threading.Lock()
_running = 0
_limit = contextlib.ExitStack()


@contextlib.contextmanager
def one_blas_thread() -> Iterator[None]:
    """Limit BLAS to one thread in this block, for the whole process: the matrices here are small.

    On a busy machine, waking a second thread for work of 0.1 ms takes much longer than the work. Blocks may
    be nested and run in several threads at once; the last one to end restores the setting.
    """
    global _running
    with _lock:
        if _running == 0:
            _limit.enter_context(_controller().limit(limits=1, user_api="blas"))
        _running += 1
    try:
        yield
    finally:
        with _lock:
            _running -= 1
            if _running == 0:
                _limit.close()


@functools.cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Band:
    """Ordering of the rows of a symmetric sparse matrix into a narrow band.

    Attributes
    ----------
    order : (n,) int array
        Rows of the matrix in the order of the band.
    rank : (n,) int array
        The inverse: position in the band of each row.
    width : int
        Number of diagonals below the main one.
    """

    order: Indices
    rank: Indices
    width: int

    @classmethod
    def of_blocks(cls, graph: sp.csr_array, size: int) -> Band:
        """Order a matrix of `size` x `size` blocks by reverse Cuthill-McKee.

        Parameters
        ----------
        graph : (m, m) sparse array
            Its pattern defines the non-zero blocks; the matrix has m * size rows.
        size : int
            Side of a block. The rows of a block stay adjacent.
        """
        blocks = np.asarray(reverse_cuthill_mckee(graph, symmetric_mode=True), dtype=np.int64)
        order = (blocks[:, None] * size + np.arange(size)).ravel()
        rank = np.argsort(order)
        rows, columns = graph.nonzero()
        block_rank = np.argsort(blocks)
        reach = int(np.max(np.abs(block_rank[rows] - block_rank[columns]), initial=0))
        return cls(order, rank, reach * size + size - 1)

    def positions(self, rows: Indices, columns: Indices) -> Indices:
        """Return the positions of the entries (rows, columns) in the flat array of `empty`, `factorise`.

        (i, j) and (j, i) have the same position: the matrix is symmetric.
        """
        first, second = self.rank[rows], self.rank[columns]
        places: Indices = np.minimum(first, second) * (self.width + 1) + np.abs(first - second)
        return places

    def empty(self) -> Array:
        """Return the zero matrix as a flat array, to be filled at `positions`."""
        return np.zeros(self.order.size * (self.width + 1))

    def factorise(self, entries: Array) -> BandedCholesky:
        """Factorise the matrix in `entries`, which is overwritten.

        Raises
        ------
        LinAlgError
            If the matrix is not positive definite.
        """
        size, diagonals, info = self.order.size, self.width + 1, ctypes.c_int(0)
        with one_blas_thread():
            _lapack("dpbtrf", 6)(
                b"L", _integer(size), _integer(self.width), entries.ctypes.data, _integer(diagonals),
                ctypes.byref(info),
            )  # fmt: skip
        if info.value != 0:
            raise LinAlgError(f"pivot {info.value} of {size} is not positive")
        return BandedCholesky(self, entries)


@dataclass(frozen=True, eq=False, repr=False)
class BandedCholesky(ShortRepr):
    """The factor of a symmetric positive definite matrix; created by `Band.factorise`."""

    band: Band
    factor: Array

    def solve(self, right: Array) -> Array:
        """Return the solution x of A x = `right`, both ``(n,)``."""
        x, info = np.ascontiguousarray(right[self.band.order]), ctypes.c_int(0)
        size, diagonals = _integer(x.size), _integer(self.band.width + 1)
        with one_blas_thread():
            _lapack("dpbtrs", 8)(
                b"L", size, _integer(self.band.width), _integer(1), self.factor.ctypes.data, diagonals,
                x.ctypes.data, size, ctypes.byref(info),
            )  # fmt: skip
        solution: Array = x[self.band.rank]
        return solution


@functools.cache
def _lapack(name: str, arguments: int) -> Callable[..., None]:
    """Return a LAPACK routine; every argument is a pointer, as in Fortran."""
    capsule = vars(cython_lapack)["__pyx_capi__"][name]
    signature = ctypes.pythonapi.PyCapsule_GetName
    signature.restype, signature.argtypes = ctypes.c_char_p, [ctypes.py_object]
    pointer = ctypes.pythonapi.PyCapsule_GetPointer
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    prototype = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * arguments)
    routine: Callable[..., None] = prototype(pointer(capsule, signature(capsule)))
    return routine


def _integer(value: int) -> ctypes.Array[ctypes.c_int]:
    return (ctypes.c_int * 1)(value)
