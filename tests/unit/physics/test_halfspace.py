"""A gel under tangential tractions: waves, point forces, thin and thick layers, and back again."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import scipy.linalg

from napari_cellforce.errors import CellForceError
from napari_cellforce.physics.halfspace import (
    displacement,
    fttc,
    green_eigenvalues,
    halfspace_kernel,
    periodic_part,
)

YOUNG, POISSON, SPACING = 8000.0, 0.45, 0.5
GRIDS = [(32, 32), (33, 33), (32, 45), (31, 48), (1, 16), (2, 2)]


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def lopsided(rng, shape):
    """Tractions all unlike each other: rough everywhere, larger along y, no symmetry."""
    field = rng.normal(size=(2, *shape)) * np.array([300.0, 80.0])[:, None, None]
    field[0] += 100 * np.linspace(0, 1, shape[1])
    return field


def plane_wave(shape, mode, polarisation):
    """cos(k.r) with `mode` periods along (y, x), along a direction given in (y, x)."""
    y, x = np.indices(shape)
    phase = 2 * np.pi * (mode[0] * y / shape[0] + mode[1] * x / shape[1])
    return np.asarray(polarisation, float)[:, None, None] * np.cos(phase)


@pytest.mark.parametrize("shape", [(64, 64), (63, 48)])
@pytest.mark.parametrize("thickness", [None, 6.0])
def test_a_plane_wave_of_traction_comes_back_scaled_by_its_eigenvalue(shape, thickness):
    mode = (3, -5)
    k = 2 * np.pi * np.array([mode[0] / shape[0], mode[1] / shape[1]]) / SPACING
    length = np.hypot(*k)
    along, across = green_eigenvalues(length, YOUNG, POISSON, thickness)
    for polarisation, eigenvalue in ((k / length, along), ((-k[1] / length, k[0] / length), across)):
        wave = plane_wave(shape, mode, polarisation)
        moved = displacement(wave, SPACING, YOUNG, POISSON, thickness)
        np.testing.assert_allclose(moved, eigenvalue * wave, atol=1e-13 * abs(eigenvalue))


def test_a_half_space_yields_as_boussinesq_and_cerruti_found():
    along, across = green_eigenvalues(2.5, YOUNG, POISSON)
    assert along == pytest.approx(2 * (1 - POISSON**2) / (YOUNG * 2.5), rel=1e-14)
    assert across == pytest.approx(2 * (1 + POISSON) / (YOUNG * 2.5), rel=1e-14)


def layer_by_integration(k, young, poisson, thickness):
    """Longitudinal wave on a layer: the elastic equations in depth, integrated by a matrix exponential.

    State (u along k, w downward, shear stress, normal stress); finite for incompressible gels too.
    """
    shear = young / (2 * (1 + poisson))
    a = poisson / (1 - poisson)
    equations = np.array(
        [
            [0, k, 1 / shear, 0],
            [-a * k, 0, 0, (1 - 2 * poisson) / (2 * shear * (1 - poisson))],
            [2 * shear * k**2 / (1 - poisson), 0, 0, a * k],
            [0, 0, -k, 0],
        ]
    )
    through = scipy.linalg.expm(equations * thickness)
    at_glass = np.linalg.solve(through[2:, 2:], [1.0, 0.0])  # unit shear, no normal stress on the surface
    return through[0, 2:] @ at_glass


@pytest.mark.parametrize("poisson", [-0.5, 0.0, 0.3, 0.45, 0.5])
@pytest.mark.parametrize("depth", [0.05, 0.5, 1.0, 2.0, 4.0])
def test_a_layer_on_glass_yields_as_the_equations_integrated_through_its_depth(depth, poisson):
    young, thickness = 3.0, 1.7
    k = depth / thickness
    along, across = green_eigenvalues(k, young, poisson, thickness)
    assert along == pytest.approx(layer_by_integration(k, young, poisson, thickness), rel=1e-9)
    shear = young / (2 * (1 + poisson))
    antiplane = scipy.linalg.expm(np.array([[0, 1 / shear], [shear * k**2, 0]]) * thickness)
    assert across == pytest.approx(antiplane[0, 1] / antiplane[1, 1], rel=1e-9)


def test_a_thick_layer_is_a_half_space_and_a_thin_one_only_shears(rng):
    field = lopsided(rng, (24, 30))
    field -= field.mean((1, 2), keepdims=True)
    half = displacement(field, SPACING, YOUNG, POISSON)
    errors = [
        np.abs(displacement(field, SPACING, YOUNG, POISSON, h) - half).max() / np.abs(half).max()
        for h in (10, 20, 40, 1e6)
    ]
    assert errors[0] > 100 * errors[1] > 1e4 * errors[2]
    assert errors[3] < 1e-9  # what rounding left of the mean shears 1 m of gel
    h = 1e-4
    sheared = field * h * 2 * (1 + POISSON) / YOUNG
    np.testing.assert_allclose(displacement(field, SPACING, YOUNG, POISSON, h), sheared, rtol=1e-4, atol=1e-8)


def test_a_uniform_traction_shears_a_layer_and_leaves_a_half_space_undefined():
    uniform = np.ones((2, 8, 9)) * np.array([50.0, -20.0])[:, None, None]
    h = 12.0
    sheared = displacement(uniform, SPACING, YOUNG, POISSON, h)
    np.testing.assert_allclose(sheared, uniform * h * 2 * (1 + POISSON) / YOUNG, rtol=1e-13)
    np.testing.assert_allclose(fttc(sheared, SPACING, YOUNG, POISSON, thickness=h), uniform, rtol=1e-12)
    assert np.abs(displacement(uniform, SPACING, YOUNG, POISSON)).max() < 1e-16
    assert np.abs(fttc(uniform, SPACING, YOUNG, POISSON)).max() < 1e-11


@pytest.mark.parametrize("shape", GRIDS)
@pytest.mark.parametrize("thickness", [None, 3.0])
def test_there_and_back_on_every_grid(rng, shape, thickness):
    field = lopsided(rng, shape)
    there = displacement(field, SPACING, YOUNG, POISSON, thickness)
    back = fttc(there, SPACING, YOUNG, POISSON, thickness=thickness)
    lost = field.mean((1, 2), keepdims=True) if thickness is None else 0
    np.testing.assert_allclose(back, field - lost, rtol=1e-10, atol=1e-10 * np.abs(field).max())


@pytest.mark.parametrize("shape", GRIDS)
def test_the_matrix_is_that_of_a_real_symmetric_convolution(rng, shape):
    """The kept half of the spectrum must be half of a Hermitian one, Nyquist lines included."""
    impulse = np.zeros((2, *shape))
    impulse[0, 0, 0] = 1.0
    column = displacement(impulse, SPACING, YOUNG, POISSON)
    spectrum = np.fft.fft2(column[1])
    kernel = halfspace_kernel(shape, SPACING, YOUNG, POISSON)
    np.testing.assert_allclose(spectrum[:, : shape[1] // 2 + 1], kernel.yx, atol=1e-16)


def test_at_the_nyquist_frequency_the_cross_term_is_averaged_over_both_signs():
    kernel = halfspace_kernel((16, 12), SPACING, YOUNG, POISSON)
    assert not kernel.yx[8].any()
    assert not kernel.yx[:, 6].any()
    odd = halfspace_kernel((17, 13), SPACING, YOUNG, POISSON)
    assert odd.yx[1:, 1:].all()
    highest = plane_wave((16, 12), (8, 2), (1.0, 1.0))
    back = fttc(displacement(highest, SPACING, YOUNG, POISSON), SPACING, YOUNG, POISSON)
    np.testing.assert_allclose(back, highest, atol=1e-12)


@pytest.mark.parametrize(("shape", "thickness"), [((32, 32), None), ((31, 44), 4.0)])
def test_reciprocity_and_positive_strain_energy(rng, shape, thickness):
    first, second = lopsided(rng, shape), lopsided(rng, shape)[:, ::-1]
    moved_first = displacement(first, SPACING, YOUNG, POISSON, thickness)
    moved_second = displacement(second, SPACING, YOUNG, POISSON, thickness)
    assert np.vdot(second, moved_first) == pytest.approx(np.vdot(first, moved_second), rel=1e-12)
    assert np.vdot(first, moved_first) > 0
    kernel = halfspace_kernel(shape, SPACING, YOUNG, POISSON, thickness)
    determinant = kernel.yy * kernel.xx - kernel.yx**2
    assert (determinant.ravel()[1:] > 0).all()


def test_a_gel_twice_as_stiff_moves_half_as_far(rng):
    field = lopsided(rng, (16, 20))
    soft = displacement(field, SPACING, YOUNG, POISSON, 7.0)
    np.testing.assert_allclose(displacement(field, SPACING, 2 * YOUNG, POISSON, 7.0), soft / 2, rtol=1e-12)


def test_pulling_along_x_moves_the_gel_along_x_not_y():
    """A force pair along x, off the diagonal: a swap of components or axes would show."""
    pull = np.zeros((2, 40, 60))
    pull[1, 10, 15], pull[1, 10, 40] = 100.0, -100.0
    moved = displacement(pull, SPACING, YOUNG, POISSON)
    assert moved[1, 10, 15] > 0 > moved[1, 10, 40]
    assert np.abs(moved[0]).max() < 0.2 * np.abs(moved[1]).max()
    turned = displacement(pull.transpose(0, 2, 1)[::-1], SPACING, YOUNG, POISSON)
    np.testing.assert_allclose(turned, moved.transpose(0, 2, 1)[::-1], atol=1e-15)


def cerruti(force, y, x):
    """Displacement (y, x) in µm at (y, x) µm from a point force in Pa µm² (Landau & Lifshitz, § 8)."""
    r = np.hypot(y, x)
    projected = (force[0] * y + force[1] * x) / r**2
    factor = (1 + POISSON) / (np.pi * YOUNG * r)
    return factor * np.stack(
        [(1 - POISSON) * f + POISSON * projected * c for f, c in zip(force, (y, x), strict=True)]
    )


def test_two_opposite_pulls_far_away_look_like_point_forces():
    n, width = 96, 1.5
    y, x = np.indices((n, n)).astype(float)
    sites = {(40.0, 44.0): (900.0, -400.0), (52.0, 50.0): (-900.0, 400.0)}
    traction, expected = np.zeros((2, n, n)), np.zeros((2, n, n))
    far = np.ones((n, n), bool)
    for (row, column), force in sites.items():
        blob = np.exp(-((y - row) ** 2 + (x - column) ** 2) / (2 * width**2))
        traction += np.array(force)[:, None, None] * blob / (blob.sum() * SPACING**2)
        far &= np.hypot(y - row, x - column) > 20
        with np.errstate(all="ignore"):
            expected += cerruti(force, (y - row) * SPACING, (x - column) * SPACING)
    ring = far & (np.hypot(y - 46, x - 47) < 40)
    errors = []
    for padding in (0.0, 1.0, 3.0):
        moved = displacement(traction, SPACING, YOUNG, POISSON, padding=padding)
        errors.append(np.abs(moved - expected)[:, ring].max() / np.abs(expected[:, ring]).max())
    assert errors[0] > 3 * errors[1] > 9 * errors[2]
    assert errors[2] < 0.02


def test_padding_keeps_the_shape_and_the_balance(rng):
    field = np.zeros((3, 2, 21, 34))
    field[..., 8:12, 14:20] = rng.normal(size=(3, 2, 4, 6))
    padded = displacement(field, SPACING, YOUNG, POISSON, padding=1.0)
    assert padded.shape == field.shape
    back = fttc(padded, SPACING, YOUNG, POISSON, padding=0.5)
    assert back.shape == field.shape
    assert np.corrcoef(back.ravel(), field.ravel())[0, 1] > 0.9


def test_frames_are_computed_each_on_its_own(rng):
    movie = np.stack([lopsided(rng, (18, 25)) for _ in range(3)])
    together = displacement(movie.astype(np.float32), SPACING, YOUNG, POISSON, workers=2)
    assert together.dtype == np.float64
    for frame, moved in zip(movie.astype(np.float32), together, strict=True):
        np.testing.assert_array_equal(moved, displacement(frame, SPACING, YOUNG, POISSON))


def test_tikhonov_finds_the_least_squares_solution(rng):
    """On a tiny grid: minimise |G t - u|² + lambda² |t|² by a dense solver."""
    shape, regularisation = (4, 5), 2e-5
    moved = rng.normal(size=(2, *shape))
    columns = [
        displacement(unit.reshape(2, *shape), SPACING, YOUNG, POISSON, 2.0).ravel() for unit in np.eye(40)
    ]
    green = np.array(columns).T
    stacked = np.vstack([green, regularisation * np.eye(40)])
    best = np.linalg.lstsq(stacked, np.concatenate([moved.ravel(), np.zeros(40)]), rcond=None)[0]
    found = fttc(moved, SPACING, YOUNG, POISSON, regularisation, 2.0)
    np.testing.assert_allclose(found.ravel(), best, rtol=1e-9, atol=1e-9 * np.abs(best).max())


def test_regularisation_damps_noise(rng):
    clean = plane_wave((48, 48), (2, 1), (300.0, 100.0))
    noisy = displacement(clean, SPACING, YOUNG, POISSON) + rng.normal(scale=0.01, size=clean.shape)
    typical = green_eigenvalues(2 * np.pi * 2 / 24, YOUNG, POISSON)[0]
    tractions = (fttc(noisy, SPACING, YOUNG, POISSON, part * typical) for part in (0.0, 0.2, 20.0))
    errors = [np.abs(traction - clean).mean() for traction in tractions]
    assert errors[1] < errors[0] / 2
    assert errors[1] < errors[2] / 2


def test_the_kernel_is_kept():
    assert halfspace_kernel((20, 30), 1.0, YOUNG, 0.5) is halfspace_kernel((20, 30), 1, YOUNG, 0.5)
    kernel = halfspace_kernel((20, 30), 1.0, YOUNG, 0.5)
    assert kernel.inverse(1e-4) is kernel.inverse(1e-4)


def test_a_kernel_refuses_the_field_of_another_grid():
    """One column more has as many waves: unnoticed, it would give wrong numbers."""
    kernel = halfspace_kernel((8, 8), 0.5, 8000.0, 0.5)
    with pytest.raises(ValueError, match=r"2, 8, 8.*2, 8, 9"):
        kernel.displacement(np.ones((2, 8, 9)))


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"poisson": 0.51}, "at most 0.5"),
        ({"poisson": -1.0}, "greater than -1"),
        ({"poisson": float("nan")}, "greater than -1"),
        ({"young": 0.0}, "positive"),
        ({"young": -5.0}, "positive"),
        ({"thickness": 0.0}, "positive"),
        ({"thickness": float("inf")}, "positive"),
        ({"spacing": -0.1}, "positive"),
        ({"spacing": (0.1, 0.2)}, "square"),
        ({"padding": -1.0}, "0 or a positive number"),
    ],
)
def test_impossible_gels_are_refused_in_words(change, rule):
    settings = {"spacing": SPACING, "young": YOUNG, "poisson": POISSON} | change
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for transform in (displacement, fttc):
            with pytest.raises(CellForceError, match=rule):
                transform(np.ones((2, 4, 4)), **settings)


def test_gaps_and_a_negative_regularisation_are_refused_in_words():
    holed = np.zeros((2, 6, 6))
    holed[0, 1, 1] = np.nan
    with pytest.raises(CellForceError, match="1 missing"):
        fttc(holed, SPACING, YOUNG, POISSON)
    with pytest.raises(CellForceError, match="regularisation is -1"):
        fttc(np.zeros((2, 6, 6)), SPACING, YOUNG, POISSON, -1.0)
    with pytest.raises(ValueError, match="axes"):
        displacement(np.zeros((3, 6, 6)), SPACING, YOUNG, POISSON)


@pytest.mark.parametrize("shape", [(60, 60), (61, 90), (75, 64)])
def test_a_cell_near_the_border_gets_no_bright_frame(shape):
    """The gel moves beyond the image, too: half of the error outside the cell is the jump at the border."""
    whole = (240, 240)
    y, x = (np.indices(whole) - 120) * 0.8
    spots = [np.exp(-(y**2 + (x - at) ** 2) / (2 * 2.0**2)) for at in (-15, 15)]
    traction = 800 * np.stack([0 * x, spots[0] - spots[1]])
    seen = np.s_[:, 120 - shape[0] // 2 :, 120 - shape[1] // 2 :]
    moved = displacement(traction, 0.8, YOUNG, POISSON, padding=1)[seen][:, : shape[0], : shape[1]]
    truth = traction[seen][:, : shape[0], : shape[1]]
    outside = np.hypot(*truth) < 1
    errors = [
        np.hypot(*(fttc(field, 0.8, YOUNG, POISSON, 5e-5) - truth))[outside].mean()
        for field in (moved, periodic_part(moved))
    ]
    assert errors[1] < 0.6 * errors[0]


def test_a_field_whose_borders_fit_stays_as_it_is():
    y, x = np.indices((30, 41))
    field = np.stack([np.cos(2 * np.pi * y / 30), np.sin(2 * np.pi * x / 41)])
    fitted = periodic_part(field)
    np.testing.assert_allclose(fitted.mean(axis=(1, 2)), field.mean(axis=(1, 2)), atol=1e-12)
    assert np.abs(fitted - field).max() < 0.15, "only the step from the last row to the first"
