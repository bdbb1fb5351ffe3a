"""One cell is enough to learn what a prediction is in Pa."""

from __future__ import annotations

import numpy as np
import pytest

from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import FrameResult
from napari_cellforce.models import checkpoint
from napari_cellforce.models.adhesion_unet import AdhesionUNet, AdhesionUNetConfig
from napari_cellforce.models.filters import AdhesionFilter
from napari_cellforce.models.network import lengthened
from napari_cellforce.models.record import ModelRecord
from napari_cellforce.train import finetune_config
from napari_cellforce.train.calibration import calibrate, calibrate_file
from napari_cellforce.train.config import DataConfig
from napari_cellforce.train.initialise import start
from napari_cellforce.zoo import load_predictor


class Tenth:
    """Knows the measured traction and says a tenth of it, less 5 Pa."""

    record = ModelRecord("tenth", "filter", inputs=("zyxin", "mask"))

    def __init__(self, folder):
        frames = (np.load(path) for path in sorted(folder.glob("cell_*/*.npy")))
        self.answers = iter([frame[[3, 2]] for frame in frames])

    def predict_frame(self, image, mask, pixel_size):  # noqa: ARG002 - a predictor takes it
        field = next(self.answers)
        assert np.array_equal(image[1], mask)
        return FrameResult(lengthened(field, 0.1, -5.0))


def test_scale_and_offset_are_found_again(dataset):
    folder = dataset(cells=1, frames=3)
    data = DataConfig((str(folder),), 0.68)
    found = calibrate(Tenth(folder), data, "scale and offset")
    assert found.scale == pytest.approx(10, rel=0.1)
    assert found.r2 > 0.97
    assert (found.cells, found.frames) == (1, 3)
    one = calibrate(Tenth(folder), data)
    assert one.offset == 0
    assert one.r2 > 0.9


def test_no_vector_turns_round_and_nothing_comes_from_nothing():
    field = np.array([3.0, 0.3, 0.0])[None, :, None] * np.array([0.6, 0.8])[:, None, None]
    shifted = lengthened(field.astype(np.float32), 2.0, -1.0)
    assert np.hypot(*shifted).ravel() == pytest.approx([5, 0, 0], abs=1e-6)
    assert shifted[:, 0, 0] == pytest.approx([3, 4])


def test_a_prediction_that_points_the_wrong_way_is_refused(dataset):
    class Backwards(AdhesionFilter):
        def predict_frame(self, image, mask, pixel_size):
            return FrameResult(-super().predict_frame(image, mask, pixel_size).traction)

    with pytest.raises(CellForceError, match="point in the direction of the measured tractions"):
        calibrate(Backwards(), DataConfig((str(dataset(1)),), 0.68))


def test_a_calibrated_model_is_a_new_file_in_pascal(dataset, tmp_path):
    record = ModelRecord("raw", "adhesion-unet", inputs=("zyxin", "mask"), training_data="Nothing.")
    path = checkpoint.save(tmp_path / "raw.safetensors", AdhesionUNet(AdhesionUNetConfig()), record)
    before = path.read_bytes()
    data = DataConfig((str(dataset(1)),), 0.68)
    written, found = calibrate_file(path, data, tmp_path / "mine.safetensors")
    assert path.read_bytes() == before
    mine = checkpoint.load(written)
    assert mine.record.output_unit == "Pa"
    assert "of 1 measured cell " in mine.record.training_data
    again = calibrate_file(written, data, tmp_path / "twice.safetensors")[1]
    assert again.scale == pytest.approx(1, rel=1e-3)
    assert found.scale > 10
    with pytest.raises(CellForceError, match="not overwritten"):
        calibrate_file(path, data, written)


def test_an_offset_is_part_of_the_model_that_is_written(dataset, tmp_path):
    record = ModelRecord("raw", "adhesion-unet", inputs=("zyxin", "mask"))
    path = checkpoint.save(tmp_path / "raw.safetensors", AdhesionUNet(AdhesionUNetConfig()), record)
    data = DataConfig((str(dataset(1)),), 0.68)
    written, found = calibrate_file(path, data, tmp_path / "mine.safetensors", "scale and offset")
    assert found.offset != 0
    assert checkpoint.load(written).record.output_offset == pytest.approx(found.offset)
    again = calibrate(load_predictor(written, device="cpu"), data)
    assert again.scale == pytest.approx(1, rel=0.1)
    assert again.r2 >= found.r2 - 1e-6


def test_a_consensus_is_not_taken_for_its_network(tmp_path):
    """Its weights are those of one of three: with another scale, or trained, it would be something else."""
    data = DataConfig((str(tmp_path),), 0.68)
    with pytest.raises(CellForceError, match="not one network"):
        calibrate_file("consensus-sim", data, tmp_path / "mine.safetensors")
    with pytest.raises(CellForceError, match=r"not one network.*unet-sim"):
        start(finetune_config("consensus-sim"))


def test_an_adapted_model_does_not_boast_with_the_limits_of_another():
    began = start(finetune_config("unet-sim"))
    assert "normalised" not in began.record.limits
    assert "unet-sim" in began.record.limits
