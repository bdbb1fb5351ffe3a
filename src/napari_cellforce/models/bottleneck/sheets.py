"""Sheets of cells as differentiable torch operations, with interpolation to pixels, cached by mask.

The solve is not recorded step by step: the backward pass solves the adjoint equations with the factorisation
of the forward pass (implicit differentiation, see ``docs/physics/sheet.md``).
"""

from __future__ import annotations

import hashlib
import os
from collections import OrderedDict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import BoolArray, PixelSize, ShortRepr
from napari_cellforce.physics.linear_algebra import one_blas_thread
from napari_cellforce.physics.mesh import Mesh, MeshSettings, mesh_cell
from napari_cellforce.physics.sheet import ContractileSheet, Equilibrium
from napari_cellforce.preprocess.regrid import Window

Array = npt.NDArray[np.float64]
In = TypeVar("In")
Out = TypeVar("Out")


def sheet_traction(
    sheet: ContractileSheet, Y: Tensor, sigma_a: Tensor | float, alpha: Tensor | float
) -> Tensor:
    """Return the traction ``F = Y u`` of a contractile sheet, differentiable once in all three parameters.

    Computed in float64 on the CPU whatever the tensors are. On the meta device only shapes are computed.

    Parameters
    ----------
    sheet : ContractileSheet
    Y : () or (N,) tensor
        Spring constants, in 1 / length^2 of the nodes of the sheet.
    sigma_a : float, () or (N,) tensor
        Active stress.
    alpha : float or () tensor
        Resistance to dilation, above -1/2.

    Returns
    -------
    (N, 2) tensor
        Traction at the nodes in 1 / length, with the dtype and on the device of `Y`.

    Raises
    ------
    CellForceError
        See `ContractileSheet.equilibrium`.
    """
    (traction,) = sheet_traction_batch([sheet], [Y], [sigma_a], [alpha])
    if isinstance(traction, CellForceError):
        raise traction
    return traction


def sheet_traction_batch(
    sheets: Sequence[ContractileSheet],
    Ys: Sequence[Tensor],
    sigma_as: Sequence[Tensor | float],
    alphas: Sequence[Tensor | float],
    forces: Sequence[Tensor] = (),
    *,
    max_workers: int | None = None,
) -> list[Tensor | CellForceError]:
    """Solve several cells in parallel threads, forward and backward.

    Parameters
    ----------
    sheets, Ys, sigma_as, alphas : sequences of B
        One entry per cell, as in `sheet_traction`.
    forces : sequence of B (N, 2) tensors, optional
        Further nodal forces, see `ContractileSheet.equilibrium`.
    max_workers : int, optional
        Threads; one per core by default.

    Returns
    -------
    list of B (N, 2) tensors
        For a cell that cannot be solved, its `CellForceError`; the others are not affected.
    """
    if not len(sheets) == len(Ys) == len(sigma_as) == len(alphas) or len(forces) not in (0, len(sheets)):
        raise ValueError("sheets, Ys, sigma_as, alphas and forces must be equally many")
    parameters = [
        value if isinstance(value, Tensor) else torch.tensor(value, dtype=torch.float64)
        for value in (*Ys, *sigma_as, *alphas, *forces)
    ]
    workers = min(max_workers or os.cpu_count() or 1, max(len(sheets), 1))
    errors: dict[int, CellForceError] = {}
    tractions = _Equilibrium.apply(list(sheets), errors, workers, *parameters)  # type: ignore[no-untyped-call]
    return [errors.get(i, traction) for i, traction in enumerate(tractions)]


class _Equilibrium(torch.autograd.Function):
    """Flat parameters (B of Y, B of sigma_a, B of alpha, B or none of forces) -> B tractions.

    None where a cell has failed.
    """

    @staticmethod
    def forward(
        ctx: Any,
        sheets: list[ContractileSheet],
        errors: dict[int, CellForceError],
        workers: int,
        *parameters: Tensor,
    ) -> tuple[Tensor | None, ...]:
        ctx.like = [(p.shape, p.dtype, p.device) for p in parameters]
        ctx.workers = workers
        n_cells = len(sheets)
        if any(p.is_meta for p in parameters):
            ctx.states = [None] * n_cells
            return tuple(
                Y.new_empty((s.n_nodes, 2), device="meta") for s, Y in zip(sheets, parameters, strict=False)
            )
        numbers = [p.detach().to("cpu", torch.float64).numpy() for p in parameters]

        def solve(i: int) -> Equilibrium | None:
            Y, sigma_a, alpha, *force = numbers[i::n_cells]
            nodal_force = force[0] if force else None
            try:
                return sheets[i].equilibrium(Y, sigma_a, float(alpha), nodal_force=nodal_force)
            except CellForceError as error:
                errors[i] = _of_cell(error, i, n_cells)
                return None

        ctx.states = _in_threads(solve, range(n_cells), workers)
        return tuple(
            None if state is None else torch.from_numpy(state.traction).to(Y.device, Y.dtype)
            for state, Y in zip(ctx.states, parameters, strict=False)
        )

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *by_tractions: Tensor | None) -> tuple[Tensor | None, ...]:
        pairs = list(zip(ctx.states, by_tractions, strict=True))
        kinds = len(ctx.like) // max(len(pairs), 1)
        gradients = _in_threads(lambda pair: _parameter_gradients(*pair, kinds), pairs, ctx.workers)
        flat = [gradient[kind] for kind in range(kinds) for gradient in gradients]
        return None, None, None, *(_shaped(g, *like) for g, like in zip(flat, ctx.like, strict=True))


