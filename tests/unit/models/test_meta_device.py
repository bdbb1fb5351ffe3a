"""A tensor made on the wrong device shows itself on the meta device, which has no data to copy."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from napari_cellforce.models import registry
from napari_cellforce.models.adhesion_unet import AdhesionUNetConfig
from napari_cellforce.models.bottleneck.config import BottleneckConfig
from napari_cellforce.models.gfnn import GFNNConfig
from napari_cellforce.models.unet import UNetConfig
from napari_cellforce.train.augment import Batch
from napari_cellforce.train.config import LossConfig, TrainConfig
from napari_cellforce.train.lightning_module import step_of

CONFIGS = {
    "physical-bottleneck": [
        BottleneckConfig(),
        BottleneckConfig(in_channels=3),
        BottleneckConfig(active="field", residual=4),
    ],
    "unet": [UNetConfig(), UNetConfig(in_channels=2)],
    "adhesion-unet": [
        AdhesionUNetConfig(),
        AdhesionUNetConfig(in_channels=3, oriented=True, fine=True, bound=0.5),
        AdhesionUNetConfig(multiplied=False),
    ],
    "gfnn": [
        GFNNConfig(),
        GFNNConfig(haze=(2.0, 8.0)),
        GFNNConfig(in_channels=3),
        GFNNConfig(form="published", size=64),
        GFNNConfig(balance="shared"),
        GFNNConfig(in_channels=2, balance="projected"),
    ],
}
LOSSES = [
    {
        "magnitude": 1.0,
        "correlation": 1.0,
        "balance": 1.0,
        "green": 0.1,
        "magnitude_weight": 0.1,
        "strain_energy": 1.0,
    },
    {"relative": 1.0},
    {"kind": "magnitude_angle", "strain_energy": 1.0},
]
CASES = [(kind, config) for kind, configs in CONFIGS.items() for config in configs]


def losses_of(network):
    """The losses, without the settings that the kind of networks does not have."""
    inapplicable = registry.inapplicable_loss_settings(network, tuple(n for loss in LOSSES for n in loss))
    return [LossConfig(**{name: loss[name] for name in loss.keys() - set(inapplicable)}) for loss in LOSSES]


def test_every_network_is_among_them():
    assert CONFIGS.keys() == {kind.name for kind in registry.networks()}


@pytest.mark.parametrize(("kind", "config"), CASES, ids=[kind for kind, _ in CASES])
def test_networks_run_wholly_on_the_device_they_are_on(kind, config):
    module = registry.get_network(kind).build(dataclasses.asdict(config)).to("meta").eval()
    result = module(torch.zeros(1, config.in_channels, 64, 64, device="meta"))
    assert result.device.type == "meta"
    assert result.shape == (1, 2, 64, 64)


@pytest.mark.parametrize(("kind", "config"), CASES, ids=[kind for kind, _ in CASES])
def test_losses_are_computed_on_the_device_of_the_network(kind, config):
    """A step forward and backward, with every term of every loss of the kind."""
    network = registry.get_network(kind)
    module = network.build(dataclasses.asdict(config)).to("meta").train()
    planes = torch.zeros(2, config.in_channels, 64, 64, device="meta")
    vectors = planes[:, :1].expand(-1, 2, -1, -1)
    batch = Batch(planes, planes[:, :1], vectors, displacement=vectors)
    inputs = tuple(f"protein {i}" for i in range(config.in_channels))
    runs = [TrainConfig(kind=kind, inputs=inputs, output=loss.kind, loss=loss) for loss in losses_of(network)]
    steps = [step_of(batch, run, epoch) for run in runs for epoch in (0, math.inf)]
    terms = [module.training_step(step).terms for step in steps]
    loss = torch.stack([term for named in terms for term in named.values()]).sum()
    loss.backward()
    assert loss.device.type == "meta"
    assert all(p.grad is None or p.grad.device.type == "meta" for p in module.parameters())
