"""Ellipses and lines keep their size on any grid."""

from __future__ import annotations

import numpy as np
import pytest

from napari_cellforce.synthetic.rasterise import ellipse, line


@pytest.mark.parametrize("pixel_size", [0.1, 0.34, 0.68])
def test_an_ellipse_covers_its_area_wherever_it_lies_on_the_grid(pixel_size: float) -> None:
    for shift in (0.0, 0.13, 0.31):
        centre = np.array([20.0 + shift, 20.0 - shift])
        _, cover = ellipse((600, 600), pixel_size, centre, 6.0, 2.0, 0.6)
        assert cover.sum() * pixel_size**2 == pytest.approx(np.pi / 4 * 12.0, rel=0.1)


def test_an_ellipse_points_along_its_angle() -> None:
    window, cover = ellipse((200, 200), 0.2, np.array([20.0, 20.0]), 8.0, 1.0, np.pi / 2)
    rows, columns = (np.ptp(np.nonzero(cover)[axis]) for axis in (0, 1))
    assert rows > 5 * columns
    assert window[0].start < 100 < window[0].stop


def test_a_line_is_as_wide_as_asked_and_ends_at_its_ends() -> None:
    ends = np.array([20.0, 5.0]), np.array([20.0, 35.0])
    window, profile = line((400, 400), 0.1, ends, width=2.0)
    across = profile[:, profile.shape[1] // 2]
    assert (across > 0.5).sum() * 0.1 == pytest.approx(2.0, abs=0.15)
    assert profile.max() == pytest.approx(1.0)
    assert window[1].start * 0.1 < 5.0 < 35.0 < window[1].stop * 0.1


def test_a_line_thinner_than_a_pixel_is_as_bright_in_total() -> None:
    ends = np.array([20.0, 5.0]), np.array([20.0, 35.0])
    sums = [line((400, 400), px, ends, width=0.3)[1].sum() * px**2 for px in (0.1, 0.68)]
    assert sums[1] == pytest.approx(sums[0], rel=0.1)


def test_what_lies_beyond_the_image_is_cut_off() -> None:
    window, cover = ellipse((20, 20), 1.0, np.array([0.0, 10.0]), 10.0, 4.0, np.pi / 2)
    assert window[0].start == 0
    assert cover.shape == (window[0].stop - window[0].start, window[1].stop - window[1].start)
