from __future__ import annotations

import numpy as np
import pytest

from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import PixelSize
from napari_cellforce.models.filters import AdhesionFilter
from napari_cellforce.models.record import Predictor


def lopsided_cell(pixel: PixelSize) -> tuple[np.ndarray, np.ndarray]:
    """A cell of 60 x 40 µm with three adhesions: left, right and, dimmer, at the bottom right."""
    rows, columns = round(80 / pixel.y), round(80 / pixel.x)
    y, x = (np.arange(rows) + 0.5)[:, None] * pixel.y, (np.arange(columns) + 0.5) * pixel.x
    mask = ((y - 40) / 20) ** 2 + ((x - 40) / 30) ** 2 < 1
    image = 0.3 * mask.astype(float)
    for row, column, brightness in [(40, 15, 3.0), (38, 65, 3.0), (55, 50, 1.0)]:
        image += brightness * np.exp(-(((y - row) / 1.0) ** 2) - ((x - column) / 2.5) ** 2)
    return image[None].astype(np.float32), mask


@pytest.fixture(params=[PixelSize.square(0.34), PixelSize.square(0.68)], ids=["0.34 µm", "0.68 µm"])
def pixel(request) -> PixelSize:
    return request.param


def test_adhesions_pull_inwards_and_balance(pixel):
    image, mask = lopsided_cell(pixel)
    traction = AdhesionFilter().predict_frame(image, mask, pixel).traction
    at_left = traction[:, round(40 / pixel.y), round(15 / pixel.x)]
    at_bottom = traction[:, round(55 / pixel.y), round(50 / pixel.x)]
    assert at_left[1] > 5 * abs(at_left[0])
    assert at_bottom[0] < 0
    magnitude = np.hypot(*traction)
    assert np.abs(traction.sum((1, 2), dtype=float)).max() < 1e-6 * magnitude.sum()
    assert magnitude[mask].mean() == pytest.approx(1, rel=1e-5)
    assert not magnitude[~mask].any()


def test_adhesions_stand_out_from_haze(pixel):
    image, mask = lopsided_cell(pixel)
    adhesion = AdhesionFilter().predict_frame(image, mask, pixel).scalars["adhesion"]
    peak = np.unravel_index(adhesion.argmax(), adhesion.shape)
    assert peak[0] * pixel.y == pytest.approx(39, abs=2)
    assert adhesion[round(40 / pixel.y), round(40 / pixel.x)] < 0.02 * adhesion.max()
    # Uniform haze, as of a thicker cell, changes nothing in the middle of it.
    hazy = AdhesionFilter().predict_frame(image + 5 * mask, mask, pixel).scalars["adhesion"]
    centre = np.s_[round(36 / pixel.y) : round(44 / pixel.y), round(30 / pixel.x) : round(50 / pixel.x)]
    np.testing.assert_allclose(hazy[centre], adhesion[centre], atol=1e-4)


def test_the_result_does_not_depend_on_the_pixels():
    fields = []
    for pixel in (PixelSize.square(0.4), PixelSize(0.8, 0.4)):
        image, mask = lopsided_cell(pixel)
        fields.append(AdhesionFilter().predict_frame(image, mask, pixel).traction)
    halved = fields[0].reshape(2, 100, 2, 200).mean(2)
    assert np.corrcoef(halved.ravel(), fields[1].ravel())[0, 1] > 0.99
    np.testing.assert_allclose(np.hypot(*fields[1]).max(), np.hypot(*halved).max(), rtol=0.05)


def test_brightness_of_the_image_does_not_matter():
    pixel = PixelSize.square(0.68)
    image, mask = lopsided_cell(pixel)
    once = AdhesionFilter().predict_frame(image, mask, pixel).traction
    thrice = AdhesionFilter().predict_frame(3 * image, mask, pixel).traction
    np.testing.assert_allclose(thrice, once, atol=1e-5)


@pytest.mark.parametrize("brightness", [0, 0.7, 1e4])
def test_an_image_without_structure_is_refused(brightness):
    mask = np.zeros((50, 50), bool)
    mask[10:40, 10:40] = True
    image = np.full((1, 50, 50), brightness, np.float32)
    with pytest.raises(CellForceError, match="no adhesions"):
        AdhesionFilter().predict_frame(image, mask, PixelSize.square(0.68))


def test_it_is_a_predictor_that_says_what_it_is():
    predictor: Predictor = AdhesionFilter()
    record = predictor.record
    assert (record.name, record.kind, record.output_unit, record.output_scale) == (
        "adhesion-filter",
        "adhesion-filter",
        "normalised",
        1.0,
    )
    assert "untrained" in record.limits
    assert "normalised" in record.limits
