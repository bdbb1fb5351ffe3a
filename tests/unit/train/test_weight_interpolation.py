"""Fine-tuning begins with the scale, and goes no farther from the start than helps."""

from __future__ import annotations

import pytest
import torch

from napari_cellforce.models.record import ModelRecord
from napari_cellforce.models.unet import UNet, UNetConfig
from napari_cellforce.train.augment import Batch
from napari_cellforce.train.config import TrainConfig
from napari_cellforce.train.weight_interpolation import (
    fit_scale,
    inner_products,
    interpolate,
    interpolate_to_best,
)

CONFIG = TrainConfig(kind="unet", inputs=("zyxin",))


@pytest.fixture
def network() -> UNet:
    torch.manual_seed(0)
    module = UNet(UNetConfig(in_channels=1, width=4, levels=1, scale=2)).eval()
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return module


def measured_by(module: UNet, factor: float) -> Batch:
    """What is measured is what the network says, times a factor."""
    image = torch.rand(2, 1, 32, 32)
    with torch.no_grad():
        return Batch(image, torch.ones_like(image), factor * module(image))


def test_the_scale_is_found_before_anything_else_changes(network):
    batch = measured_by(network, 3.0)
    record = ModelRecord("x", "unet")
    assert fit_scale(network, record, [batch], CONFIG) == pytest.approx(3, rel=1e-3)
    power, overlap, measured = inner_products(network, [batch], CONFIG)
    assert power == pytest.approx(measured, rel=1e-3)
    assert overlap == pytest.approx(measured, rel=1e-3)


def test_a_network_that_points_the_wrong_way_keeps_its_scale(network):
    assert fit_scale(network, ModelRecord("x", "unet"), [measured_by(network, -1.0)], CONFIG) == 1


@pytest.mark.parametrize("wanted", [0.0, 0.5, 1.0])
def test_the_model_is_kept_that_fits_the_cells_kept_aside(network, wanted):
    start = {name: value.clone() for name, value in network.state_dict().items()}
    torch.manual_seed(1)
    end = {n: v + 0.1 * torch.randn_like(v) if v.is_floating_point() else v for n, v in start.items()}
    network.load_state_dict(interpolate(start, end, wanted))
    batch = measured_by(network, 1.0)
    network.load_state_dict(end)
    assert interpolate_to_best(network, start, end, [batch], CONFIG) == wanted
    power, overlap, measured = inner_products(network, [batch], CONFIG)
    assert power - 2 * overlap + measured == pytest.approx(0, abs=1e-6 * measured)
