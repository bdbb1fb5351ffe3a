from __future__ import annotations

import numpy as np
import pytest

from napari_cellforce import metrics
from napari_cellforce.fields import PixelSize

PIXEL = PixelSize(0.5, 0.25)
SHAPE = (40, 60)
EVERYWHERE = np.ones(SHAPE, bool)


def point_forces(*forces: tuple[int, int, float, float]) -> np.ndarray:
    """A field with forces (row, column, F_y, F_x) in nN, each on one pixel: in Pa, 1000 nN/µm² each."""
    field = np.zeros((2, *SHAPE))
    for row, column, fy, fx in forces:
        field[:, row, column] += np.array([fy, fx]) * 1e3 / PIXEL.area
    return field


PINCH = point_forces((10, 5, 0, 4.0), (10, 45, 0, -4.0))
"""Two forces of 4 nN, 40 columns or 10 µm apart, pulling towards each other along x."""


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_a_uniform_field_sums_to_pressure_times_area():
    field = np.empty((2, *SHAPE))
    field[0], field[1] = 300.0, -400.0
    mask = EVERYWHERE.copy()
    mask[:20] = False
    area = 20 * 60 * 0.125
    assert metrics.total_force(field, mask, PIXEL) == pytest.approx(500 * area * 1e-3)
    np.testing.assert_allclose(metrics.net_force(field, mask, PIXEL), np.array([300, -400]) * area * 1e-3)
    assert metrics.mean_traction(field, mask) == pytest.approx(500)


def test_a_contracting_pair_of_forces_has_the_moment_force_times_distance():
    matrix = metrics.moment_matrix(PINCH, EVERYWHERE, PIXEL)
    np.testing.assert_allclose(matrix, [[0, 0], [0, 40]], atol=1e-9)
    assert metrics.contractile_moment(PINCH, EVERYWHERE, PIXEL) == pytest.approx(40)
    assert metrics.contractile_moment(-PINCH, EVERYWHERE, PIXEL) == pytest.approx(-40)
    np.testing.assert_allclose(metrics.net_force(PINCH, EVERYWHERE, PIXEL), 0, atol=1e-12)
    assert metrics.total_force(PINCH, EVERYWHERE, PIXEL) == pytest.approx(8)


def test_the_moment_of_balanced_forces_does_not_depend_on_the_origin():
    lopsided = EVERYWHERE.copy()
    lopsided[12:, 20:] = False
    lopsided[10, 45] = True
    assert metrics.contractile_moment(PINCH, lopsided, PIXEL) == pytest.approx(40)


def test_a_couple_that_only_turns_does_not_contract():
    couple = point_forces((10, 5, 1.0, 0), (10, 45, -1.0, 0))
    assert metrics.contractile_moment(couple, EVERYWHERE, PIXEL) == pytest.approx(0, abs=1e-12)


def test_the_principal_axis_points_along_an_oblique_pair():
    # 8 rows of 0.5 µm and 12 columns of 0.25 µm: a triangle of 3, 4 and 5 µm.
    along = np.array([4, 3]) / 5
    oblique = point_forces((10, 20, *(2 * along)), (18, 32, *(-2 * along)))
    moments, axes = metrics.principal_axes(metrics.moment_matrix(oblique, EVERYWHERE, PIXEL))
    np.testing.assert_allclose(moments, [10, 0], atol=1e-9)
    assert abs(axes[0] @ along) == pytest.approx(1)
    assert axes[1] @ along == pytest.approx(0, abs=1e-9)


def test_the_energy_of_springs_is_half_force_times_way():
    displacement = np.zeros((2, *SHAPE))
    displacement[1, 10, 5], displacement[1, 10, 45] = 0.3, -0.3
    # 4 nN over 0.3 µm, twice: nN µm = 1e-15 J = fJ.
    energy = metrics.strain_energy(PINCH, displacement, EVERYWHERE, PIXEL)
    assert energy == pytest.approx(2 * 4 * 0.3 / 2)


def test_only_the_mask_counts_even_beside_nans():
    field = PINCH.copy()
    field[:, 0, 0] = np.nan
    mask = EVERYWHERE.copy()
    mask[0, 0] = False
    assert metrics.total_force(field, mask, PIXEL) == pytest.approx(8)
    assert metrics.contractile_moment(field, mask, PIXEL) == pytest.approx(40)


