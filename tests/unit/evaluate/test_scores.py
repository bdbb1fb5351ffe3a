"""Figures of agreement, on fields whose agreement is known."""

from __future__ import annotations

import numpy as np
import pytest

from napari_cellforce.evaluate import cell_table, model_table, score_frame
from napari_cellforce.evaluate.scores import cell_metrics, scale
from napari_cellforce.fields import PixelSize

PIXEL = PixelSize.square(0.5)
MASK = np.zeros((20, 30), bool)
MASK[3:17, 4:26] = True


@pytest.fixture
def measured() -> np.ndarray:
    """Lopsided tractions of some hundred Pa, different in y and x."""
    rng = np.random.default_rng(1)
    return np.stack([rng.normal(50, 200, MASK.shape), rng.normal(-20, 400, MASK.shape)])


def score(predicted, measured, **more):
    return score_frame(
        "model", more.pop("cell", "a"), more.pop("frame", 0), predicted, measured, MASK, PIXEL, **more
    )


def test_a_perfect_prediction_in_other_units_is_perfect_after_one_scale(measured):
    found = cell_metrics([score(measured / 250, measured)], scale([score(measured / 250, measured)]))
    assert scale([score(measured / 250, measured)]) == pytest.approx(250)
    assert found["vector R2"] == pytest.approx(1)
    assert found["|F| correlation"] == pytest.approx(1)
    assert found["angle error [°]"] == pytest.approx(0, abs=1e-6)
    assert found["error [Pa]"] == pytest.approx(0, abs=1e-3)
    assert found["total force error"] == pytest.approx(0, abs=1e-9)


def test_swapped_components_are_found_out(measured):
    found = cell_metrics([score(measured[::-1], measured)], 1.0)
    assert found["|F| correlation"] == pytest.approx(1)
    assert found["angle error [°]"] > 30
    assert found["vector R2"] < 0.5


def test_the_error_at_a_scale_is_that_of_the_scaled_field(measured):
    predicted = measured + np.random.default_rng(2).normal(0, 100, measured.shape)
    inside = np.where(MASK, 1.3 * predicted - measured, 0)
    expected = np.sqrt((inside**2).sum() / (2 * MASK.sum()))
    assert cell_metrics([score(predicted, measured)], 1.3)["error [Pa]"] == pytest.approx(expected)


def test_one_scale_for_all_cells_and_one_for_each(measured):
    strong, weak = score(measured / 100, measured), score(measured / 300, measured, cell="b")
    table = cell_table([strong, weak])
    assert (table["R2, own scale"] > 0.999).all()
    assert table["vector R2"].min() < 0.9
    assert model_table([strong, weak])["cells"].tolist() == [2]


def test_total_force_is_followed_over_time(measured):
    course = [score(measured * k, measured * k, frame=t) for t, k in enumerate((1.0, 0.4, 0.8))]
    assert cell_metrics(course, 1.0)["total force correlation"] == pytest.approx(1)
    assert np.isnan(cell_metrics(course[:2], 1.0)["total force correlation"])


def test_magnitudes_without_directions_have_no_angle_and_no_r2(measured):
    length = np.hypot(*measured)
    found = score(np.stack([np.zeros_like(length), length / 250]), measured, directed=False)
    assert scale([found]) == pytest.approx(250)
    row = cell_metrics([found], 250.0)
    assert row["|F| correlation"] == pytest.approx(1)
    assert np.isnan([row["angle error [°]"], row["vector R2"], row["net / total force"]]).all()


def test_an_honest_uncertainty_covers_what_it_should(measured):
    rng = np.random.default_rng(3)
    deviation = rng.uniform(20, 80, MASK.shape)
    error = rng.normal(0, 1, (2, *MASK.shape)) * deviation / np.sqrt(2)
    honest, bold = (
        cell_metrics([score(measured + error, measured, uncertainty=deviation * k)], 1.0)["coverage"]
        for k in (1, 0.3)
    )
    # Of a vector with equal normal errors in y and x, 1 - exp(-1.96²) = 98 % lie within 1.96 deviations.
    assert honest == pytest.approx(1 - np.exp(-(1.96**2)), abs=0.03)
    assert bold < 0.5


def test_energy_is_compared_with_the_measured_displacement(measured):
    displacement = measured * 1e-3
    found = score(1.1 * measured, measured, displacement=displacement)
    assert cell_metrics([found], 1.0)["strain energy error"] == pytest.approx(0.1)
