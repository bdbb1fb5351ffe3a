"""The contractile sheet as a differentiable torch operation.

The solve is not recorded step by step: the backward pass solves the adjoint equations with the factor
of the forward pass (implicit differentiation, see ``docs/physics/sheet.md``).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from napari_cellforce.errors import CellForceError
from napari_cellforce.physics.blas import one_blas_thread
from napari_cellforce.physics.sheet import ContractileSheet, Equilibrium

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
        Springs, in 1 / length^2 of the sheet's nodes.
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
        As `ContractileSheet.equilibrium`.
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
    """Solve several cells side by side in threads, forward and backward.

    Parameters
    ----------
    sheets, Ys, sigma_as, alphas : sequences of B
        One entry a cell, as in `sheet_traction`.
    forces : sequence of B (N, 2) tensors, optional
        Further nodal forces, see `ContractileSheet.equilibrium`.
    max_workers : int, optional
        Threads; one per core by default.

    Returns
    -------
    list of B (N, 2) tensors
        In the place of a cell that cannot be solved, its `CellForceError`; the others are not affected.
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
    """Say which cell of several an error is about."""
    if n_cells == 1:
        return error
    value = f"cell {i + 1} of {n_cells}: {error.value}"
    return CellForceError(value, error.rule, error.remedy, topic=error.topic)


def _parameter_gradients(
    state: Equilibrium | None, by_traction: Tensor | None, kinds: int
) -> tuple[Array | None, ...]:
    """Return the gradients of ``F = Y u`` by nodal Y, nodal sigma_a, alpha, and nodal force if any."""
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
    """Return a nodal gradient as that of a parameter, summed if the parameter is one number."""
    if device.type == "meta":
        return torch.empty(shape, dtype=dtype, device=device)
    if gradient is None:
        return None
    summed = gradient if shape else np.asarray(gradient.sum())
    return torch.from_numpy(summed).to(device, dtype)


def _in_threads(work: Callable[[In], Out], items: Sequence[In], workers: int) -> list[Out]:
    """Do `work` on all items, in order; BLAS keeps to one thread each."""
    if workers == 1:
        return [work(item) for item in items]
    with one_blas_thread(), ThreadPoolExecutor(workers) as pool:
        return list(pool.map(work, items))
