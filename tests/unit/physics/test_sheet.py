"""The contractile sheet, held against exact solutions, the published code, and Newton's laws."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.polynomial import polynomial
from scipy.signal import convolve2d
from scipy.special import i0, i1
from skfem import MeshTri

from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import PixelSize
from napari_cellforce.physics.mesh import MeshSettings, mesh_cell
from napari_cellforce.physics.sheet import ContractileSheet, from_dimensional, sample_traction


@pytest.fixture(scope="module")
def lopsided_cell():
    """A cell without any symmetry: an ellipse with a bite and a hole."""
    y, x = np.mgrid[:80, :80]
    mask = ((y - 40) / 33) ** 2 + ((x - 37) / 22) ** 2 < 1
    mask &= ~((y > 48) & (x > 40)) & (np.hypot(y - 28, x - 32) > 6)
    return mesh_cell(mask, PixelSize.square(0.5), MeshSettings(2.0))


@pytest.fixture(scope="module")
def sheet(lopsided_cell) -> ContractileSheet:
    return ContractileSheet(lopsided_cell.nodes, lopsided_cell.triangles)


def uneven(sheet: ContractileSheet, mean: float, seed: int) -> np.ndarray:
    return mean * (0.2 + 1.6 * np.random.default_rng(seed).random(sheet.n_nodes))


def l2_error(sheet: ContractileSheet, u: np.ndarray, exact: Callable[[np.ndarray], np.ndarray]) -> float:
    """Square root of the integral of |u - exact|^2."""
    operators = sheet.operators
    difference = operators.at_points @ u - exact(operators.at_points @ sheet.nodes)
    return float(np.sqrt(operators.weights @ (difference**2).sum(axis=1)))


def rates(errors: list[float]) -> np.ndarray:
    """Order of convergence from one halving of the triangles to the next."""
    return -np.diff(np.log2(errors))


class TestAgainstThePublishedCode:
    """FEniCS and dolfin-adjoint on a mesh of 1273 nodes."""

    def test_displacement_loss_and_gradients(self, shared_data):
        case = np.load(shared_data / "cases" / "fem_case.npz")
        sheet = ContractileSheet(case["nodes"], case["triangles"])
        parameters = case["Y"], float(case["sigma_a"]), float(case["alpha"])
        ours = (sheet.solve(*parameters), *sheet.loss_and_gradients(*parameters, case["F_target"]))
        for name, value in zip(("u", "J", "dJ_dY", "dJ_dsigma_a", "dJ_dalpha"), ours, strict=True):
            difference = np.abs(value - case[name]).max() / np.abs(case[name]).max()
            assert difference < 1e-10, name


class TestExactSolutions:
    """Convergence of second order to solutions that are known."""

    def test_a_disk_on_even_springs_contracts_like_a_bessel_function(self):
        Y, sigma_a, alpha = 7.0, 0.4, 0.3
        kappa = np.sqrt(Y / (1 + alpha))
        slope = kappa * (i0(kappa) - i1(kappa) / kappa)
        amplitude = -sigma_a / ((1 + alpha) * slope + alpha * i1(kappa))

        def exact(points: np.ndarray) -> np.ndarray:
            r = np.hypot(*points.T)[:, None]
            return amplitude * i1(kappa * r) * points / r

        errors = []
        for refinement in (2, 3, 4, 5):
            disk = MeshTri.init_circle(refinement)
            sheet = ContractileSheet(disk.p.T, disk.t.T)
            errors.append(l2_error(sheet, sheet.solve(Y, sigma_a, alpha), exact))
        assert rates(errors)[-1] >= 1.9
        assert errors[-1] < 1e-3 * abs(amplitude) * i1(kappa)

    def test_a_made_solution_with_uneven_springs_and_active_stress(self):
        """u and sigma_a are chosen with no stress on the edge of a square; f is what makes them true."""
        made = MadeSolution(alpha=0.35)
        square = MeshTri().refined(2)
        inner = square.interior_nodes()
        square.p[:, inner] += 0.06 * np.random.default_rng(0).uniform(-1, 1, (2, len(inner)))
        errors = []
        for _ in range(4):
            square = square.refined(1)
            sheet = ContractileSheet(square.p.T, square.t.T)
            at = sheet.nodes
            u = sheet.solve(
                value(made.Y, at), value(made.sigma_a, at), made.alpha, vectors(made.body_force, at)
            )
            errors.append(l2_error(sheet, u, lambda points: vectors(made.u, points)))
        assert (rates(errors) >= 1.9).all()

    def test_a_nearly_free_sheet_shrinks_evenly(self):
        """Plane stress: strain -(1 - nu) sigma_a / E in both directions, about the centre."""
        square = MeshTri().refined(3)
        material = from_dimensional(
            young=2000, poisson=0.4, thickness=3, spring=1e-3, active_stress=100, plane="stress"
        )
        sheet = ContractileSheet(square.p.T - 0.5, square.t.T)
        u = sheet.solve(material.Y, material.sigma_a, material.alpha)
        np.testing.assert_allclose(u, -(1 - 0.4) * 100 / 2000 * sheet.nodes, atol=1e-6)


def value(coefficients: np.ndarray, at: np.ndarray) -> np.ndarray:
    return polynomial.polyval2d(*at.T, coefficients)


def vectors(components: tuple[np.ndarray, np.ndarray], at: np.ndarray) -> np.ndarray:
    return np.stack([value(c, at) for c in components], axis=1)


class MadeSolution:
    """Polynomials in (y, x) on the unit square, as arrays of coefficients."""

    def __init__(self, alpha: float) -> None:
        self.alpha = alpha
        bump = convolve2d([[0], [0], [1], [-2], [1]], [[0, 0, 1, -2, 1]])  # y² (1 - y)² x² (1 - x)²
        self.u = tuple(
            convolve2d(bump, lopsided) for lopsided in ([[30.0, 90.0]], [[60.0, 0.0], [-80.0, 40.0]])
        )
        self.sigma_a = 5 * convolve2d(bump, [[1.0, 2.0], [3.0, 0.0]])
        self.Y = np.array([[1.0, 0.0], [2.0, 5.0]])

    @property
    def body_force(self) -> tuple[np.ndarray, np.ndarray]:
        """f = Y u - div(sigma + sigma_a I)."""
        gradient = [[derivative(component, axis) for axis in (0, 1)] for component in self.u]
        pressure = added(self.alpha * added(gradient[0][0], gradient[1][1]), self.sigma_a)
        shear = added(gradient[0][1], gradient[1][0]) / 2
        stress = [[added(gradient[0][0], pressure), shear], [shear, added(gradient[1][1], pressure)]]
        divergence = [added(derivative(row[0], 0), derivative(row[1], 1)) for row in stress]
        return tuple(added(convolve2d(self.Y, u), -d) for u, d in zip(self.u, divergence, strict=True))


def derivative(coefficients: np.ndarray, axis: int) -> np.ndarray:
    return polynomial.polyder(coefficients, axis=axis)


def added(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    total = np.zeros(np.maximum(a.shape, b.shape))
    total[: a.shape[0], : a.shape[1]] += a
    total[: b.shape[0], : b.shape[1]] += b
    return total


class TestBalance:
    """A cell cannot push itself along, nor turn itself."""

    @pytest.mark.parametrize("active", ["one number", "a field"])
    def test_the_integrals_of_traction_and_moment_vanish(self, sheet, active):
        Y = uneven(sheet, 0.02, 1)
        sigma_a = 0.3 if active == "one number" else uneven(sheet, 0.3, 2)
        u = sheet.solve(Y, sigma_a, 0.4)
        force, moment = sheet.resultant(Y, u)
        weights, points = sheet.operators.weights, sheet.operators.at_points
        strength = weights * (points @ Y) * np.hypot(*(points @ u).T)
        assert np.hypot(*force) < 1e-10 * strength.sum()
        assert abs(moment) < 1e-10 * (strength * np.hypot(*(points @ sheet.nodes).T)).sum()

    def test_a_push_from_outside_is_what_the_springs_take_up(self, sheet):
        push = np.tile([0.2, -0.1], (sheet.n_nodes, 1))
        Y = uneven(sheet, 0.02, 1)
        force, _ = sheet.resultant(Y, sheet.solve(Y, 0.3, 0.4, body_force=push))
        np.testing.assert_allclose(force, sheet.operators.area.sum() * np.array([0.2, -0.1]), rtol=1e-9)

    def test_on_pixels_each_part_is_balanced_and_what_was_removed_is_told(self):
        y, x = np.mgrid[:120, :120]
        two = (np.hypot(y - 35, x - 40) < 25) | (((y - 90) / 18) ** 2 + ((x - 80) / 30) ** 2 < 1)
        mesh = mesh_cell(two, PixelSize.square(0.5), MeshSettings(2.0))
        sheet = ContractileSheet(mesh.nodes, mesh.triangles)
        state = sheet.equilibrium(uneven(sheet, 0.05, 3), uneven(sheet, 0.3, 4), 0.4)
        sampled = sample_traction(mesh, state, scale=1000.0)
        for part in (y < 62, y >= 62):
            pixels = np.argwhere(mesh.inside & part) * 0.5
            forces = sampled.data[:, mesh.inside & part].T
            strength = np.hypot(*forces.T)
            assert np.hypot(*forces.sum(axis=0)) < 1e-12 * strength.sum()
            moments = pixels[:, 0] * forces[:, 1] - pixels[:, 1] * forces[:, 0]
            assert abs(moments.sum()) < 1e-12 * (np.hypot(*pixels.T) * strength).sum()
        assert sampled.removed_force.shape == (2, 2)
        assert (sampled.relative_force > 0).all()
        assert (sampled.relative_force < 1e-2).all()
        assert (sampled.relative_moment < 1e-2).all()
        before = 1000 * mesh.image(state.Y) * mesh.image(state.u)
        taken = (before - sampled.data)[:, mesh.inside & (y < 62)].sum(axis=1) * 0.25
        top = mesh.component[mesh.nodes[:, 0].argmin()]
        np.testing.assert_allclose(taken, sampled.removed_force[top], rtol=1e-9)

    def test_parts_that_do_not_touch_do_not_feel_each_other(self, sheet):
        n = sheet.n_nodes
        far = np.vstack([sheet.nodes, sheet.nodes + 100])
        both = ContractileSheet(far, np.vstack([sheet.triangles, sheet.triangles + n]))
        Y = uneven(sheet, 0.02, 1)
        u = both.solve(np.concatenate([Y, 3 * Y]), 0.3, 0.4)
        np.testing.assert_allclose(u[:n], sheet.solve(Y, 0.3, 0.4), atol=1e-12)
        np.testing.assert_allclose(u[n:], sheet.solve(3 * Y, 0.3, 0.4), atol=1e-12)


class TestGradients:
    @pytest.fixture
    def target(self, sheet) -> np.ndarray:
        return 0.05 * np.random.default_rng(5).normal(size=(sheet.n_nodes, 2))

    def test_they_are_the_slopes_of_the_loss(self, sheet, target):
        """Central differences along one random direction of each parameter."""
        Y, sigma_a, alpha = uneven(sheet, 0.02, 1), uneven(sheet, 0.3, 2), 0.4
        _, dY, dsigma_a, dalpha = sheet.loss_and_gradients(Y, sigma_a, alpha, target)
        way = np.random.default_rng(6).normal(size=sheet.n_nodes)

        def slope(step: tuple, size: float) -> float:
            up, down = (
                sheet.loss_and_gradients(Y + s * step[0], sigma_a + s * step[1], alpha + s * step[2], target)[
                    0
                ]
                for s in (size, -size)
            )
            return (up - down) / (2 * size)

        assert dY @ way == pytest.approx(slope((way, 0, 0), 1e-6), rel=1e-5)
        assert dsigma_a @ way == pytest.approx(slope((0, way, 0), 1e-4), rel=1e-6)
        assert dalpha == pytest.approx(slope((0, 0, 1), 1e-4), rel=1e-6)

    def test_that_by_one_number_is_the_sum_over_the_nodes(self, sheet, target):
        by_number = sheet.loss_and_gradients(0.02, 0.3, 0.4, target)
        even = np.ones(sheet.n_nodes)
        by_node = sheet.loss_and_gradients(0.02 * even, 0.3 * even, 0.4, target)
        for number, nodes in zip(by_number, by_node, strict=True):
            assert isinstance(number, float)
            assert number == pytest.approx(np.sum(nodes), rel=1e-10)


class TestMaterialConstants:
    def test_the_traction_is_spring_constant_times_displacement(self, sheet):
        spring = uneven(sheet, 50.0, 1)
        material = from_dimensional(1500, 0.45, 3.0, spring, active_stress=400)
        u = sheet.solve(material.Y, material.sigma_a, material.alpha)
        traction = material.traction_scale * material.Y[:, None] * u
        np.testing.assert_allclose(traction, spring[:, None] * u, rtol=1e-12)

    def test_alpha_is_that_of_plane_stress_or_of_plane_strain(self):
        assert from_dimensional(1500, 0.3, 3, 50, 400).alpha == pytest.approx(0.3 / 0.7)
        assert from_dimensional(1500, 0.3, 3, 50, 400, "strain").alpha == pytest.approx(0.3 / 0.4)

    @pytest.mark.parametrize(
        ("constants", "message"),
        [
            ({"young": 0.0}, "Young's modulus of the cell is 0 Pa"),
            ({"thickness": -3.0}, "thickness of the cell is -3 µm"),
            ({"poisson": -1.0}, "Poisson's ratio of the cell is -1"),
            ({"poisson": 0.6}, "at most 0.5"),
            ({"poisson": 0.5, "plane": "strain"}, "below 0.5 in plane strain"),
            ({"poisson": float("nan")}, "Poisson's ratio"),
        ],
    )
    def test_impossible_ones_are_refused(self, constants, message):
        valid = {"young": 1500, "poisson": 0.45, "thickness": 3, "spring": 50, "active_stress": 400}
        with pytest.raises(CellForceError, match=message):
            from_dimensional(**(valid | constants))


class TestRefusals:
    def nodal(self, sheet: ContractileSheet, worst: float) -> np.ndarray:
        Y = np.full(sheet.n_nodes, 0.01)
        Y[3] = worst
        return Y

    def test_springs_that_push(self, sheet):
        with pytest.raises(CellForceError, match="negative at 1 nodes"):
            sheet.solve(self.nodal(sheet, -1e-3), 0.1, 0.3)

    @pytest.mark.parametrize("worst", [np.nan, np.inf])
    def test_springs_that_are_not_numbers(self, sheet, worst):
        with pytest.raises(CellForceError, match="Y is NaN or infinite at 1 nodes"):
            sheet.solve(self.nodal(sheet, worst), 0.1, 0.3)

    def test_no_springs_at_all(self, sheet):
        with pytest.raises(CellForceError, match="singular"):
            sheet.solve(0.0, 0.1, 0.3)

    def test_no_springs_under_one_of_two_parts(self):
        two = MeshTri().refined(2)
        sheet = ContractileSheet(
            np.vstack([two.p.T, two.p.T + 5]), np.vstack([two.t.T, two.t.T + two.p.shape[1]])
        )
        with pytest.raises(CellForceError, match="part 2 of 2"):
            sheet.solve(1.0 * (sheet.nodes[:, 0] < 3), 0.1, 0.3)

    def test_springs_under_a_corner_suffice(self, sheet):
        corner = np.where(sheet.nodes[:, 0] < sheet.nodes[:, 0].min() + 3, 0.1, 0.0)
        u = sheet.solve(corner, 0.1, 0.3)
        force, _ = sheet.resultant(corner, u)
        assert np.hypot(*force) < 1e-10

    @pytest.mark.parametrize("alpha", [-0.5, -0.8, float("nan")])
    def test_an_unstable_sheet(self, sheet, alpha):
        with pytest.raises(CellForceError, match=r"above -0\.5"):
            sheet.solve(0.01, 0.1, alpha)

    def test_an_active_stress_that_is_not_a_number(self, sheet):
        with pytest.raises(CellForceError, match="sigma_a is NaN") as caught:
            sheet.solve(0.01, np.nan, 0.3)
        assert caught.value.topic == "sheet"

    def test_equations_that_lose_all_digits_are_called_singular(self, sheet):
        with pytest.raises(CellForceError, match=r"singular \(pivot \d+ of \d+ is not positive"):
            sheet.solve(1e-6, 0.1, 1e17)

    def test_a_solution_that_overflows_is_called_singular(self, sheet):
        with pytest.raises(CellForceError, match="solution is not finite"):
            sheet.solve(1e-4, 1e308, 0.3)

    @pytest.mark.parametrize(
        ("nodes", "triangles"),
        [
            (np.zeros((3, 3)), [[0, 1, 2]]),
            ([[0, 0], [0, 1], [1, 0]], [[0, 1, 3]]),
            ([[0, 0], [0, 1], [0, 2], [1, 0]], [[0, 1, 2], [0, 1, 3]]),
        ],
    )
    def test_what_is_no_mesh(self, nodes, triangles):
        with pytest.raises(ValueError, match=r"mesh|nodes"):
            ContractileSheet(nodes, triangles)
