from __future__ import annotations

import numpy as np
import pytest

from napari_cellforce.errors import CellForceError
from napari_cellforce.preprocess.normalise import Baselines, denormalise, measure_baselines, normalise

MASK = np.zeros((20, 30), bool)
MASK[5:12, 8:20] = True


def cell(inside: float, outside: float) -> np.ndarray:
    """One channel: a uniformly bright cell in front of a uniform background."""
    return np.where(MASK, inside, outside)[None].astype(np.float32)


def test_baselines_are_means_over_all_pixels_of_all_frames():
    small = np.zeros_like(MASK)
    small[:2, :2] = True
    frames = [np.concatenate([cell(500, 100), cell(7, 1)]), np.concatenate([cell(300, 200), cell(7, 1)])]
    frames[1][:, small] = 1000
    baselines = measure_baselines(iter(frames), iter([MASK, small]))
    n, rest = MASK.sum(), MASK.size - MASK.sum()
    # Frame 1 holds 4 pixels inside; its cell of 300 counts as outside of the small mask.
    assert baselines.inside[0] == pytest.approx((500 * n + 1000 * 4) / (n + 4))
    assert baselines.outside[0] == pytest.approx(
        (100 * rest + 300 * n + 200 * (rest - 4)) / (rest + MASK.size - 4)
    )
    assert baselines.inside[1] == pytest.approx((7 * n + 1000 * 4) / (n + 4))


def test_background_becomes_zero_and_the_mean_of_the_cell_one():
    noisy = cell(500, 100) + np.random.default_rng(0).uniform(-50, 50, (1, 20, 30)).astype(np.float32)
    baselines = measure_baselines([noisy], [MASK])
    out = normalise(noisy, baselines, "outside_inside")
    assert out.dtype == np.float32
    assert out[0][MASK].mean() == pytest.approx(1, rel=1e-5)
    assert out.min() == 0
    assert out[0][~MASK].mean() < 0.1


def test_the_inverse_gives_counts_back_except_for_what_was_clipped():
    image = cell(500, 100)
    image[0, 0, 0] = 40
    baselines = Baselines((500.0,), (100.0,))
    back = denormalise(normalise(image, baselines, "outside_inside"), baselines, "outside_inside")
    np.testing.assert_allclose(back[0, 1:], image[0, 1:], rtol=1e-6)
    assert back[0, 0, 0] == 100
    np.testing.assert_array_equal(denormalise(image, baselines, "none"), image)
    with pytest.raises(ValueError, match="no inverse"):
        denormalise(image, baselines, "outside_max")


def test_the_other_published_modes_are_relative_to_the_frame():
    image = np.concatenate([cell(500, 150), cell(9, 3)])
    baselines = Baselines((480.0, 9.0), (100.0, 3.0))
    to_max = normalise(image, baselines, "outside_max")
    assert to_max[0].max() == to_max[1].max() == 1
    assert to_max[0].min() == pytest.approx(50 / 400)
    total = normalise(image, baselines, "totally_normalize")
    assert (total[0].min(), total[0].max(), total[1].min(), total[1].max()) == (0, 1, 0, 1)
    np.testing.assert_array_equal(normalise(image, baselines, "none"), image)


def test_shared_baselines_are_those_of_the_first_channel():
    image = np.concatenate([cell(500, 100), cell(900, 100)])
    baselines = Baselines((500.0, 900.0), (100.0, 100.0))
    assert normalise(image, baselines, "outside_inside")[1].max() == pytest.approx(1)
    assert normalise(image, baselines, "outside_inside", shared=True)[1].max() == pytest.approx(2)


def test_a_mask_of_the_background_is_recognised():
    baselines = measure_baselines([cell(500, 100)], [~MASK])
    with pytest.raises(CellForceError, match="100 inside the mask and 500 outside") as caught:
        normalise(cell(500, 100), baselines, "outside_inside")
    assert caught.value.topic == "mask"


@pytest.mark.parametrize(
    ("mask", "said"), [(np.ones_like(MASK), "whole image"), (np.zeros_like(MASK), "empty")]
)
def test_a_mask_with_one_side_only_is_refused(mask, said):
    with pytest.raises(CellForceError, match=said) as caught:
        measure_baselines([cell(500, 100)], [mask])
    assert caught.value.topic == "mask"


def test_a_flat_frame_cannot_be_scaled_to_its_maximum():
    with pytest.raises(CellForceError, match="channel 0"):
        normalise(cell(100, 100), Baselines((1.0,), (0.0,)), "totally_normalize")


def test_programmers_mistakes_are_plain_errors():
    with pytest.raises(ValueError, match="unknown normalisation"):
        normalise(cell(2, 1), Baselines((2.0,), (1.0,)), "standard")
    with pytest.raises(ValueError, match="2 channels for an image of 1"):
        normalise(cell(2, 1), Baselines((2.0, 2.0), (1.0, 1.0)), "outside_inside")
