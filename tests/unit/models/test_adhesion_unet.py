"""The adhesion U-Net: silent it is the adhesion filter, and whatever it says, forces and moments cancel."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from napari_cellforce.fields import PixelSize
from napari_cellforce.models import checkpoint
from napari_cellforce.models.adhesion_unet import AdhesionUNet, AdhesionUNetConfig
from napari_cellforce.models.checkpoint import LoadedModel
from napari_cellforce.models.field_ops import balanced, blur, long_axes, reflected
from napari_cellforce.models.filters import AdhesionFilter
from napari_cellforce.models.network import NetworkPredictor
from napari_cellforce.models.record import ModelRecord


def cell(side: int = 96) -> tuple[np.ndarray, np.ndarray]:
    """A lopsided cell with a dozen adhesions: zyxin over its mean, and the mask."""
    rng = np.random.default_rng(4)
    y, x = np.indices((side, side)) - side / 2
    mask = (y / 30) ** 2 + ((x + 0.3 * y) / 22) ** 2 < 1
    image = 0.8 * mask
    for _ in range(12):
        angle = rng.uniform(0, 2 * np.pi)
        at = 24 * np.sin(angle), 15 * np.cos(angle)
        image = image + rng.uniform(1, 3) * np.exp(-((y - at[0]) ** 2 + (x - at[1]) ** 2) / 6)
    return (image * mask).astype(np.float32), mask


def loud(config: AdhesionUNetConfig) -> AdhesionUNet:
    """A network that says something: random weights, lived-in batch norms."""
    torch.manual_seed(0)
    module = AdhesionUNet(config)
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    with torch.no_grad():
        module.train()(torch.rand(4, config.in_channels, 64, 64))
    return module.eval()


def shown() -> torch.Tensor:
    image, mask = cell()
    return torch.from_numpy(np.stack([image, mask]).astype(np.float32))[None]


def test_a_silent_network_is_the_adhesion_filter():
    image, mask = cell()
    with torch.no_grad():
        silent = AdhesionUNet(AdhesionUNetConfig(spreads=(2.0,))).eval()(shown())[0].numpy()
    filtered = AdhesionFilter().predict_frame(image[None], mask, PixelSize.square(0.68)).traction
    assert np.corrcoef(silent.ravel(), filtered.ravel())[0, 1] > 0.99


def test_forces_and_moments_cancel_whatever_it_says():
    with torch.no_grad():
        field = loud(AdhesionUNetConfig())(shown())[0].double().numpy()
    y, x = np.indices(field.shape[1:])
    strength = np.hypot(*field).sum()
    assert strength > 1
    assert np.abs(field.sum(axis=(1, 2))).max() < 1e-5 * strength
    assert abs((x * field[0] - y * field[1]).sum()) < 1e-4 * strength * 96


def test_the_long_axis_of_an_adhesion_is_seen_at_any_angle():
    y, x = torch.meshgrid(torch.arange(-20.0, 21), torch.arange(-20.0, 21), indexing="ij")
    for angle in (0.0, 0.4, 1.2, 2.5):
        across = y * np.cos(angle) - x * np.sin(angle)
        along = y * np.sin(angle) + x * np.cos(angle)
        axes = long_axes(torch.exp(-(across**2) / 4 - along**2 / 64)[None, None])[0]
        cos, sin = axes[:, 17:24, 17:24].mean(dim=(1, 2)).tolist()
        assert np.cos(np.arctan2(sin, cos) - 2 * angle) > 0.99
        assert np.hypot(cos, sin) > 0.7


def test_a_dot_and_an_empty_image_have_no_long_axis():
    y, x = torch.meshgrid(torch.arange(-20.0, 21), torch.arange(-20.0, 21), indexing="ij")
    dot = long_axes(torch.exp(-(y**2 + x**2) / 8)[None, None])[0]
    assert torch.linalg.vector_norm(dot[:, 20, 20]) < 0.01
    assert (long_axes(torch.zeros(1, 1, 16, 16)) == 0).all()


def test_a_pull_and_its_mirror_image_at_the_axis_make_a_pull_along_the_axis():
    axes = torch.tensor([np.cos(0.8), np.sin(0.8)], dtype=torch.float32).reshape(1, 2, 1, 1)
    pull = torch.tensor([0.3, -1.0]).reshape(1, 1, 2, 1, 1)
    y, x = (pull + reflected(pull, axes)).flatten().tolist()
    assert np.sin(np.arctan2(y, x) - 0.4) == pytest.approx(0, abs=1e-6)


def test_an_oriented_network_that_is_silent_is_the_adhesion_filter_too():
    image, mask = cell()
    config = AdhesionUNetConfig(spreads=(2.0,), oriented=True, fine=True)
    with torch.no_grad():
        silent = AdhesionUNet(config).eval()(shown())[0].numpy()
    filtered = AdhesionFilter().predict_frame(image[None], mask, PixelSize.square(0.68)).traction
    assert np.corrcoef(silent.ravel(), filtered.ravel())[0, 1] > 0.99


def test_a_bounded_network_stays_near_the_filter_whatever_it_says():
    image, mask = cell()
    module = loud(AdhesionUNetConfig(bound=0.1, free=False, spreads=(2.0,)))
    with torch.no_grad():
        module.pull.fill_(1.0)
        field = module(shown())[0].numpy()
    filtered = AdhesionFilter().predict_frame(image[None], mask, PixelSize.square(0.68)).traction
    assert 0.9 < np.corrcoef(field.ravel(), filtered.ravel())[0, 1] < 0.999


@pytest.mark.parametrize("settings", [{}, {"oriented": True}, {"oriented": True, "bound": 0.3}])
def test_the_traction_is_proportional_to_the_parameters_that_say_so(settings):
    module = loud(AdhesionUNetConfig(**settings))
    with torch.no_grad():
        before = module(shown())
        for parameter in module.proportional_parameters():
            parameter.mul_(3.0)
        assert torch.allclose(module(shown()), 3 * before, rtol=1e-3, atol=1e-4 * float(before.abs().max()))


def test_balancing_leaves_a_balanced_field_alone():
    y, x = torch.meshgrid(torch.arange(-8.0, 9), torch.arange(-8.0, 9), indexing="ij")
    pinch = -torch.stack([y, 2 * x])[None]
    assert torch.allclose(balanced(pinch), pinch, atol=1e-5)
    push_and_turn = pinch + torch.stack([1 + x, 3 - y])[None]
    net = balanced(push_and_turn).sum(dim=(-2, -1))
    assert torch.allclose(net, torch.zeros(1, 2), atol=1e-3)


def test_there_is_no_force_outside_the_cell():
    with torch.no_grad():
        field = loud(AdhesionUNetConfig())(shown())[0]
    assert (field[:, ~torch.from_numpy(cell()[1])] == 0).all()


def test_a_blur_keeps_the_sum_of_what_is_far_from_the_edge():
    point = torch.zeros(1, 2, 33, 33)
    point[:, :, 16, 16] = 1
    blurred = blur(point, 2.0)
    assert blurred.sum(dim=(-2, -1)).flatten().tolist() == pytest.approx([1, 1])
    assert blurred[0, 0, 16, 16].item() == pytest.approx(1 / (2 * np.pi * 4), rel=0.02)


@pytest.mark.parametrize(
    "settings",
    [
        {"in_channels": 3},
        {"halvings": 1},
        {"free": False},
        {"multiplied": False},
        {"oriented": True, "fine": True},
    ],
)
def test_it_comes_back_from_a_file_as_it_was(tmp_path, settings):
    module = loud(AdhesionUNetConfig(**settings))
    inputs = ("zyxin", "actin", "mask")[-module.config.in_channels :]
    path = checkpoint.save(
        tmp_path / "a.safetensors", module, ModelRecord("a", "adhesion-unet", inputs=inputs)
    )
    image = torch.rand(1, len(inputs), 64, 64)
    with torch.no_grad():
        assert torch.equal(checkpoint.load(path).module(image), module(image))


def test_the_predictor_says_the_same_at_any_pixel_size():
    module = loud(AdhesionUNetConfig())
    record = ModelRecord("a", "adhesion-unet", inputs=("zyxin", "mask"), pixel_size=0.68)
    predictor = NetworkPredictor(LoadedModel(module, record), device="cpu")
    image, mask = (np.kron(part, np.ones((2, 2))) for part in cell())
    stack = np.stack([image, mask]).astype(np.float32)
    fine = predictor.predict_frame(stack, mask > 0, PixelSize.square(0.34)).traction
    coarse = predictor.predict_frame(stack[:, ::2, ::2], mask[::2, ::2] > 0, PixelSize.square(0.68)).traction
    means = fine.reshape(2, 96, 2, 96, 2).mean(axis=(2, 4))
    assert np.corrcoef(means.ravel(), coarse.ravel())[0, 1] > 0.98


@pytest.mark.parametrize("wrong", [{"in_channels": 1}, {"halvings": 0}, {"spreads": (0.0,)}])
def test_settings_without_sense_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong)).replace("_", " ")):
        dataclasses.replace(AdhesionUNetConfig(), **wrong)
