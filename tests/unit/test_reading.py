"""A frame is read while napari shows another: what napari hears of dask must not be shared by threads."""

from __future__ import annotations

import dask.array as da
import numpy as np
from dask.callbacks import Callback

from napari_cellforce.fields import ImageStack, to_numpy


def test_what_others_registered_with_dask_is_left_alone():
    heard = []
    movie = da.from_array(np.arange(24.0).reshape(2, 1, 3, 4), chunks=(1, 1, 3, 4))
    with Callback(pretask=lambda *_: heard.append("task")):
        frame = ImageStack(movie, ("zyxin",)).frame(1)
        assert heard == [], "napari's cache fails with a KeyError when two threads tell it of tasks"
        np.asarray(movie[0])
        assert heard, "which dask does by itself"
    np.testing.assert_array_equal(frame, np.arange(12.0, 24.0).reshape(1, 3, 4))


def test_numpy_stays_what_it_is():
    array = np.ones((2, 3), np.float32)
    assert to_numpy(array) is array
    assert to_numpy(array, np.float64).dtype == np.float64
