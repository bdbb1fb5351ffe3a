"""The words that everything speaks: pixel sizes, stacks, masks, fields, and how they came about."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest

from napari_cellforce.errors import CellForceError, CellForceWarning
from napari_cellforce.fields import (
    ImageStack,
    Mask,
    PixelSize,
    Provenance,
    ScalarField,
    VectorField,
    X,
    Y,
)

PIXEL = PixelSize.square(0.2)


def movie(frames: int = 3) -> ImageStack:
    """Two channels; every value tells its own place: digits are t, c, y, x."""
    t, c, y, x = np.indices((frames, 2, 4, 5))
    data = (1000 * t + 100 * c + 10 * y + x).astype(np.uint16)
    return ImageStack(data, ("GFP-zyxin", "Actin"), PIXEL, name="cell 7")


def pull_to_the_right_and_a_little_up() -> VectorField:
    data = np.zeros((2, 2, 4, 5), np.float32)
    data[:, Y], data[:, X] = -3, 4
    return VectorField(data, "traction", "Pa", PIXEL)


class TestPixelSize:
    @pytest.mark.parametrize("side", [0, -0.1, math.nan, math.inf])
    def test_a_size_that_is_none_is_refused(self, side):
        with pytest.raises(CellForceError, match="must be a positive number") as caught:
            PixelSize(0.1, side)
        assert caught.value.topic == "pixel size"
        assert "magnification" in caught.value.remedy

    def test_square_pixels_have_one_side(self):
        assert PixelSize.square(0.2).micron == pytest.approx(0.2)
        assert PixelSize(0.2, 0.20001).micron == pytest.approx(0.2, rel=1e-4)
        assert PixelSize(0.2, 0.3).area == pytest.approx(0.06)

    def test_oblong_pixels_have_not(self):
        with pytest.raises(CellForceError, match=r"0\.2 µm high and 0\.3 µm wide") as caught:
            _ = PixelSize(0.2, 0.3).micron
        assert "Fiji" in caught.value.remedy

    def test_what_nobody_knows_says_so(self):
        assert not PixelSize.unknown().known
        assert PixelSize.square(1.0).known, "one µm is a size like any other"


class TestImageStack:
    @pytest.mark.parametrize("which", [1, "1", "Actin", "actin"])
    def test_a_channel_is_found_by_number_or_name(self, which):
        assert movie().channel(which) == 1

    @pytest.mark.parametrize("which", [2, -1, "2", "-1", "²", "", "myosin", "act"])
    def test_a_channel_that_is_not_there_is_answered_with_those_that_are(self, which):
        with pytest.raises(CellForceError, match=r"0: GFP-zyxin, 1: Actin") as caught:
            movie().channel(which)
        assert caught.value.topic == "channel"

    def test_a_name_that_two_channels_have_chooses_neither(self):
        twins = dataclasses.replace(movie(), channel_names=("GFP", "gfp"))
        with pytest.raises(CellForceError, match=r"2 channels are called 'GFP' in .* by its number"):
            twins.channel("GFP")
        assert twins.channel("1") == 1

    def test_a_frame_holds_the_channels_in_the_order_asked_for(self):
        frame = movie().frame(2, (1, 0))
        assert frame.dtype == np.float32
        assert frame[:, 3, 4].tolist() == [2134, 2034]
        np.testing.assert_array_equal(movie().frame(2), frame[::-1])

    def test_it_knows_its_size(self):
        assert (movie().n_frames, movie().shape) == (3, (4, 5))

    def test_names_and_channels_must_agree(self):
        with pytest.raises(ValueError, match="1 channel names for 2 channels"):
            ImageStack(movie().data, ("zyxin",))

    def test_other_axes_are_a_mistake_of_the_program(self):
        with pytest.raises(ValueError, match=r"\(T, C, Y, X\)"):
            ImageStack(np.zeros((4, 5)), ("zyxin",))


class TestMask:
    def test_one_mask_stands_for_all_frames(self):
        mask = Mask(np.eye(4, dtype=np.uint8)[None])
        assert mask.frame(17).dtype == np.bool_
        np.testing.assert_array_equal(mask.frame(17), np.eye(4, dtype=bool))

    def test_each_frame_has_its_own(self):
        masks = np.zeros((2, 4, 4), bool)
        masks[1, 0, 3] = True
        assert [Mask(masks).frame(t).sum() for t in (0, 1)] == [0, 1]


class TestVectorField:
    def test_the_length_is_that_of_both_components(self):
        np.testing.assert_allclose(pull_to_the_right_and_a_little_up().magnitude(), 5)

    def test_channels_are_named_y_first_with_their_unit(self):
        field = pull_to_the_right_and_a_little_up()
        assert field.channel_names == ("traction_y [Pa]", "traction_x [Pa]")
        moved = dataclasses.replace(field, quantity="displacement", unit="µm")
        assert moved.channel_names == ("displacement_y [µm]", "displacement_x [µm]")

    def test_frames_are_counted_unless_they_are_known(self):
        field = pull_to_the_right_and_a_little_up()
        assert field.frames == (0, 1)
        assert dataclasses.replace(field, frames=(4, 9)).frames == (4, 9)

    @pytest.mark.parametrize("shape", [(2, 4, 5), (1, 3, 4, 5)])
    def test_other_axes_are_a_mistake_of_the_program(self, shape):
        with pytest.raises(ValueError, match=r"shape|components"):
            VectorField(np.zeros(shape, np.float32), "traction", "Pa", PIXEL)


def test_a_scalar_field_has_time_y_and_x():
    with pytest.raises(ValueError, match=r"\(T, Y, X\)"):
        ScalarField(np.zeros((4, 5)), "phi", "", PIXEL)


class TestProvenance:
    def test_it_survives_writing_and_reading(self):
        made = Provenance(
            model="gfnn", settings={"channels": ["Zyxin µ"], "calibration": None}, input_file="/a/b.tif"
        )
        assert Provenance.from_json(made.to_json()) == made

    def test_what_a_later_version_adds_is_kept_and_reported(self):
        later = json.loads(Provenance(model="gfnn").to_json()) | {"mood": "good"}
        with pytest.warns(CellForceWarning, match="mood"):
            read = Provenance.from_json(json.dumps(later))
        assert read.model == "gfnn"
        assert json.loads(read.to_json()) == later
