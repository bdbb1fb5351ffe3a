"""The sheet as a torch operation: exact gradients, many cells at once, failures kept apart."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import PixelSize
from napari_cellforce.models.bottleneck.sheets import sheet_traction, sheet_traction_batch
from napari_cellforce.physics.mesh import MeshSettings, mesh_cell
from napari_cellforce.physics.sheet import ContractileSheet


@pytest.fixture(scope="module")
def sheet() -> ContractileSheet:
    """A small cell without any symmetry: an ellipse with a bite taken out."""
    y, x = np.mgrid[:60, :60]
    mask = ((y - 30) / 25) ** 2 + ((x - 28) / 18) ** 2 < 1
    mask &= ~((y > 35) & (x > 30))
    mesh = mesh_cell(mask, PixelSize.square(1.0), MeshSettings(8.0))
    return ContractileSheet(mesh.nodes, mesh.triangles)


def parameter(value: float, sheet: ContractileSheet | None = None, seed: int = 0) -> torch.Tensor:
    """One number, or an uneven field about it."""
    field = value * (0.5 + np.random.default_rng(seed).random(sheet.n_nodes)) if sheet else value
    return torch.tensor(field, dtype=torch.float64, requires_grad=True)


@pytest.mark.parametrize("springs", ["one number", "a field"])
@pytest.mark.parametrize("active", ["one number", "a field"])
def test_gradients_are_those_of_finite_differences(sheet, springs, active):
    Y = parameter(0.02, sheet if springs == "a field" else None)
    sigma_a = parameter(0.3, sheet if active == "a field" else None, seed=1)
    assert torch.autograd.gradcheck(
        lambda *parameters: sheet_traction(sheet, *parameters), (Y, sigma_a, parameter(0.4)), eps=1e-7
    )


def test_gradients_by_nodal_forces_are_those_of_finite_differences(sheet):
    """Forces of an active stress that is not the same in all directions come in as work at the nodes."""
    force = torch.randn(sheet.n_nodes, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(2))

    def traction(Y, sigma_a, alpha, force):
        return sheet_traction_batch([sheet], [Y], [sigma_a], [alpha], [force])[0]

    parameters = parameter(0.02, sheet), parameter(0.3), parameter(0.4), (0.1 * force).requires_grad_()
    assert torch.autograd.gradcheck(traction, parameters, eps=1e-7)


def test_second_derivatives_are_refused_rather_than_wrong(sheet):
    Y = parameter(0.02, sheet)
    loss = sheet_traction(sheet, Y, 0.3, 0.4).square().sum()
    (slope,) = torch.autograd.grad(loss, Y, create_graph=True)
    with pytest.raises(RuntimeError, match="twice"):
        slope.sum().backward()


def test_the_operation_agrees_with_the_numpy_solver(sheet):
    Y = parameter(0.02, sheet)
    state = sheet.equilibrium(Y.detach().numpy(), 0.3, 0.4)
    np.testing.assert_array_equal(sheet_traction(sheet, Y, 0.3, 0.4).detach().numpy(), state.traction)


def test_single_precision_stays_single_and_is_solved_in_double(sheet):
    Y = parameter(0.02, sheet)
    single = Y.detach().float().requires_grad_()
    traction = sheet_traction(sheet, single, 0.3, 0.4)
    traction.square().sum().backward()
    sheet_traction(sheet, Y, 0.3, 0.4).square().sum().backward()
    assert traction.dtype == single.grad.dtype == torch.float32
    torch.testing.assert_close(single.grad.double(), Y.grad, rtol=1e-5, atol=1e-8)


def test_on_the_meta_device_there_are_shapes_only(sheet):
    Y = torch.empty(sheet.n_nodes, device="meta", requires_grad=True)
    traction = sheet_traction(sheet, Y, 0.3, 0.4)
    assert traction.is_meta
    assert traction.shape == (sheet.n_nodes, 2)
    traction.sum().backward()
    assert Y.grad.is_meta
    assert Y.grad.shape == Y.shape


def test_cells_in_threads_give_the_same_as_one_by_one(sheet):
    Ys = [parameter(0.02, sheet, seed) for seed in range(5)]
    sigma_a = parameter(0.3)
    batch = sheet_traction_batch([sheet] * 5, Ys, [sigma_a] * 5, [0.4] * 5, max_workers=3)
    sum(t.square().sum() for t in batch).backward()
    together = [Y.grad.clone() for Y in Ys], sigma_a.grad.clone()
    for leaf in (*Ys, sigma_a):
        leaf.grad = None
    for Y, from_batch in zip(Ys, batch, strict=True):
        alone = sheet_traction(sheet, Y, sigma_a, 0.4)
        assert torch.equal(alone, from_batch)
        alone.square().sum().backward()
    torch.testing.assert_close(([Y.grad for Y in Ys], sigma_a.grad), together, rtol=1e-12, atol=1e-15)


def test_a_cell_that_fails_is_one_error_and_the_others_go_on(sheet):
    Ys = [parameter(0.02, sheet, 0), parameter(-0.02, sheet, 1), parameter(0.02, sheet, 2)]
    good, failed, unstable = sheet_traction_batch([sheet] * 3, Ys, [0.3] * 3, [0.4, 0.4, -0.7])
    assert isinstance(failed, CellForceError)
    assert str(failed).startswith("cell 2 of 3: the adhesion field Y is negative")
    assert "cell 3 of 3: alpha is -0.7" in str(unstable)
    good.sum().backward()
    assert Ys[0].grad.abs().sum() > 0
    assert Ys[1].grad is None


def test_one_cell_that_fails_raises(sheet):
    with pytest.raises(CellForceError, match=r"^alpha is -0\.6"):
        sheet_traction(sheet, parameter(0.02), 0.3, -0.6)


def test_no_cells_give_no_tractions():
    assert sheet_traction_batch([], [], [], []) == []


def test_gradient_descent_through_the_solve_finds_the_contractility(sheet):
    """A cell whose active stress is unknown: its traction tells."""
    Y = parameter(0.02, sheet).detach()
    seen = sheet_traction(sheet, Y, 0.37, 0.4)
    guess = torch.tensor(0.1, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([guess], line_search_fn="strong_wolfe")

    def misfit() -> torch.Tensor:
        optimiser.zero_grad()
        loss = 1e3 * (sheet_traction(sheet, Y, guess, 0.4) - seen).square().sum()
        loss.backward()
        return loss

    optimiser.step(misfit)
    assert guess.item() == pytest.approx(0.37, rel=1e-6)
