"""Fields put together from known potentials, and taken apart again."""

from __future__ import annotations

import numpy as np
import pytest

from napari_cellforce.errors import CellForceError
from napari_cellforce.physics.decomposition import clebsch, helmholtz
from napari_cellforce.physics.decomposition._clebsch import Objective
from napari_cellforce.physics.decomposition._masked import MaskedGrid
from napari_cellforce.physics.decomposition._periodic import PeriodicGrid

SPACING = 0.68


@pytest.fixture
def rng():
    return np.random.default_rng(11)


def positions(shape, spacing=SPACING):
    """Coordinates (y, x) of the pixel centres in µm."""
    rows, columns = np.indices(shape)
    return (rows + 0.5) * spacing, (columns + 0.5) * spacing


def disk(shape, centre, radius, hole=0.0):
    rows, columns = np.indices(shape)
    distance = np.hypot(rows - centre[0], columns - centre[1])
    return (distance < radius) & (distance >= hole)


def masked(field, mask):
    return np.where(mask, field, 0.0)


# Helmholtz, periodic


@pytest.mark.parametrize("shape", [(32, 32), (33, 48), (31, 45)])
def test_sources_rotation_and_mean_come_back_exactly(shape):
    y, x = positions(shape)
    ky, kx = 2 * np.pi / (shape[0] * SPACING), 2 * np.pi / (shape[1] * SPACING)
    phi = 3 * np.cos(2 * ky * y - kx * x) + np.sin(3 * kx * x)
    stream = np.sin(ky * y + 2 * kx * x)
    swing, other = -3 * np.sin(2 * ky * y - kx * x), 3 * kx * np.cos(3 * kx * x)
    gradient = np.stack([2 * ky * swing, -kx * swing + other])
    turn = np.cos(ky * y + 2 * kx * x)
    rotation = np.stack([-2 * kx * turn, ky * turn])
    uniform = np.ones((2, *shape)) * np.array([0.5, -0.2])[:, None, None]
    parts = helmholtz(gradient + rotation + uniform, SPACING)
    for found, made in (
        (parts.curl_free, gradient),
        (parts.divergence_free, rotation),
        (parts.harmonic, uniform),
        (parts.phi, phi - phi.mean()),
        (parts.stream, stream),
    ):
        np.testing.assert_allclose(found, made, atol=1e-10)


def test_a_wave_at_the_nyquist_frequency_counts_as_harmonic():
    alternating = np.zeros((2, 8, 10))
    alternating[1] = (-1.0) ** np.arange(10)
    parts = helmholtz(alternating, 1.0)
    np.testing.assert_allclose(parts.harmonic, alternating, atol=1e-14)


def test_a_movie_is_taken_apart_frame_by_frame(rng):
    movie = rng.normal(size=(2, 3, 2, 12, 14))
    mask = disk((12, 14), (6, 6), 5)
    for cell in (None, mask):
        together = helmholtz(movie, SPACING, cell)
        alone = helmholtz(movie[1, 2], SPACING, cell)
        np.testing.assert_allclose(together.curl_free[1, 2], alone.curl_free, atol=1e-13)
        np.testing.assert_allclose(together.phi[1, 2], alone.phi, atol=1e-13)
        assert together.fractions[0].shape == (2, 3)


# Helmholtz, inside a mask


@pytest.mark.parametrize("fixed_edge", [False, True])
@pytest.mark.parametrize("hole", [0, 4])
def test_the_parts_are_orthogonal_and_add_up_on_any_mask(rng, hole, fixed_edge):
    shape = (30, 40)
    mask = disk(shape, (14, 17), 11, hole) | disk(shape, (22, 33), 5)
    mask[0, 0] = mask[1, 1] = True  # two pixels that touch at a corner
    field = rng.normal(size=(2, *shape)) * np.array([3.0, 1.0])[:, None, None]
    parts = helmholtz(field, SPACING, mask, fixed_edge=fixed_edge)
    three = (parts.curl_free, parts.divergence_free, parts.harmonic)
    np.testing.assert_allclose(sum(three), masked(field, mask), atol=1e-12)
    energy = np.sum(masked(field, mask) ** 2)
    for i in range(3):
        assert abs(np.sum(three[i] * three[i - 1])) < 1e-13 * energy
    assert sum(parts.fractions) == pytest.approx(1.0, abs=1e-13)


