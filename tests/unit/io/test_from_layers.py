"""A long movie is read where it lies: a frame when it is asked for, and never copied whole."""

from __future__ import annotations

import dask.array as da
import numpy as np
import pytest

from napari_cellforce.io.from_layers import as_dask


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def test_a_frame_comes_from_the_array_itself(rng):
    movie = rng.random((5, 4, 6))
    lazy = as_dask(movie)
    movie[3] = 7  # what is changed now is read later: nothing was copied
    assert np.all(lazy[3].compute() == 7)
    assert lazy.chunks[0] == (1,) * 5


def test_a_picture_is_a_movie_of_one_frame(rng):
    picture = rng.random((4, 6))
    np.testing.assert_array_equal(as_dask(picture).compute(), picture[None])


def test_dask_keeps_its_chunks():
    chunked = da.zeros((6, 4, 4), chunks=(3, 4, 4))
    assert as_dask(chunked) is chunked
