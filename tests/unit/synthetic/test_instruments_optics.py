"""The microscope blurs by its point spread function; the camera adds the noise of its electrons."""

from __future__ import annotations

import numpy as np
import pytest

from napari_cellforce.synthetic import Camera, Optics


def test_a_point_becomes_as_wide_as_the_point_spread_function() -> None:
    point = np.zeros((61, 61))
    point[30, 30] = 1.0
    spot = Optics(psf=0.5).blur(point, pixel_size=0.1)
    y = 0.1 * (np.arange(61) - 30)
    assert np.sqrt((spot.sum(axis=1) * y**2).sum()) == pytest.approx(0.5, rel=0.02)
    assert spot.sum() == pytest.approx(1.0)


def test_the_noise_is_that_of_electrons_counted_with_gain() -> None:
    camera = Camera(exposure=200.0, background=0.0, gain=2.5, read_noise=4.0, offset=100.0)
    counts = camera.record(np.ones((300, 300)), np.random.default_rng(0)).astype(float)
    assert counts.mean() == pytest.approx(100 + 2.5 * 200, rel=0.005)
    rounding = 1 / 12
    assert counts.var() == pytest.approx(2.5 * (counts.mean() - 100) + 4.0**2 + rounding, rel=0.03)


def test_a_camera_saturates_rather_than_wraps() -> None:
    counts = Camera(exposure=1e6).record(np.ones((2, 2)), np.random.default_rng(0))
    assert (counts == 65535).all()