def test_only_a_hole_lets_something_circulate_without_sources_or_rotation(rng):
    field = rng.normal(size=(2, 40, 40))
    assert helmholtz(field, SPACING, disk((40, 40), (20, 19), 15)).fractions[2] < 1e-20
    ring = disk((40, 40), (20, 19), 15, hole=5)
    y, x = np.indices((40, 40)) - np.array([20, 19])[:, None, None] + 1e-9
    vortex = masked(np.stack([x, -y]) / (x**2 + y**2), ring)
    curl_free, divergence_free, harmonic = helmholtz(vortex, SPACING, ring).fractions
    assert harmonic > 0.98
    assert divergence_free < 0.02
    assert curl_free < 0.02  # what the staircase edge makes of it


def test_a_uniform_field_is_a_gradient_unless_the_edge_is_fixed():
    mask = disk((24, 30), (12, 14), 9)
    field = np.ones((2, 24, 30)) * np.array([2.0, -1.0])[:, None, None]
    assert helmholtz(field, SPACING, mask).fractions[0] == pytest.approx(1.0, abs=1e-12)
    assert helmholtz(field, SPACING, mask, fixed_edge=True).fractions[2] == pytest.approx(1.0, abs=1e-12)


def rates(errors):
    return np.log2(np.array(errors[:-1]) / np.array(errors[1:]))


