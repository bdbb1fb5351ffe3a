"""Channel, mask, pixel size and calibration are chosen and checked before the work starts."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from scipy.ndimage import binary_dilation

from napari_cellforce.errors import CellForceError, CellForceWarning
from napari_cellforce.fields import Mask, PixelSize
from napari_cellforce.predict import PredictConfig, prepare


class TestChannels:
    @pytest.mark.parametrize(
        ("names", "inputs", "wanted", "taken"),
        [
            (("GFP-Zyxin", "actin"), ("zyxin",), (), (0,)),
            (("actin", "GFP-Zyxin"), ("zyxin", "actin"), (), (1, 0)),
            (("C0", "C1"), ("zyxin", "actin"), (), (0, 1)),
            (("C0", "C1"), ("zyxin",), (1,), (1,)),
            (("C0", "C1"), ("zyxin", "actin"), ("C1", "0"), (1, 0)),
            (("C0", "C1"), ("zyxin", "mask"), ("C1",), (1,)),
            (("C0", "C1"), ("mask",), (), ()),
        ],
        ids=["by name", "two by name", "by order", "by number", "as asked", "mask is none", "mask only"],
    )
    def test_proteins_are_found_by_name_by_order_or_as_asked(
        self, make_movie, make_tug, names, inputs, wanted, taken
    ):
        job = prepare(
            make_movie(channel_names=names), make_tug(inputs=inputs), config=PredictConfig(channels=wanted)
        )
        assert job.channels == taken

    @pytest.mark.parametrize(
        ("names", "wanted", "words"),
        [
            (("C0", "C1"), (), "has the channels 0: C0, 1: C1"),
            (("zyxin A", "zyxin B"), (), "no channel name identifies it"),
            (("C0", "C1"), ("myosin",), "'myosin' is not in cell 7"),
            (("C0", "C1"), (2,), "channel 2 is not in cell 7"),
            (("C0", "C1"), (0, 1), "2 channels are chosen"),
        ],
        ids=["unnamed", "ambiguous", "not there", "out of range", "too many"],
    )
    def test_it_does_not_guess(self, make_movie, tug, names, wanted, words):
        with pytest.raises(CellForceError, match=words) as caught:
            prepare(make_movie(channel_names=names), tug, config=PredictConfig(channels=wanted))
        assert caught.value.topic == "channel"


class TestPixelSize:
    def test_that_of_the_file_is_taken_unless_another_is_given(self, movie, tug):
        assert prepare(movie, tug).pixel_size == PixelSize.square(0.68)
        assert prepare(movie, tug, pixel_size=PixelSize.square(0.4)).pixel_size.micron == 0.4

    def test_pixels_square_to_a_thousandth_become_square(self, make_movie, tug):
        size = prepare(make_movie(pixel_size=PixelSize(0.68, 0.6804)), tug).pixel_size
        assert size.y == size.x == pytest.approx(0.6802)

    @pytest.mark.parametrize(
        "size", [None, PixelSize.unknown(), PixelSize(0.5, 0.6)], ids=["missing", "unknown", "oblong"]
    )
    def test_it_is_asked_for(self, make_movie, tug, size):
        with pytest.raises(CellForceError) as caught:
            prepare(make_movie(pixel_size=size), tug)
        assert caught.value.topic == "pixel size"

    def test_one_far_off_the_models_is_doubted_and_used(self, movie, tug):
        with pytest.warns(CellForceWarning, match="10 times apart"):
            assert prepare(movie, tug, pixel_size=PixelSize.square(0.068)).pixel_size.micron == 0.068


class TestMask:
    @pytest.mark.parametrize("shape", [(1, 48, 63), (1, 64, 48), (2, 48, 64)])
    def test_a_mask_of_another_image_is_refused(self, movie, tug, shape):
        with pytest.raises(CellForceError, match=f"{shape[0]} frames of {shape[1]} x {shape[2]}") as caught:
            prepare(movie, tug, Mask(np.ones(shape, bool), "drawn"))
        assert "3 frames of 48 x 64" in caught.value.rule
        assert caught.value.topic == "mask"

    def test_without_one_the_cell_is_found(self, movie, tug, cell):
        job = prepare(movie, tug)
        assert job.mask.source == "automatic"
        found, drawn = job.mask.frame(1), cell.frame(1)
        assert found[drawn].all()
        assert not found[~binary_dilation(drawn, iterations=3)].any()


class TestCalibration:
    @pytest.mark.parametrize("pascal", [-267, math.nan, math.inf])
    def test_it_is_a_positive_number(self, movie, tug, pascal):
        with pytest.raises(CellForceError, match="Calibration is"):
            prepare(movie, tug, config=PredictConfig(calibration=pascal))

    def test_a_model_in_pa_needs_none(self, movie, make_tug):
        in_pa = make_tug(output_unit="Pa")
        assert prepare(movie, in_pa).unit == "Pa"
        with pytest.raises(CellForceError, match="already predicts in Pa"):
            prepare(movie, in_pa, config=PredictConfig(calibration=267))


def test_the_result_will_say_how_it_came_about(movie, make_tug, cell, tmp_path):
    path = tmp_path / "cell 7.tif"
    path.write_bytes(b"pixels")
    model = make_tug(sha256="abc", output_scale=0.4)
    job = prepare(
        dataclasses.replace(movie, path=str(path)),
        model,
        cell,
        PixelSize.square(0.5),
        PredictConfig(channels=("zyxin",), calibration=267),
    )
    made = job.provenance()
    assert (made.model, made.model_sha256, made.input_file) == ("tug", "abc", str(path))
    assert made.input_fingerprint["size"] == 6
    assert made.version
    assert made.date == job.started
    expected = {"channels": ["zyxin"], "mask": "drawn", "pixel_size [µm]": 0.5, "pixel_size_source": "typed"}
    assert expected.items() <= made.settings.items()
    assert {
        "calibration": 267,
        "output_scale": 0.4,
        "already_normalised": False,
    }.items() <= made.settings.items()
