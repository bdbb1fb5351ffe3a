from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_cellforce.config_io import from_json, from_mapping, to_json
from napari_cellforce.models.checkpoint import load
from napari_cellforce.models.convnext import CellConfig
from napari_cellforce.models.unet import StackConfig, UNet, UNetConfig


def test_the_example_of_the_paper_has_214054_parameters():
    assert sum(p.numel() for p in UNet(UNetConfig()).parameters()) == 214_054


@pytest.mark.parametrize("case", [0, 1], ids=["zyxin", "zyxin and actin"])
def test_it_computes_what_the_authors_code_computes(case, shared_data):
    module = load(shared_data / "cases" / f"unet_case_{case}.pt").module
    known = np.load(shared_data / "cases" / f"unet_case_{case}.npz")
    with torch.inference_mode():
        found = module(torch.from_numpy(known["input_256"])).numpy()
    assert np.abs(found - known["output_256"]).max() < 1e-5 * np.abs(known["output_256"]).max()


def test_dropout_is_off_in_evaluation_and_on_in_training():
    cell = CellConfig(kernel=3, dropout=0.5)
    module = UNet(UNetConfig(levels=1, append=StackConfig(cell=cell)))
    x = torch.rand(1, 1, 16, 16)
    with torch.no_grad():
        assert torch.equal(module.eval()(x), module(x))
        assert not torch.equal(module.train()(x), module(x))


def test_settings_survive_json():
    config = UNetConfig(in_channels=2, levels=2, append=StackConfig(8, 1, CellConfig(expansion=2)))
    again = from_json(UNetConfig, to_json(config))
    assert again == config
    assert isinstance(again.append.cell, CellConfig)


@pytest.mark.parametrize(
    "settings",
    [
        {"levels": 9},
        {"width": 0},
        {"width": "4"},
        {"scale": True},
        {"encoder_cell": {"kernel": 4}},
        {"encoder_cell": {"activation": "exec"}},
        {"append": {"blocks": 10**9}},
    ],
    ids=str,
)
def test_settings_that_make_no_sense_are_refused(settings):
    with pytest.raises(ValueError, match="must be"):
        from_mapping(UNetConfig, settings)


def test_without_levels_it_is_two_stacks():
    config = UNetConfig(levels=0)
    assert config.multiple == 1
    assert UNet(config)(torch.rand(1, 1, 5, 7)).shape == (1, 2, 5, 7)
