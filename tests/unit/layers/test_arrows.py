"""Arrows: averages over blocks, centred on them, drawn where the cell pulls and never too many."""

from __future__ import annotations

import numpy as np
import pytest

from napari_cellforce.fields import X, Y
from napari_cellforce.layers import (
    Arrows,
    ArrowStyle,
    default_spacing,
    reference_length,
    screen_angle,
    smallest_spacing,
)


def one_pull(shape=(20, 40), at=(3, 30), vector=(-6.0, 2.0)) -> np.ndarray:
    """A field of zeros but for one pixel: lopsided, so that a swap of axes or components cannot hide."""
    data = np.zeros((1, 2, *shape), np.float32)
    data[0, :, at[0], at[1]] = vector
    return data


def test_an_arrow_is_the_mean_of_its_block_and_sits_in_its_middle():
    arrows = Arrows.of(one_pull(), spacing=4)
    strongest = np.argmax(np.hypot(*arrows.vectors[0].T))
    np.testing.assert_allclose(arrows.vectors[0, strongest], [-6 / 16, 2 / 16])
    np.testing.assert_allclose(arrows.positions[strongest], [1.5, 29.5], err_msg="rows 0-3, columns 28-31")
    assert arrows.vectors.shape == (1, 5 * 10, 2)


def test_the_middle_of_the_arrow_is_the_middle_of_the_block():
    arrows = Arrows.of(one_pull(), spacing=4)
    data, magnitude, angle = arrows.to_vectors(ArrowStyle(length=2.0))
    assert data.shape == (1, 2, 3), "blocks without force have no arrow"
    start, projection = data[0]
    np.testing.assert_allclose((start + projection / 2)[1:], [1.5, 29.5], rtol=1e-6)
    assert projection[0] == 0, "arrows do not point through time"
    np.testing.assert_allclose(np.hypot(*projection[1:]), 2.0 * 4, rtol=1e-5, err_msg="two spacings long")
    np.testing.assert_allclose(magnitude, np.hypot(6, 2) / 16, rtol=1e-6)
    np.testing.assert_allclose(angle, np.degrees(np.arctan2(6, 2)), rtol=1e-6, err_msg="up on screen")


def test_a_still_image_has_arrows_without_time():
    data, _, _ = Arrows.of(one_pull(), spacing=4).to_vectors(ArrowStyle(), ndim=2)
    assert data.shape == (1, 2, 2)


def test_each_frame_has_its_own_arrows():
    movie = np.concatenate([one_pull(), one_pull(at=(10, 5)), np.zeros((1, 2, 20, 40), np.float32)])
    data, _, _ = Arrows.of(movie, spacing=4).to_vectors(ArrowStyle())
    assert data[:, 0, 0].tolist() == [0, 1], "the third frame is at rest"


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_blocks_without_a_number_have_no_arrow(value):
    """A measured field may have holes, and napari draws no arrow of no length at all."""
    data = one_pull()
    data[0, :, 15, 5] = value
    arrows = Arrows.of(data, spacing=4)
    assert len(arrows.to_vectors(ArrowStyle())[0]) == 1
    assert np.isfinite(arrows.reference)


def test_short_arrows_can_be_left_out():
    field = one_pull() + one_pull(at=(10, 5), vector=(0.0, 1.0))
    arrows = Arrows.of(field, spacing=4)
    assert len(arrows.to_vectors(ArrowStyle())[0]) == 2
    assert len(arrows.to_vectors(ArrowStyle(threshold=0.1))[0]) == 1


@pytest.mark.parametrize("shape", [(960, 960), (65, 64), (1, 700), (3, 2)])
@pytest.mark.parametrize("spacing", [0, 1, 13])
def test_there_are_never_more_than_64_by_64(shape, spacing):
    arrows = Arrows.of(np.ones((1, 2, *shape), np.float32), spacing)
    assert 1 <= arrows.vectors.shape[1] <= 64 * 64
    assert (np.ptp(arrows.positions, axis=0) // arrows.spacing < 64).all()
    np.testing.assert_allclose(arrows.vectors, 1)
    assert (arrows.positions >= 0).all()
    assert (arrows.positions <= np.subtract(shape, 1)).all()


def test_the_usual_spacing_is_legible_and_the_finest_allowed():
    assert smallest_spacing((960, 500)) == 15
    assert default_spacing((960, 500)) == 32
    assert smallest_spacing((20, 30)) == default_spacing((20, 30)) == 1


def test_the_longest_arrow_is_not_the_odd_hot_pixel():
    pulls = np.zeros((2, 1000, 2))
    pulls[0, :, X] = np.linspace(1, 2, 1000)
    pulls[0, 0, Y] = 50
    assert 1.9 < reference_length(pulls) < 2.01
    assert reference_length(np.zeros((4, 2))) == 1.0, "at rest there is nothing to scale by"


def test_one_reference_serves_all_frames_of_a_movie():
    arrows = Arrows.of(one_pull(), spacing=4, reference=10.0)
    data, _, _ = arrows.to_vectors(ArrowStyle(length=1.0))
    np.testing.assert_allclose(np.hypot(*data[0, 1, 1:]), np.hypot(6, 2) / 16 / 10 * 4, rtol=1e-5)


@pytest.mark.parametrize(("y", "x", "angle"), [(0, 1, 0), (-1, 0, 90), (1, 0, -90), (-1, -1, 135)])
def test_angles_are_counter_clockwise_as_seen_on_screen(y, x, angle):
    assert screen_angle(y, x) == pytest.approx(angle)
