"""A tensor made on the wrong device shows itself on the meta device, which has no data to copy."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from napari_cellforce.models.bottleneck.config import BottleneckConfig
from napari_cellforce.models.checkpoint import BUILDERS
from napari_cellforce.models.gfnn import GFNNConfig
from napari_cellforce.models.unet import UNetConfig

CONFIGS = {
    "physical-bottleneck": [BottleneckConfig(), BottleneckConfig(in_channels=3)],
    "unet": [UNetConfig(), UNetConfig(in_channels=2)],
    "gfnn": [GFNNConfig(), GFNNConfig(in_channels=2), GFNNConfig(form="published", size=64)],
}
CASES = [(kind, config) for kind, configs in CONFIGS.items() for config in configs]


@pytest.mark.parametrize(("kind", "config"), CASES, ids=[kind for kind, _ in CASES])
def test_networks_run_wholly_on_the_device_they_are_on(kind, config):
    module = BUILDERS[kind](dataclasses.asdict(config)).to("meta").eval()
    result = module(torch.zeros(1, config.in_channels, 64, 64, device="meta"))
    assert result.device.type == "meta"
    assert result.shape == (1, 2, 64, 64)
