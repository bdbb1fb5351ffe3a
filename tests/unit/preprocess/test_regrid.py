from __future__ import annotations

import numpy as np
import pytest

from napari_cellforce.errors import CellForceError
from napari_cellforce.preprocess.regrid import Regrid, Window

RATIOS = [(0.17, 0.68), (0.32, 0.68), (0.44, 0.68), (0.68, 0.68), (0.9, 0.68), (0.68, 0.17)]


def centres(n: int, size: float) -> np.ndarray:
    return (np.arange(n) + 0.5) * size


@pytest.mark.parametrize(("source", "target"), RATIOS)
def test_a_linear_ramp_keeps_its_values_in_micrometres_and_survives_the_way_back(source, target):
    regrid = Regrid((90, 130), source, target)
    ramp = 2 * centres(90, source)[:, None] - 3 * centres(130, source)
    there = regrid.to_model(ramp)
    # A pixel is the mean over its area; where a new pixel's edge cuts it, positions are off by 1/8 at most.
    coarser = max(source / target, target / source)
    atol = (
        2e-4 if coarser.is_integer() or regrid.ratio.is_integer() else 5 * min(source, target) / 8 / coarser
    )
    rows, columns = regrid.target_shape
    expected = 2 * centres(rows, target)[:, None] - 3 * centres(columns, target)
    np.testing.assert_allclose(there[2:-2, 2:-2], expected[2:-2, 2:-2], atol=atol)
    edge = int(np.ceil(2 * max(source, target) / source)) + 1
    back = regrid.to_image(there)
    np.testing.assert_allclose(back[edge:-edge, edge:-edge], ramp[edge:-edge, edge:-edge], atol=atol)


@pytest.mark.parametrize(("source", "target"), RATIOS)
def test_a_blob_stays_where_it_is_and_keeps_its_integral(source, target):
    shape = (140, 160)
    y, x = 0.46 * 140 * source, 0.55 * 160 * source
    width = 3 * max(source, target)
    image = np.exp(
        -((centres(140, source)[:, None] - y) ** 2 + (centres(160, source) - x) ** 2) / (2 * width**2)
    )
    there = Regrid(shape, source, target).to_model(image)
    assert there.sum() * target**2 == pytest.approx(image.sum() * source**2, rel=2e-4)
    rows, columns = there.shape
    found_y = there.sum(1) @ centres(rows, target) / there.sum()
    found_x = there.sum(0) @ centres(columns, target) / there.sum()
    assert abs(found_y - y) < 0.02 * source
    assert abs(found_x - x) < 0.02 * source


def test_whole_ratios_are_block_means_although_068_over_017_is_not_quite_4():
    image = np.random.default_rng(0).normal(size=(2, 96, 64)).astype(np.float32)
    regrid = Regrid((96, 64), 0.17, 0.68)
    assert regrid.target_shape == (24, 16)
    np.testing.assert_allclose(regrid.to_model(image), image.reshape(2, 24, 4, 16, 4).mean((2, 4)), atol=1e-6)


def test_area_averaging_of_noise_keeps_the_sum_when_the_pixels_fill_the_image():
    noise = np.random.default_rng(1).uniform(size=(85, 51))
    coarse = Regrid((85, 51), 0.4, 0.68).to_model(noise)
    assert coarse.shape == (50, 30)
    assert coarse.sum() * 0.68**2 == pytest.approx(noise.sum() * 0.4**2, rel=1e-6)


def test_a_constant_image_stays_constant_in_pixels_that_stick_out():
    coarse = Regrid((10, 11), 0.3, 0.68).to_model(np.full((10, 11), 7.0))
    assert coarse.shape == (5, 5)
    np.testing.assert_allclose(coarse, 7, rtol=1e-6)


def test_equal_pixels_change_nothing_and_share_no_memory():
    image = np.random.default_rng(2).normal(size=(3, 8, 9)).astype(np.float32)
    there = Regrid((8, 9), 0.68, 0.68 * (1 + 1e-9)).to_model(image)
    np.testing.assert_array_equal(there, image)
    assert not np.shares_memory(there, image)


def test_a_nan_blinds_only_the_pixel_that_covers_it():
    image = np.ones((16, 16))
    image[5, 6] = np.nan
    assert np.isnan(Regrid((16, 16), 0.17, 0.68).to_model(image)).sum() == 1


def test_a_mask_covers_what_is_more_than_half_inside():
    mask = np.zeros((8, 8), bool)
    mask[:3, :4] = True
    mask[4:6, :4] = True
    expected = np.array([[True, False], [False, False]])
    np.testing.assert_array_equal(Regrid((8, 8), 0.17, 0.68).mask_to_model(mask), expected)


def test_the_wrong_image_size_is_refused():
    with pytest.raises(ValueError, match="expected"):
        Regrid((8, 8), 0.17, 0.68).to_model(np.zeros((8, 9)))


def cell_at(top: int, bottom: int, left: int, right: int) -> np.ndarray:
    mask = np.zeros((40, 50), bool)
    mask[top:bottom, left:right] = True
    return mask


def test_the_window_is_centred_on_the_cell_with_margin_and_whole_multiples():
    assert Window.around(cell_at(10, 20, 14, 30)) == Window(10, 14, 10, 16)
    assert Window.around(cell_at(10, 20, 14, 30), margin=2) == Window(8, 12, 14, 20)
    assert Window.around(cell_at(10, 20, 14, 30), margin=2, multiple=16) == Window(7, 6, 16, 32)
    assert Window.around(cell_at(10, 20, 14, 30), side=64) == Window(-17, -10, 64, 64)


def test_what_is_cut_out_pastes_back_to_its_place():
    image = np.arange(2 * 40 * 50, dtype=np.float32).reshape(2, 40, 50) + 1
    window = Window(-5, 30, 20, 40)
    piece = window.cut(image)
    assert piece.shape == (2, 20, 40)
    np.testing.assert_array_equal(piece[:, 5:, :20], image[:, :15, 30:])
    assert not piece[:, :5].any()
    assert not piece[:, :, 20:].any()
    back = window.paste(piece, (40, 50))
    np.testing.assert_array_equal(back[:, :15, 30:], image[:, :15, 30:])
    assert not back[:, 15:].any()
    assert not back[:, :, :30].any()


def test_a_window_beside_the_image_is_empty():
    image = np.ones((40, 50))
    assert not Window(-30, 0, 20, 20).cut(image).any()
    assert not Window(45, 60, 20, 20).cut(image).any()


def test_an_empty_mask_has_no_window():
    with pytest.raises(CellForceError, match="mask is empty"):
        Window.around(np.zeros((5, 5), bool))
