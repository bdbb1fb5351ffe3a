"""Probes of a predictor whose answers are known: every pixel pulls as hard as it is bright."""

from __future__ import annotations

import numpy as np
import pytest

from napari_cellforce.errors import CellForceError
from napari_cellforce.explain.probes import Prober, adhesion_at, change_by_distance, fill_hole, find_adhesions
from napari_cellforce.fields import FrameResult, PixelSize
from napari_cellforce.models.record import ModelRecord

PIXEL = PixelSize.square(0.68)
BRIGHT, DIM = (30, 22), (34, 60)


class Tug:
    """Pulls to the right with the brightness."""

    record = ModelRecord("tug", "tug")

    def predict_frame(self, image, mask, _pixel_size):
        traction = np.zeros((2, *mask.shape), np.float32)
        traction[1] = image[0] * mask
        return FrameResult(traction)


@pytest.fixture
def prober():
    y, x = np.indices((64, 84))
    mask = ((y - 32) / 24) ** 2 + ((x - 42) / 34) ** 2 < 1
    spots = {BRIGHT: 4.0, DIM: 2.0}
    z = 0.5 * mask + sum(b * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / 8) for (cy, cx), b in spots.items())
    return Prober.of(Tug(), z[None].astype(np.float32), mask, PIXEL)


def test_adhesions_are_found_the_strongest_first(prober):
    labels = find_adhesions(prober.image[0], prober.mask, PIXEL)
    assert labels[BRIGHT] == 1
    assert labels[DIM] == 2
    assert 20 < np.count_nonzero(labels == 1) < 150


def test_an_adhesion_taken_out_changes_the_force_there_and_nowhere_else(prober):
    adhesion = adhesion_at(find_adhesions(prober.image[0], prober.mask, PIXEL), (28, 24), PIXEL)
    response = prober.without_adhesion(adhesion)
    assert response.change[1][BRIGHT] < -3
    assert abs(response.change[1][DIM]) < 1e-6
    assert response.total < 1
    distance, change = change_by_distance(response.change, adhesion, prober.mask, PIXEL)
    assert change[0] > 0.5
    assert np.nanmax(change[distance > 5]) < 1e-6


def test_what_lies_around_is_carried_into_the_place_of_an_adhesion():
    image = np.full((40, 40), 2.0, np.float32)
    image[18:22, 18:22] = 9
    hole = np.zeros((40, 40), bool)
    hole[17:23, 17:23] = True
    assert np.allclose(fill_hole(image, hole, PIXEL), 2, atol=1e-3)


def test_force_follows_brightness_in_proportion(prober):
    for response in map(prober.with_brightness, (0.5, 1.0, 3.0)):
        assert response.total == pytest.approx(response.value, rel=1e-5)
        assert response.correlation == pytest.approx(1, abs=1e-5)


def test_low_and_high_pass_take_away_opposite_things(prober):
    asked = [way(length) for length in (0.3, 8.0) for way in (prober.low_passed, prober.high_passed)]
    responses = {(r.probe, r.value): r for r in asked}
    assert responses["low pass", 0.3].correlation > 0.99 > responses["low pass", 8.0].correlation
    assert responses["high pass", 8.0].correlation > responses["high pass", 0.3].correlation


def test_a_click_far_from_any_adhesion_is_refused(prober):
    labels = find_adhesions(prober.image[0], prober.mask, PIXEL)
    with pytest.raises(CellForceError, match="µm away"):
        adhesion_at(labels, (32, 42), PIXEL)


def test_an_even_image_has_no_adhesions(prober):
    with pytest.raises(CellForceError, match="no adhesions"):
        find_adhesions(np.zeros_like(prober.image[0]), prober.mask, PIXEL)
