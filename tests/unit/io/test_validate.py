"""What cannot be predicted from is refused before the model sees it."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from napari_cellforce import io
from napari_cellforce.errors import CellForceError, CellForceWarning
from napari_cellforce.fields import PixelSize


def image() -> np.ndarray:
    return np.random.default_rng(0).random((2, 6, 9)).astype(np.float32)


def test_a_frame_with_structure_passes():
    io.check_frame(image(), "cell 7", 3)
    io.check_frame((image() * 1000).astype(np.uint16), "cell 7", 3)


@pytest.mark.parametrize(("bad", "count"), [([np.nan], 1), ([np.inf, -np.inf, np.nan], 3)])
def test_values_that_are_no_numbers_are_counted(bad, count):
    broken = image()
    broken[1, 2, : len(bad)] = bad
    with pytest.raises(CellForceError) as caught:
        io.check_frame(broken, "cell 7", 3)
    assert f"frame 3 of cell 7 has {count} pixels" in caught.value.value
    assert caught.value.rule
    assert "Remove NaNs" in caught.value.remedy


def test_a_constant_channel_is_named():
    blank = image()
    blank[1] = 100
    with pytest.raises(CellForceError, match="channel 1 of frame 3 of cell 7 is 100 everywhere"):
        io.check_frame(blank, "cell 7", 3)


def test_a_missing_pixel_size_is_asked_for():
    with pytest.raises(CellForceError) as caught:
        io.check_pixel_size(None, 0.68)
    assert str(caught.value).startswith("The image has no pixel size: traction depends on it. Type it in")
    assert "6.5 µm camera pixel it is about 0.11 µm" in str(caught.value)
    assert caught.value.topic == "pixel size"


@pytest.mark.parametrize("micron", [0.137, 0.68, 3.39])
def test_a_pixel_size_near_the_models_passes(micron):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert io.check_pixel_size(PixelSize.square(micron), 0.68).micron == pytest.approx(micron)


@pytest.mark.parametrize("micron", [0.068, 6.8])
def test_a_pixel_size_ten_times_off_is_warned_of(micron):
    with pytest.warns(CellForceWarning, match="10 times apart"):
        io.check_pixel_size(PixelSize.square(micron), 0.68)
