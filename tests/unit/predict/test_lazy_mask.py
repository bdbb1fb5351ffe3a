"""The cell that is found automatically: looked for once a frame, in any order, from any thread."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from napari_cellforce.errors import CellForceError
from napari_cellforce.predict import LazyCellMask, PredictConfig, prepare


@pytest.fixture
def wanderer(make_movie):
    """The cell moves 4 pixels to the left a frame; a larger, dimmer one appears from frame 2 on."""
    movie = make_movie(4)
    data = np.full_like(movie.data, 100)
    for t in range(4):
        data[t, :, 8:28, 34 - 4 * t : 54 - 4 * t] = 1000
    data[2:, :, 32:46, 0:60] = 900
    return dataclasses.replace(movie, data=data)


def middle(mask: np.ndarray) -> list[float]:
    return np.argwhere(mask).mean(axis=0).tolist()


def test_it_is_followed_from_the_first_frame_on(wanderer):
    found = LazyCellMask(wanderer)
    assert found.shape == (4, 48, 64)
    for t in range(4):
        assert middle(found[t]) == pytest.approx([17.5, 43.5 - 4 * t], abs=1.5)


def test_every_frame_is_searched_once_whatever_is_asked_for(wanderer, counting_array):
    data = counting_array(wanderer.data)
    found = LazyCellMask(dataclasses.replace(wanderer, data=data))
    assert found.n_computed == 0
    first = found[2]
    assert (found.n_computed, data.read) == (3, [0, 1, 2])
    again = [found[t] for t in (0, 2, 1)]
    assert data.read == [0, 1, 2]
    np.testing.assert_array_equal(again[1], first)
    assert first.dtype == np.bool_


def test_two_threads_may_look_at_once(wanderer, counting_array):
    """The preview looks while the prediction runs."""
    data = counting_array(wanderer.data)
    found = LazyCellMask(dataclasses.replace(wanderer, data=data))
    with ThreadPoolExecutor(4) as threads:
        masks = list(threads.map(found.__getitem__, [3, 1, 3, 0, 2, 3]))
    assert data.read == [0, 1, 2, 3]
    np.testing.assert_array_equal(masks[0], masks[2])


def test_the_prediction_finds_the_cell_once_a_frame(movie, tug, counting_array):
    data = counting_array(movie.data)
    job = prepare(dataclasses.replace(movie, data=data), tug)
    assert len(list(job.run())) == 6
    assert sorted(data.read) == sorted([0, 1, 2] * 3), "to find it, for its brightness, to predict"


def test_a_click_chooses_the_cell(make_movie, tug):
    movie = make_movie(1)
    data = np.full_like(movie.data, 100)
    data[:, :, 5:40, 4:34] = 500
    data[:, :, 10:20, 45:60] = 500
    movie = dataclasses.replace(movie, data=data)
    small = prepare(movie, tug, config=PredictConfig(cell_at=(15, 50))).mask.frame(0)
    assert middle(small) == pytest.approx([14.5, 52], abs=1)
    with pytest.raises(CellForceError, match="no cell at row 2, column 40"):
        prepare(movie, tug, config=PredictConfig(cell_at=(2, 40))).mask.frame(0)


def test_a_frame_in_which_the_cell_is_lost_is_named(wanderer):
    wanderer.data[3] = 100
    wanderer.data[3, :, 40:47, 40:60] = 1000
    found = LazyCellMask(wanderer)
    found[2]
    with pytest.raises(CellForceError, match="frame 3: the cell was lost"):
        found[3]


def test_a_failed_search_can_be_asked_again_and_says_the_same(wanderer):
    """The preview failed; then somebody presses Predict all the same."""
    wanderer.data[1] = 100
    found = LazyCellMask(wanderer)
    for _ in range(2):
        with pytest.raises(CellForceError, match="frame 1"):
            found[1]
