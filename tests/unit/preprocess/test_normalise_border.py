"""A movie whose drift was corrected has black borders, which are neither background nor cell."""

from __future__ import annotations

import numpy as np
import pytest

from napari_cellforce.fields import PixelSize
from napari_cellforce.preprocess.mask import find_cell
from napari_cellforce.preprocess.normalise import measure_baselines, recorded_area

SHAPE = (60, 80)
CELL = np.hypot(*(np.indices(SHAPE) - np.array([32, 45])[:, None, None])) < 14


def camera() -> np.ndarray:
    """A dim cell on the offset of a camera."""
    return np.random.default_rng(0).poisson(500 + 150 * CELL).astype(np.float64)


def drifted(image: np.ndarray) -> np.ndarray:
    """Moved down by 7 and left by 3 pixels, and filled with zeros."""
    filled = image.copy()
    filled[:7], filled[:, -3:] = 0, 0
    return filled


def test_a_black_border_is_found_on_every_side():
    assert recorded_area(drifted(camera())) == (slice(7, 60), slice(0, 77))
    assert recorded_area(np.pad(camera(), ((1, 2), (3, 4)))) == (slice(1, 61), slice(3, 83))


@pytest.mark.parametrize(
    "image",
    [
        camera(),
        np.where(CELL, 9.0, 0.0),
        np.zeros(SHAPE),
        np.pad(np.where(CELL, 9.0, 0.0), 5),
        np.zeros((1, 1)),
    ],
    ids=["no border", "clipped at zero", "black", "padded and clipped", "one pixel"],
)
def test_other_zeros_are_background(image):
    assert recorded_area(image) == (slice(0, image.shape[0]), slice(0, image.shape[1]))


def test_the_cell_is_found_beside_a_border_as_without():
    """All that was recorded would else stand out from the border."""
    pixel = PixelSize.square(1.0)
    whole, cut = find_cell(camera(), pixel_size=pixel), find_cell(drifted(camera()), pixel_size=pixel)
    assert (whole & cut).sum() > 0.97 * (whole | cut).sum()


def test_the_border_does_not_darken_the_background():
    (whole,) = measure_baselines([camera()[None]], [CELL]).outside
    (cut,) = measure_baselines([drifted(camera())[None]], [CELL]).outside
    assert cut == pytest.approx(whole, rel=1e-3)
