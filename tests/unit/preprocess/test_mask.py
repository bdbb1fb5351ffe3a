from __future__ import annotations

import numpy as np
import pytest
import tifffile

from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import PixelSize
from napari_cellforce.preprocess import mask as masks

PIXEL = PixelSize.square(0.5)
SHAPE = (120, 160)


def disk(y: float, x: float, radius: float) -> np.ndarray:
    rows, columns = np.ogrid[: SHAPE[0], : SHAPE[1]]
    return (rows - y) ** 2 + (columns - x) ** 2 <= radius**2


def camera(*cells: np.ndarray, seed: int = 0) -> np.ndarray:
    """What a camera sees of some cells: an offset of 100 counts, photon noise, 40 photons a pixel of cell."""
    photons = 5 + 40 * np.logical_or.reduce(cells)
    return 100 + np.random.default_rng(seed).poisson(photons)


def overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Intersection over union."""
    return float((a & b).sum() / (a | b).sum())


def within_a_micrometre(found: np.ndarray, cell: np.ndarray) -> bool:
    """Tell whether the edges agree to the width of the smoothing."""
    wide = masks.distance_margin(cell, 1.2, PIXEL)
    core = ~masks.distance_margin(~cell, 1.2, PIXEL)
    return bool(found[core].all() and not found[~wide].any())


BIG = disk(60, 50, 30)
SMALL = disk(60, 130, 15)


def test_the_largest_cell_is_found_in_noise():
    assert within_a_micrometre(masks.find_cell(camera(BIG, SMALL), pixel_size=PIXEL), BIG)


def test_a_click_chooses_the_cell():
    found = masks.find_cell(camera(BIG, SMALL), pixel_size=PIXEL, at=(58.6, 133.1))
    assert within_a_micrometre(found, SMALL)


@pytest.mark.parametrize("at", [(5, 90), (-40, 50), (60, 1000)])
def test_a_click_beside_the_cells_is_refused(at):
    with pytest.raises(CellForceError, match="no cell at row"):
        masks.find_cell(camera(BIG, SMALL), pixel_size=PIXEL, at=at)


def test_a_nucleus_that_excludes_the_protein_belongs_to_the_cell():
    ring = BIG & ~disk(60, 50, 10)
    assert masks.find_cell(camera(ring), pixel_size=PIXEL)[60, 50]


def test_sensitivity_widens_and_narrows():
    rows, columns = np.ogrid[: SHAPE[0], : SHAPE[1]]
    hazy = 100 * np.exp(-((rows - 60) ** 2 + (columns - 80) ** 2) / (2 * 20**2))
    areas = [masks.find_cell(hazy, pixel_size=PIXEL, sensitivity=s).sum() for s in (0.6, 1, 1.6)]
    assert areas[0] < 0.9 * areas[1] < 0.81 * areas[2]


@pytest.mark.parametrize("smooth", [0.3, 1.0, 4.0])
def test_noise_and_flat_images_hold_no_cell(smooth):
    for empty in (camera(np.zeros(SHAPE, bool)), np.full(SHAPE, 7)):
        with pytest.raises(CellForceError, match="no cell is visible") as caught:
            masks.find_cell(empty, pixel_size=PIXEL, smooth=smooth)
        assert caught.value.topic == "mask"


def test_a_sensitivity_that_finds_nothing_or_makes_no_sense_is_said():
    with pytest.raises(CellForceError, match="Raise the sensitivity"):
        masks.find_cell(camera(BIG), pixel_size=PIXEL, sensitivity=0.05)
    with pytest.raises(CellForceError, match="must be positive"):
        masks.find_cell(camera(BIG), pixel_size=PIXEL, sensitivity=0)


@pytest.mark.parametrize("hole", [np.nan, np.inf])
def test_an_image_with_holes_is_told_of_them(hole):
    image = camera(BIG).astype(float)
    image[3, 4] = hole
    with pytest.raises(CellForceError, match="NaN or infinite"):
        masks.find_cell(image, pixel_size=PIXEL)


def test_an_image_smaller_than_any_cell_has_a_wrong_pixel_size():
    """A blur of 1 µm would else be wider than all memory."""
    with pytest.raises(CellForceError, match="less than 1 µm high or wide") as caught:
        masks.find_cell(camera(BIG), pixel_size=PixelSize.square(1e-9))
    assert caught.value.topic == "pixel size"


def test_the_clicked_cell_is_followed_although_another_is_larger():
    crawling = [disk(60, 130 - 2 * t, 15) for t in range(4)]
    movie = (camera(BIG, cell, seed=t) for t, cell in enumerate(crawling))
    found = masks.find_cell_over_time(movie, pixel_size=PIXEL, at=(60, 130))
    for mask, cell in zip(found, crawling, strict=True):
        assert within_a_micrometre(mask, cell)


def test_frames_are_read_one_by_one_and_a_lost_cell_names_its_frame():
    movie = iter([camera(BIG), camera(BIG), camera(disk(60, 140, 15)), camera(BIG)])
    found = masks.find_cell_over_time(movie, pixel_size=PIXEL)
    next(found)
    next(found)
    with pytest.raises(CellForceError, match="frame 2: the cell was lost"):
        next(found)
    assert len(list(movie)) == 1


def test_labels_split_into_cells():
    labels = 3 * BIG + 7 * SMALL
    (first, big), (second, small) = masks.split_cells(labels)
    assert (first, second) == (3, 7)
    np.testing.assert_array_equal(big, BIG)
    np.testing.assert_array_equal(small, SMALL)
    ((label, only),) = masks.split_cells(BIG)
    assert label == 1
    np.testing.assert_array_equal(only, BIG)


def test_a_cell_cut_off_by_the_edge_is_noticed():
    assert not masks.touches_border(BIG)
    assert masks.touches_border(disk(60, 20, 30))
    assert masks.touches_border(disk(100, 80, 30))


def test_the_outline_runs_along_the_edge_and_closes_at_the_border():
    (line,) = masks.outline(BIG)
    np.testing.assert_allclose(np.hypot(*(line - (60, 50)).T), 30, atol=1)
    (cut,) = masks.outline(disk(60, 0, 30))
    np.testing.assert_array_equal(cut[0], cut[-1])


def test_the_margin_is_a_distance_in_micrometres_also_for_oblong_pixels():
    dot = np.zeros((41, 41), bool)
    dot[20, 20] = True
    wide = masks.distance_margin(dot, 3.0, PixelSize(0.3, 0.6))
    assert wide[:, 20].sum() == 21
    assert wide[20].sum() == 11
    assert not masks.distance_margin(np.zeros((5, 5), bool), 3.0, PIXEL).any()


def test_the_automatic_mask_agrees_with_the_published_ones(shared_data):
    real = shared_data / "real"
    zyxin, actin = tifffile.imread(real / "cell_0.ome.tif")
    published = tifffile.imread(real / "cell_0_mask.tif") > 0
    pixel = PixelSize.square(0.3184)
    assert overlap(masks.find_cell(zyxin, pixel_size=pixel), published) > 0.92
    assert overlap(masks.find_cell(actin, pixel_size=pixel), published) > 0.88
    frame = np.load(real / "paper_format/cell_1/frame_5.npy")
    assert overlap(masks.find_cell(frame[6], pixel_size=PixelSize.square(0.44)), frame[4] > 0) > 0.95
