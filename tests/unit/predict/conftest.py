"""A cell that brightens, and a model so simple that its answers are known."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from napari_cellforce.fields import FrameResult, ImageStack, Mask, PixelSize, X, Y
from napari_cellforce.models.record import ModelRecord

PIXEL = PixelSize.square(0.68)
SHAPE = (48, 64)
DARK = 100


class Tug:
    """Every pixel of the cell pulls to the right with the brightness it sees, and up with half of that.

    It keeps what it was shown, so that a test can look.
    """

    def __init__(self, **record: Any) -> None:
        self.record = ModelRecord("tug", "physical-bottleneck", **record)
        self.seen: list[np.ndarray] = []

    def predict_frame(self, image, mask, _pixel_size) -> FrameResult:
        assert image.dtype == np.float32
        assert image.shape[0] == len(self.record.inputs)
        self.seen.append(image)
        traction = np.zeros((2, *mask.shape), np.float32)
        traction[X] = image[0] * mask
        traction[Y] = -traction[X] / 2
        inner = {"brightness": image[0], "residual_x": traction[X]}
        return FrameResult(traction, uncertainty=traction[X] / 10, scalars=inner)


def a_cell() -> np.ndarray:
    """Where the cell is: 20 x 30 pixels, off the middle."""
    mask = np.zeros(SHAPE, bool)
    mask[8:28, 24:54] = True
    return mask


def a_movie(frames: int = 3, **changes: Any) -> ImageStack:
    """A cell on a background of 100 counts: zyxin is 100 above it, then 200, 300 ...; actin is always 50."""
    data = np.full((frames, 2, *SHAPE), DARK, np.uint16)
    for t in range(frames):
        data[t, 0][a_cell()] += 100 * (t + 1)
        data[t, 1][a_cell()] += 50
    return dataclasses.replace(ImageStack(data, ("zyxin", "actin"), PIXEL, 2.0, "cell 7"), **changes)


class Counted:
    """A movie's data that remembers which frames were read."""

    ndim = 4

    def __init__(self, data: np.ndarray) -> None:
        self._data, self.shape, self.dtype = data, data.shape, data.dtype
        self.read: list[int] = []

    def __getitem__(self, index):
        self.read.append(index[0] if isinstance(index, tuple) else index)
        return self._data[index]


@pytest.fixture
def tug() -> Tug:
    return Tug()


@pytest.fixture
def make_tug() -> type[Tug]:
    return Tug


@pytest.fixture
def movie() -> ImageStack:
    return a_movie()


@pytest.fixture
def make_movie() -> Callable[..., ImageStack]:
    return a_movie


@pytest.fixture
def counting_array() -> type[Counted]:
    return Counted


@pytest.fixture
def cell() -> Mask:
    return Mask(a_cell()[None], "drawn")