def _of_cell(error: CellForceError, i: int, n_cells: int) -> CellForceError:
    """Return the error with the number of the cell, if there are several."""
    if n_cells == 1:
        return error
    value = f"cell {i + 1} of {n_cells}: {error.value}"
    return CellForceError(value, error.rule, error.remedy, topic=error.topic)


def _parameter_gradients(
    state: Equilibrium | None, by_traction: Tensor | None, kinds: int
) -> tuple[Array | None, ...]:
    """Return the gradients of ``F = Y u`` by nodal Y, nodal sigma_a, alpha, and nodal force (if any)."""
    if state is None or by_traction is None:
        return kinds * (None,)
    by_F = by_traction.detach().to("cpu", torch.float64).numpy()
    by_u = state.Y[:, None] * by_F
    through_u, by_sigma_a, by_alpha = state.pull_back(by_u)
    by_Y = (by_F * state.u).sum(axis=1) + through_u
    gradients = by_Y, by_sigma_a, np.array(by_alpha)
    return gradients if kinds == len(gradients) else (*gradients, state.adjoint(by_u))


def _shaped(
    gradient: Array | None, shape: torch.Size, dtype: torch.dtype, device: torch.device
) -> Tensor | None:
    """Return the gradient of a parameter from the nodal gradient; the sum if the parameter is a number."""
    if device.type == "meta":
        return torch.empty(shape, dtype=dtype, device=device)
    if gradient is None:
        return None
    summed = gradient if shape else np.asarray(gradient.sum())
    return torch.from_numpy(summed).to(device, dtype)


def _in_threads(work: Callable[[In], Out], items: Sequence[In], workers: int) -> list[Out]:
    """Apply `work` to all items, in order, with one BLAS thread each."""
    if workers == 1:
        return [work(item) for item in items]
    with one_blas_thread(), ThreadPoolExecutor(workers) as pool:
        return list(pool.map(work, items))


_REMEMBERED, _WHILE_TRAINING = 32, 1024
"""Cache sizes: sheets of a few megabytes each, for the frames of a movie or the cells of a training set."""
_MARGIN = 2
"""Pixels by which a mesh may extend beyond the mask."""


@dataclass(frozen=True, eq=False, repr=False)
class CellSheet(ShortRepr):
    """A mesh, the sheet on it, and the sparse matrices between pixels and nodes.

    Attributes
    ----------
    mesh : Mesh
    sheet : ContractileSheet
    to_nodes : (N, P) sparse tensor
    to_pixels : (P, N) sparse tensor
    gradients : two (N, N) sparse tensors
        int phi_j d phi_i / dy and / dx: from nodal values of a stress to nodal forces.
    pixels : (P,) tensor
        Flat indices of the pixels on the mesh.
    """

    mesh: Mesh
    sheet: ContractileSheet
    to_nodes: Tensor
    to_pixels: Tensor
    gradients: tuple[Tensor, Tensor]
    pixels: Tensor

    def pull(self, along: Tensor, across: Tensor) -> Tensor:
        """Return the nodal force of a traceless active stress, ``-int S : grad v``, ``(N, 2)``.

        Parameters
        ----------
        along, across : (N,) tensor
            S_xx = -S_yy, and S_xy.
        """
        by_y, by_x = self.gradients

        def work(of_y: Tensor, of_x: Tensor) -> Tensor:
            done: Tensor = torch.sparse.mm(by_y, of_y[:, None]) + torch.sparse.mm(by_x, of_x[:, None])
            return done

        return -torch.cat([work(-along, across), work(across, along)], dim=1)