def test_the_potentials_of_a_rectangle_converge_at_second_order():
    """A rectangle of 12 x 9 µm; the stream function vanishes on its edge, phi does as it likes."""
    phi_errors, stream_errors, field_errors = [], [], []
    for n in (12, 24, 48):
        spacing = 12.0 / n
        mask = np.pad(np.ones((n, 3 * n // 4), bool), ((2, 0), (1, 3)))
        y, x = positions(mask.shape, spacing)
        y, x = y - 2 * spacing, x - spacing
        a, b = np.pi / 12, 2 * np.pi / 9
        stream = 5 * np.sin(a * y) * np.sin(b * x)
        rotation = 5 * np.stack([-b * np.sin(a * y) * np.cos(b * x), a * np.cos(a * y) * np.sin(b * x)])
        phi = np.exp(x / 6) * np.cos(y / 3) + x
        gradient = np.stack([-np.exp(x / 6) * np.sin(y / 3) / 3, np.exp(x / 6) * np.cos(y / 3) / 6 + 1])
        parts = helmholtz(gradient + rotation, spacing, mask)
        phi_errors.append(np.abs(parts.phi - (phi - phi[mask].mean()))[mask].max())
        stream_errors.append(np.abs(parts.stream - stream)[mask].max())
        field_errors.append(np.sqrt(np.mean((parts.curl_free - gradient)[:, mask] ** 2)))
    for errors in (phi_errors, stream_errors, field_errors):
        assert rates(errors).min() > 1.8
        assert errors[-1] < errors[0] / 12


def test_a_pure_gradient_in_a_staircase_ring_has_no_rotation():
    phi_errors, leaks = [], []
    for n in (24, 48, 96):
        spacing = 12.0 / n
        mask = disk((n, n), (0.45 * n, 0.5 * n), 0.4 * n, hole=0.15 * n)
        y, x = positions(mask.shape, spacing)
        phi = np.sin(x / 2) * np.exp(y / 5)
        gradient = np.stack([phi / 5, np.cos(x / 2) * np.exp(y / 5) / 2])
        parts = helmholtz(gradient, spacing, mask)
        phi_errors.append(np.abs(parts.phi - (phi - phi[mask].mean()))[mask].max())
        leaks.append(float(parts.fractions[1] + parts.fractions[2]))
    assert rates(phi_errors).min() > 1.8
    assert leaks[-1] < 1e-7
    assert leaks[-1] < leaks[0] / 100


def test_what_a_staircase_edge_takes_from_a_pure_rotation_falls_with_the_pixel():
    leaks = []
    for n in (48, 96, 192):
        mask = disk((n, n), (0.5 * n, 0.5 * n), 0.4 * n)
        y, x = np.indices((n, n)) - 0.5 * n
        leaks.append(float(helmholtz(np.stack([-x, y]), 12.0 / n, mask).fractions[0]))
    assert leaks[-1] < 0.01
    assert rates(leaks).min() > 1


def test_what_lies_outside_the_mask_is_ignored():
    mask = disk((20, 26), (9, 12), 7)
    y, x = positions(mask.shape)
    field = np.stack([x**2, y * x])
    holed = np.where(mask, field, np.nan)
    np.testing.assert_array_equal(
        helmholtz(holed, SPACING, mask).curl_free, helmholtz(field, SPACING, mask).curl_free
    )


# The operators of both grids


@pytest.fixture(params=["periodic", "masked"])
def grid(request):
    if request.param == "periodic":
        return PeriodicGrid((17, 20), SPACING)
    return MaskedGrid(disk((24, 22), (11, 9), 8, hole=3), SPACING)


def test_transposes_are_transposes(grid, rng):
    potential, other = rng.normal(size=(2, *grid.node_shape))
    field = grid.restrict(
        rng.normal(size=(2, 24, 22)) if isinstance(grid, MaskedGrid) else rng.normal(size=(2, 17, 20))
    )
    assert np.vdot(grid.gradient(potential), field) == pytest.approx(
        np.vdot(potential, grid.gradient_adjoint(field)), rel=1e-11
    )
    assert np.vdot(grid.at_pixels(potential), field[0]) == pytest.approx(
        np.vdot(potential, grid.at_pixels_adjoint(field[0])), rel=1e-11
    )
    for symmetric in (grid.stiffness, grid.smooth):
        assert np.vdot(other, symmetric(potential)) == pytest.approx(np.vdot(symmetric(other), potential))
        assert np.vdot(potential, symmetric(potential)) > 0


@pytest.mark.parametrize("shape", [(24, 22), (25, 31)])
def test_a_coarser_grid_shows_the_same_field_and_its_potentials_come_back(shape):
    """Even and odd sides; waves that both periodic grids know, straight lines inside a mask."""
    rows, columns = np.indices(shape)
    mask = np.hypot(rows - 12, columns - 11) < 9
    masked_grid, whole = MaskedGrid(mask, SPACING), PeriodicGrid(shape, SPACING)
    uniform = np.array([2.0, -1.0])[:, None, None] * masked_grid.mask
    np.testing.assert_allclose(
        masked_grid.averaged(uniform), np.array([2.0, -1.0])[:, None, None] * masked_grid.coarser.mask
    )
    coarse_rows, coarse_columns = np.indices(masked_grid.coarser.node_shape)
    fine_rows, fine_columns = np.indices(masked_grid.node_shape)
    np.testing.assert_allclose(
        masked_grid.refined(3.0 * coarse_rows - coarse_columns), 1.5 * fine_rows - fine_columns / 2
    )
    wave = np.cos(2 * np.pi * (rows / shape[0] + 2 * columns / shape[1]))
    np.testing.assert_allclose(whole.refined(whole.averaged(wave)), wave, atol=1e-12)
    assert whole.coarser.shape == (12 if shape[0] == 24 else 13, 11 if shape[1] == 22 else 16)


def test_the_clebsch_objective_has_the_gradient_it_says(grid, rng):
    image = (24, 22) if isinstance(grid, MaskedGrid) else (17, 20)
    field = grid.restrict(rng.normal(size=(2, *image)))
    objective = Objective(grid, field, grid.without_gradients(field), 0.05, 0.3)
    pair, direction = rng.normal(size=(2, 2, *grid.node_shape))
    step = 1e-5
    slope = (objective(pair + step * direction)[0] - objective(pair - step * direction)[0]) / (2 * step)
    assert np.vdot(objective(pair)[1], direction) == pytest.approx(slope, rel=1e-7)


# Clebsch


def conformal(bend, n=64):
    """psi + i chi = z + bend z² + 2 in an ellipse: equally steep and at right angles everywhere."""
    spacing = 32.0 / n
    rows, columns = np.indices((n, n))
    y, x = (rows - 0.47 * n) * spacing, (columns - 0.5 * n) * spacing
    mask = (y / 7.5) ** 2 + (x / 14) ** 2 < 1
    z = x + 1j * y
    potential, slope = z + bend * z**2 + 2, 1 + 2 * bend * z
    grad_chi = np.stack([slope.real, slope.imag])
    return potential.real, potential.imag, potential.real * grad_chi, mask, spacing


@pytest.mark.parametrize(("bend", "n"), [(0.0, 64), (0.02, 64), (0.02, 160)])
def test_clebsch_potentials_that_the_gauge_allows_come_back(bend, n):
    """On 160 x 160 pixels they are found on coarser ones first, and then refined."""
    psi, chi, field, mask, spacing = conformal(bend, n)
    parts = clebsch(field, spacing, mask)
    assert parts.residual_fraction < 1e-4
    for found, made in ((parts.psi, psi), (parts.chi, chi - chi[mask].mean())):
        error = np.sqrt(np.mean((found - made)[mask] ** 2) / np.var(made[mask]))
        assert error < 0.02
    assert np.sum(parts.grad_phi**2) < 1e-3 * np.sum(masked(field, mask) ** 2)


def made_periodic(n=48):
    """All three potentials are a few waves, none with the symmetry of another."""
    grid = PeriodicGrid((n, n + 6), SPACING)
    y, x = np.indices((n, n + 6)) * 2 * np.pi / np.array([n, n + 6])[:, None, None]
    phi = 2 * np.sin(y + 2 * x)
    psi = np.sin(x) + 0.5 * np.cos(y - x)
    chi = np.cos(y) + 0.3 * np.sin(2 * x)
    return grid.gradient(phi) + psi * grid.gradient(chi), grid, psi, chi


def test_clebsch_reproduces_a_periodic_field_and_its_curl():
    field, grid, psi, chi = made_periodic()
    parts = clebsch(field, SPACING, smoothness=1e-4, gradient_weight=0.0, iterations=400)
    assert parts.residual_fraction < 1e-6
    np.testing.assert_allclose(parts.grad_phi + parts.psi_grad_chi + parts.residual, field, atol=1e-12)

    def curl(first, second):
        a, b = grid.gradient(first), grid.gradient(second)
        return a[1] * b[0] - a[0] * b[1]

    wanted = curl(psi, chi)
    error = curl(parts.psi, parts.chi) - wanted
    assert np.sqrt(np.mean(error**2)) < 0.02 * np.sqrt(np.mean(wanted**2))


def test_smoothness_trades_misfit_for_gentle_potentials():
    field, grid, *_ = made_periodic()
    rough, gentle = (clebsch(field, SPACING, smoothness=s) for s in (1e-4, 1e-1))
    assert rough.residual_fraction < gentle.residual_fraction / 10

    def steepness(parts):
        return np.sum(grid.gradient(parts.psi) ** 2 + grid.gradient(parts.chi) ** 2)

    assert steepness(gentle) < steepness(rough)


def test_a_pure_gradient_needs_no_psi_and_chi():
    grid = PeriodicGrid((20, 24), SPACING)
    y, x = np.indices((20, 24)) * 2 * np.pi / np.array([20, 24])[:, None, None]
    phi = np.sin(y) * np.cos(2 * x)
    parts = clebsch(grid.gradient(phi), SPACING)
    assert parts.iterations == 0
    assert not parts.psi.any()
    assert parts.residual_fraction < 1e-25
    np.testing.assert_allclose(parts.phi, phi, atol=1e-12)
    assert clebsch(np.zeros((2, 6, 6)), SPACING).residual_fraction == 0


def test_a_measured_traction_field_is_almost_one_product(shared_data):
    """As the authors report of their network: grad(phi) adds little."""
    frame = np.load(shared_data / "real/paper_format/cell_1/frame_5.npy")
    traction, mask = frame[[3, 2]], frame[4] > 0
    parts = clebsch(traction, 0.44, mask)
    assert parts.residual_fraction < 0.02
    assert np.sum(parts.grad_phi**2) < 0.3 * np.sum(masked(traction, mask) ** 2)


# Bad input


def test_bad_input_is_refused_in_words():
    field, mask = np.ones((2, 6, 7)), np.ones((6, 7), bool)
    holed = field.copy()
    holed[0, 2, 3] = np.nan
    for decompose in (helmholtz, clebsch):
        with pytest.raises(CellForceError, match="missing"):
            decompose(holed, SPACING)
        with pytest.raises(CellForceError, match="missing"):
            decompose(holed, SPACING, mask)
        with pytest.raises(CellForceError, match="mask is empty"):
            decompose(field, SPACING, np.zeros((6, 7), bool))
        with pytest.raises(CellForceError, match="positive"):
            decompose(field, 0.0)
        with pytest.raises(CellForceError, match="square"):
            decompose(field, (0.1, 0.2), mask)
        with pytest.raises(ValueError, match="shape"):
            decompose(field, SPACING, mask[:5])
    for setting in ({"smoothness": 0.0}, {"gradient_weight": 1.5}, {"iterations": 0}):
        with pytest.raises(CellForceError, match="defaults"):
            clebsch(field, SPACING, **setting)
    with pytest.raises(ValueError, match="axes"):
        clebsch(field[None], SPACING)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 2), (5, 4)])
def test_the_smallest_fields_are_taken_apart_without_a_warning(rng, shape):
    field = rng.normal(size=(2, *shape))
    for mask in (None, np.ones(shape, bool)):
        parts = clebsch(field, SPACING, mask)
        total = parts.grad_phi + parts.psi_grad_chi + parts.residual
        np.testing.assert_allclose(total, field, atol=1e-12)
        assert 0 <= parts.residual_fraction <= 1
