"""Settings survive being written and read, and say by name what is wrong with them."""

from __future__ import annotations

import json

import pytest
import yaml

from napari_cellforce.config_io import from_mapping, read_settings
from napari_cellforce.errors import CellForceError
from napari_cellforce.train.config import DataConfig, LossConfig, TrainConfig


@pytest.mark.parametrize("ending", ["yaml", "json"])
def test_settings_come_back_as_they_were_written(tmp_path, ending):
    config = TrainConfig(
        name="mine",
        inputs=("zyxin", "actin", "mask"),
        data=DataConfig(sources=("a", "b"), ranges={"shape.aspect": (1.0, 3.0)}),
        loss=LossConfig(balance=0.5),
    )
    values = json.loads(config.to_json())
    path = tmp_path / f"run.{ending}"
    path.write_text(yaml.safe_dump(values) if ending == "yaml" else json.dumps(values))
    read = read_settings(path, TrainConfig)
    assert json.loads(read.to_json()) == values
    assert read.loss == config.loss
    assert read.proteins == ("zyxin", "actin")


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"optimise": {"learning_rat": 1}}, "optimise.learning_rat"),
        ({"colour": "red"}, "colour"),
        ({"optimise": {"epochs": "many"}}, "optimise.epochs"),
        ({"optimise": {"epochs": 0}}, "epochs is 0"),
        ({"trainable": "tail"}, "tail"),
        ({"loss": 3}, "loss"),
        ({"augment": {"rotate": 1}}, "augment.rotate"),
        ({"inputs": []}, "inputs"),
        ({"kind": "resnet"}, "kind of network is 'resnet'"),
        ({"loss": {"kind": "vectors"}}, "loss.kind is 'vectors'"),
        ({"data": {"target": "exactly"}}, "data.target is 'exactly'"),
        ({"architecture": {"widht": 3}}, "architecture.widht"),
        ({"kind": "physical-bottleneck", "architecture": {"balance": "shared"}}, "architecture.balance"),
        ({"kind": "physical-bottleneck", "loss": {"balance": 0.5}}, "loss.balance is 0.5"),
        ({"kind": "physical-bottleneck", "loss": {"kind": "magnitude_angle"}}, "loss.kind"),
        ({"kind": "unet", "loss": {"green": 0.1}}, "loss.green"),
    ],
)
def test_what_is_wrong_is_named(values, named):
    with pytest.raises(CellForceError, match=named):
        from_mapping(TrainConfig, values)


@pytest.mark.parametrize("text", ["[1, 2", "just words", "- a list"])
def test_a_file_that_holds_no_settings_is_refused(tmp_path, text):
    path = tmp_path / "run.yaml"
    path.write_text(text)
    with pytest.raises(CellForceError, match=r"run\.yaml"):
        read_settings(path, TrainConfig)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CellForceError, match="nowhere"):
        read_settings(tmp_path / "nowhere.yaml", TrainConfig)