@dataclass(frozen=True, eq=False)
class PlacedSheet:
    """The sheet of a cell, and its position in the image.

    Attributes
    ----------
    cell : CellSheet
        Sheet on the pixels of `window`.
    window : Window
        Window, which may extend beyond the image.
    """

    cell: CellSheet
    window: Window

    def at_nodes(self, image: Tensor) -> Tensor:
        """Return nodal means, ``(N,)`` float64, of an image ``(Y, X)``."""
        inside = self._cut(image).flatten()[self.cell.pixels.to(image.device)].to("cpu", torch.float64)
        nodal: Tensor = torch.sparse.mm(self.cell.to_nodes, inside[:, None])[:, 0]
        return nodal

    def stress(self, sigma_a: Tensor) -> Tensor:
        """Return an active stress for the sheet: a number, or the nodal means of an image."""
        return self.at_nodes(sigma_a) if sigma_a.ndim else sigma_a.to("cpu", torch.float64)

    def pull(self, sigma_a: Tensor, direction: Tensor) -> Tensor:
        """Return the nodal force, ``(N, 2)``, of the active stress ``sigma_a Q``; see `SheetInputs`.

        Parameters
        ----------
        sigma_a : (N,) tensor
            Active stress at the nodes.
        direction : (2, Y, X) tensor
            Q_xx and Q_xy.
        """
        return self.cell.pull(*(sigma_a * self.at_nodes(part) for part in direction))

    def drawn(self, pixels: Tensor, like: Tensor) -> Tensor:
        """Return values at the pixels of the mesh, ``(P, k)``, as an image ``(k, Y, X)``; 0 elsewhere."""
        window = self.window
        blank = like.new_zeros(pixels.shape[1], window.height * window.width)
        where = self.cell.pixels.to(like.device)
        drawn = blank.index_copy(1, where, pixels.T.to(like.device, like.dtype))
        below, right = (n - m for n, m in zip(like.shape[-2:], self._far_corner, strict=True))
        beside = (window.left, right, window.top, below)
        return functional.pad(drawn.reshape(-1, window.height, window.width), beside)

    @property
    def _far_corner(self) -> tuple[int, int]:
        window = self.window
        return window.top + window.height, window.left + window.width

    def _cut(self, image: Tensor) -> Tensor:
        window = self.window
        below, right = (m - n for n, m in zip(image.shape[-2:], self._far_corner, strict=True))
        return functional.pad(image, (-window.left, right, -window.top, below))


class SheetCache:
    """Thread-safe cache of the latest sheets, independent of their position in the image."""

    def __init__(self) -> None:
        self._sheets: OrderedDict[str, CellSheet] = OrderedDict()
        self._lock = Lock()

    def __reduce__(self) -> tuple[object, ...]:
        return SheetCache, ()  # a copied or stored network starts with an empty cache

    def get(
        self, mask: BoolArray, pixel_size: PixelSize, settings: MeshSettings, training: bool = False
    ) -> PlacedSheet:
        """Return the sheet of a mask, from the cache or newly created; errors as `mesh_cell`.

        While `training`, the cache is larger: cells recur in every epoch.
        """
        window = Window.around(mask, margin=_MARGIN) if mask.any() else Window(0, 0, *mask.shape)
        cut = window.cut(mask)
        content = hashlib.sha1(np.packbits(cut).tobytes(), usedforsecurity=False).hexdigest()
        key = f"{content} {cut.shape} {pixel_size.micron} {settings}"
        with self._lock:
            if key in self._sheets:
                self._sheets.move_to_end(key)
                return PlacedSheet(self._sheets[key], window)
        new_sheet = cell_sheet(cut, pixel_size, settings)
        with self._lock:
            self._sheets[key] = new_sheet
            while len(self._sheets) > (_WHILE_TRAINING if training else _REMEMBERED):
                self._sheets.popitem(last=False)
        return PlacedSheet(new_sheet, window)


def cell_sheet(mask: BoolArray, pixel_size: PixelSize, settings: MeshSettings) -> CellSheet:
    """Mesh a cell; parameters and errors as `napari_cellforce.physics.mesh.mesh_cell`."""
    mesh = mesh_cell(mask, pixel_size, settings)
    sheet = ContractileSheet(mesh.nodes, mesh.triangles)
    active = sheet.operators.active
    return CellSheet(
        mesh,
        sheet,
        _sparse(mesh.to_nodes),
        _sparse(mesh.to_pixels),
        (_sparse(active[0::2]), _sparse(active[1::2])),
        torch.from_numpy(np.flatnonzero(mesh.inside)),
    )


def _sparse(matrix: sp.csr_array) -> Tensor:
    coo = matrix.tocoo()
    where = torch.from_numpy(np.stack([coo.row, coo.col]).astype(np.int64))
    return torch.sparse_coo_tensor(
        where, torch.from_numpy(coo.data), coo.shape, check_invariants=False
    ).coalesce()