def test_movies_give_one_number_a_frame_with_one_mask_or_many(rng):
    movie, reference = rng.normal(size=(2, 3, 2, *SHAPE))
    many = rng.uniform(size=(3, *SHAPE)) > 0.3
    measures = [
        lambda f, _, m: metrics.total_force(f, m, PIXEL),
        lambda f, _, m: metrics.net_force(f, m, PIXEL),
        lambda f, _, m: metrics.moment_matrix(f, m, PIXEL),
        lambda f, _, m: metrics.contractile_moment(f, m, PIXEL),
        lambda f, r, m: metrics.strain_energy(f, r, m, PIXEL),
        lambda f, _, m: metrics.percentile_traction(f, m, 95),
        lambda f, r, m: metrics.pearson(f, r, m),
        lambda f, r, m: metrics.angle_error(f, r, m, 0.5),
        lambda f, r, m: metrics.mean_squared_error(f, r, m),
        lambda f, r, m: metrics.r_squared(f, r, m),
    ]
    for measure in measures:
        for masks in (many, np.broadcast_to(many[0], many.shape)):
            expected = [measure(f, r, m) for f, r, m in zip(movie, reference, masks, strict=True)]
            np.testing.assert_allclose(measure(movie, reference, masks), expected)
        single = measure(movie, reference, many[0])
        np.testing.assert_allclose(single, measure(movie, reference, np.broadcast_to(many[0], many.shape)))


def test_percentiles_of_a_ramp():
    ramp = np.zeros((2, *SHAPE))
    ramp[0] = np.arange(SHAPE[0] * SHAPE[1]).reshape(SHAPE)
    assert metrics.percentile_traction(ramp, EVERYWHERE, 95) == pytest.approx(0.95 * 2399)
    assert metrics.percentile_traction(ramp, EVERYWHERE, 100) == 2399


def test_comparing_a_field_with_itself_and_with_a_turned_and_stretched_copy(rng):
    reference = rng.normal(size=(2, *SHAPE))
    angle = np.radians(25)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turned = 2 * np.einsum("ij,jyx->iyx", turn, reference)
    assert metrics.pearson(turned, reference, EVERYWHERE) == pytest.approx(1)
    assert metrics.angle_error(turned, reference, EVERYWHERE) == pytest.approx(25)
    assert metrics.r_squared(reference, reference, EVERYWHERE) == 1
    shifted = reference + np.array([3, 4])[:, None, None]
    assert metrics.mean_squared_error(shifted, reference, EVERYWHERE) == pytest.approx(12.5)
    assert metrics.best_scale(reference / 7, reference, EVERYWHERE) == pytest.approx(7)
    assert metrics.best_scale(turned, reference, EVERYWHERE) == pytest.approx(np.cos(angle) / 2)


def test_angles_are_compared_where_the_reference_is_strong_and_wrap_round():
    reference = np.zeros((2, *SHAPE))
    reference[1] = -0.1
    reference[:, 3, 4] = 0.1, -5
    predicted = np.zeros((2, *SHAPE))
    predicted[1] = 1
    predicted[:, 3, 4] = -0.1, -5
    expected = 2 * np.degrees(np.arctan2(0.1, 5))
    assert metrics.angle_error(predicted, reference, EVERYWHERE, 1.0) == pytest.approx(expected)


def test_predicting_nothing_is_no_better_than_guessing_the_direction():
    zero = np.zeros((2, *SHAPE))
    assert metrics.angle_error(zero, PINCH, EVERYWHERE) == 90
    assert np.isnan(metrics.pearson(zero, PINCH, EVERYWHERE))


def test_the_mean_vector_explains_nothing(rng):
    reference = rng.normal(size=(2, *SHAPE)) + 3
    mean = np.broadcast_to(reference.mean((1, 2), keepdims=True), reference.shape)
    assert metrics.r_squared(mean, reference, EVERYWHERE) == pytest.approx(0, abs=1e-12)


def test_an_empty_mask_sums_to_zero_and_has_no_mean():
    nowhere = np.zeros(SHAPE, bool)
    assert metrics.total_force(PINCH, nowhere, PIXEL) == 0
    assert metrics.contractile_moment(PINCH, nowhere, PIXEL) == 0
    for nothing in (
        metrics.mean_traction(PINCH, nowhere),
        metrics.percentile_traction(PINCH, nowhere, 95),
        metrics.pearson(PINCH, PINCH, nowhere),
        metrics.r_squared(PINCH, PINCH, nowhere),
        metrics.best_scale(PINCH, PINCH, nowhere),
    ):
        assert np.isnan(nothing)


def test_a_scalar_field_is_refused():
    with pytest.raises(ValueError, match=r"\(2, Y, X\)"):
        metrics.total_force(np.zeros(SHAPE), EVERYWHERE, PIXEL)
