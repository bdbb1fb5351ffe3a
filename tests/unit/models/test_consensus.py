"""Three that err differently, asked together."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from napari_cellforce.errors import CellForceError, CellForceWarning
from napari_cellforce.fields import FrameResult, PixelSize
from napari_cellforce.models.consensus import DISAGREEMENT, Consensus
from napari_cellforce.models.filters import AdhesionFilter
from napari_cellforce.models.record import ModelRecord
from napari_cellforce.models.sheet_filter import SheetFilter

PIXEL = PixelSize.square(0.68)
STRENGTH = 0.4


class Drawn:
    """Says what the adhesion filter says, turned by a right angle and of another strength."""

    record = ModelRecord("drawn", "adhesion-unet", inputs=("zyxin", "mask"))

    def predict_frame(self, image, mask, pixel_size):
        y, x = AdhesionFilter().predict_frame(image, mask, pixel_size).traction
        return FrameResult(STRENGTH * np.stack([x, -y]))


@pytest.fixture
def cell() -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[:72, :96]
    mask = ((y - 36) / 28) ** 2 + ((x - 48) / 40) ** 2 < 1
    image = np.full((72, 96), 0.3, np.float32)
    for row, column in ((36, 84), (12, 48), (60, 48), (36, 12)):
        image += 3 * np.exp(-((y - row) ** 2 + (x - column) ** 2) / 4)
    return np.stack([image * mask, mask]).astype(np.float32), mask


def test_it_is_the_mean_of_three_in_the_networks_scale(cell):
    image, mask = cell
    result = Consensus(Drawn()).predict_frame(image, mask, PIXEL)
    rules = [rule.predict_frame(image, mask, PIXEL).traction for rule in (AdhesionFilter(), SheetFilter())]
    members = np.stack([Drawn().predict_frame(image, mask, PIXEL).traction, *(STRENGTH * r for r in rules)])
    np.testing.assert_allclose(result.traction, members.mean(axis=0), atol=1e-5)
    spread = np.sqrt(members.var(axis=0).sum(axis=0))
    np.testing.assert_allclose(result.scalars[DISAGREEMENT], spread, atol=1e-5)


def test_its_forces_cancel_as_those_of_its_members_do(cell):
    traction = Consensus(Drawn()).predict_frame(*cell, PIXEL).traction.astype(float)
    assert np.hypot(*traction.sum(axis=(1, 2))) < 1e-5 * np.hypot(*traction).sum()


def test_those_who_say_the_same_do_not_disagree(cell):
    class Same(Drawn):
        def predict_frame(self, image, mask, pixel_size):
            return SheetFilter().predict_frame(image, mask, pixel_size)

    asked = Consensus(Same())
    asked._filters = (SheetFilter(),)
    assert asked.predict_frame(*cell, PIXEL).scalars[DISAGREEMENT].max() < 1e-6


def test_a_cell_that_cannot_be_meshed_is_left_to_the_other_two(cell):
    image, mask = cell
    speck = np.zeros_like(mask)
    speck[30:34, 82:87] = True
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        result = Consensus(Drawn()).predict_frame(image * speck, speck, PIXEL)
    try:
        SheetFilter().predict_frame(image * speck, speck, PIXEL)
    except CellForceError:
        (warning,) = [w for w in told if issubclass(w.category, CellForceWarning)]
        assert "sheet-filter is omitted" in str(warning.message)
    else:
        pytest.fail("this speck should be too small for a mesh")
    assert np.isfinite(result.traction).all()
    assert result.traction.any()


def test_an_image_without_adhesions_is_refused(cell):
    _, mask = cell
    with pytest.raises(CellForceError, match="no adhesions"):
        Consensus(Drawn()).predict_frame(np.ones((2, *mask.shape), np.float32), mask, PIXEL)


def test_it_keeps_the_networks_record_under_its_own_kind():
    record = Consensus(Drawn()).record
    assert (record.kind, record.inputs) == ("consensus", ("zyxin", "mask"))
