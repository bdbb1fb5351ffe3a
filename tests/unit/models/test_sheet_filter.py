"""A contracting sheet held by what the image shows."""

from __future__ import annotations

import numpy as np
import pytest

from napari_cellforce.errors import CellForceError, CellForceWarning
from napari_cellforce.fields import PixelSize
from napari_cellforce.models.sheet_filter import EXPONENT, PENETRATION, SheetFilter, spring_stiffness
from napari_cellforce.physics.mesh import mesh_cell

PIXEL = PixelSize.square(0.68)


@pytest.fixture
def lopsided_cell() -> tuple[np.ndarray, np.ndarray]:
    """An ellipse with one strong adhesion on the right, and three weak ones: above, below, left."""
    y, x = np.mgrid[:72, :96]
    mask = ((y - 36) / 28) ** 2 + ((x - 48) / 40) ** 2 < 1
    image = np.full((1, 72, 96), 0.3, np.float32)
    for row, column, bright in ((36, 84, 6), (12, 48, 2), (60, 48, 2), (36, 12, 3)):
        image[0] += bright * np.exp(-((y - row) ** 2 + (x - column) ** 2) / 4)
    return image * mask, mask


def test_adhesions_are_pulled_inwards_and_forces_and_moments_cancel(lopsided_cell):
    image, mask = lopsided_cell
    traction = SheetFilter().predict_frame(image, mask, PIXEL).traction.astype(float)
    right, left = traction[:, 30:42, 78:88], traction[:, 30:42, 8:18]
    top, bottom = traction[:, 8:16, 42:54], traction[:, 56:64, 42:54]
    assert right[1].sum() < 0 < left[1].sum()
    assert bottom[0].sum() < 0 < top[0].sum()
    total = np.hypot(*traction).sum()
    assert np.hypot(*traction.sum(axis=(1, 2))) < 1e-5 * total
    y, x = np.indices(mask.shape)
    moment = (y * traction[1] - x * traction[0]).sum()
    assert abs(moment) < 1e-5 * total * 40


def test_the_mean_in_the_cell_is_one_and_nothing_is_outside(lopsided_cell):
    image, mask = lopsided_cell
    result = SheetFilter().predict_frame(image, mask, PIXEL)
    assert np.hypot(*result.traction)[mask].mean() == pytest.approx(1, rel=1e-5)
    assert not result.traction[:, ~mask].any()
    assert result.scalars["Y"].shape == mask.shape


def test_the_hold_penetrates_as_far_as_it_says(lopsided_cell):
    _, mask = lopsided_cell
    mesh = mesh_cell(mask, PIXEL)
    springs = spring_stiffness(mesh, np.where(mask, 1.0 + np.indices(mask.shape)[0], 0.0))
    assert springs.mean() == pytest.approx(2 / PENETRATION**2)
    weak, strong = np.sort(springs)[[5, -5]]
    assert strong / weak > 2**EXPONENT


def test_a_flat_image_has_nothing_to_hold_on_to(lopsided_cell):
    _, mask = lopsided_cell
    with pytest.raises(CellForceError, match="no adhesions"):
        SheetFilter().predict_frame(np.ones((1, 72, 96), np.float32), mask, PIXEL)


def test_a_cell_that_the_frame_cuts_is_solved_with_a_warning(lopsided_cell):
    image, mask = lopsided_cell
    with pytest.warns(CellForceWarning, match="which is an artefact"):
        result = SheetFilter().predict_frame(image[:, :36], mask[:36], PIXEL)
    assert np.hypot(*result.traction)[mask[:36]].mean() == pytest.approx(1, rel=1e-5)
