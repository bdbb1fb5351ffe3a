from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import PixelSize
from napari_cellforce.models.checkpoint import LoadedModel
from napari_cellforce.models.gfnn import GFNN, GFNNConfig
from napari_cellforce.models.grid import low_pass
from napari_cellforce.models.network import NetworkPredictor
from napari_cellforce.models.record import ModelRecord, Predictor

PIXEL = PixelSize.square(0.68)


class Constants(nn.Module):
    """Returns two constants everywhere, whatever it sees; remembers what it saw."""

    config = None

    def __init__(self, first: float, second: float) -> None:
        super().__init__()
        self.values = first, second
        self.seen: list[torch.Tensor] = []

    def __deepcopy__(self, memo):
        return self

    def forward(self, x):
        self.seen.append(x.clone())
        return torch.stack([torch.full_like(x[:, 0], v) for v in self.values], dim=1)


class Copies(Constants):
    """Returns its first channel as first component, and nothing as second."""

    def __init__(self) -> None:
        super().__init__(0, 0)

    def forward(self, x):
        return torch.cat([x[:, :1], torch.zeros_like(x[:, :1])], dim=1)


class Fails(Constants):
    def __init__(self, error: Exception) -> None:
        super().__init__(0, 0)
        self.error = error

    def forward(self, _):
        raise self.error


def predictor(module: nn.Module, **record) -> NetworkPredictor:
    return NetworkPredictor(LoadedModel(module, ModelRecord("test", "test", **record)), device="cpu")


def cell(height: int = 60, width: int = 80) -> tuple[np.ndarray, np.ndarray]:
    """An elongated cell, off the middle of a frame with a bright neighbour in the corner."""
    y, x = np.indices((height, width))
    mask = ((y - 25) / 12) ** 2 + ((x - 40) / 20) ** 2 < 1
    image = np.where(mask, 1 + np.sin(x / 3) * np.cos(y / 4), 0.1)
    image[-4:, -4:] = 50
    return image[None].astype(np.float32), mask


def test_it_is_a_predictor(small_unet):
    loaded = small_unet()
    network: Predictor = NetworkPredictor(loaded, device="cpu")
    assert network.record is loaded.record


def test_magnitude_and_angle_in_the_authors_order_become_y_and_x():
    pull = predictor(Constants(2.0, np.pi / 6), output="magnitude_angle", output_order="xy")
    image, mask = cell()
    traction = pull.predict_frame(image, mask, PIXEL).traction
    assert traction[0][mask] == pytest.approx(2 * np.sin(np.pi / 6))
    assert traction[1][mask] == pytest.approx(2 * np.cos(np.pi / 6))


@pytest.mark.parametrize(("order", "expected"), [("yx", (3, -1)), ("xy", (-1, 3))])
def test_vectors_are_returned_y_first_whatever_the_order_of_the_network(order, expected):
    image, mask = cell()
    traction = predictor(Constants(3, -1), output_order=order).predict_frame(image, mask, PIXEL).traction
    assert tuple(traction[:, 25, 40]) == expected


@pytest.mark.parametrize("micron", [0.17, 0.34, 0.5, 0.68, 1.0])
def test_the_result_lies_on_the_grid_of_the_image_and_ends_with_the_cell(micron):
    image, mask = cell()
    pixel = PixelSize.square(micron)
    traction = predictor(Constants(3, -1)).predict_frame(image, mask, pixel).traction
    assert traction.shape == (2, *mask.shape)
    assert traction.dtype == np.float32
    assert (np.hypot(*traction)[mask] > 3.1).all()
    y, x = np.indices(mask.shape)
    far = ((y - 25) / (12 + 0.7 / micron + 1)) ** 2 + ((x - 40) / (20 + 0.7 / micron + 1)) ** 2 > 1
    assert not traction[:, far].any()


@pytest.mark.parametrize("micron", [0.34, 0.68])
def test_what_the_network_sees_comes_back_to_where_it_was(micron):
    height, width = (round(n * 0.68 / micron) for n in (60, 80))
    y, x = np.indices((height, width)) * micron
    mask = (y - 17) ** 2 / 100 + (x - 30) ** 2 / 200 < 1
    spot = np.exp(-((y - 15) ** 2 + (x - 33) ** 2) / 8)
    copied = predictor(Copies(), mask_margin=20).predict_frame(
        spot[None].astype(np.float32), mask, PixelSize.square(micron)
    )
    assert np.abs(copied.traction[0] - spot)[mask].max() < 0.05
    assert not copied.traction[1].any()


def test_the_neighbour_beyond_the_margin_is_not_seen():
    image, mask = cell()
    module = Constants(0, 0)
    predictor(module, mask_margin=2.0).predict_frame(image, mask, PIXEL)
    seen = module.seen[0]
    assert seen.max() < 3
    assert seen.shape[-2:] == (23 + 2 * 2, 39 + 2 * 2), "the cell's box and two pixels of 0.68 µm around it"
    predictor(module, mask_margin=30.0).predict_frame(image, mask, PIXEL)
    assert module.seen[1].max() == 50


def test_a_fixed_grid_is_centred_on_the_cell_and_low_passed():
    image, mask = cell()
    module = Constants(0, 0)
    predictor(module, grid=64, low_pass=8).predict_frame(image, mask, PIXEL)
    seen = module.seen[0][0, 0].numpy()
    assert seen.shape == (64, 64)
    spectrum = np.abs(np.fft.fft2(seen))
    waves = np.hypot(*np.meshgrid(np.fft.fftfreq(64) * 64, np.fft.fftfreq(64) * 64))
    assert spectrum[waves > 8.01].max() < 1e-4 * spectrum.max()
    brightness = np.clip(seen, 0, None)
    middle = [(brightness.sum(axis=1 - a) * np.arange(64)).sum() / brightness.sum() for a in (0, 1)]
    assert middle == pytest.approx([31.5, 31.5], abs=1.5)


def test_low_pass_keeps_the_circle_of_modes_and_its_rim():
    y, x = np.indices((64, 64)) / 64
    for waves_y, waves_x, kept in [(3, 4, True), (5, 0, True), (0, 6, False), (4, 4, False), (-3, 4, True)]:
        wave = np.cos(2 * np.pi * (waves_y * y + waves_x * x)).astype(np.float32)[None]
        assert np.abs(low_pass(wave, 5) - kept * wave).max() < 1e-6


def test_a_u_net_takes_cells_of_any_size(small_unet):
    image, mask = cell(61, 83)
    loaded = small_unet(mask_margin=1.0)
    assert loaded.module.config.multiple == 4
    result = NetworkPredictor(loaded, device="cpu").predict_frame(image, mask, PIXEL)
    assert result.uncertainty is None
    assert np.hypot(*result.traction)[mask].min() > 0


def test_on_its_own_grid_the_result_is_what_the_network_returns(small_unet):
    image = np.random.default_rng(2).random((1, 64, 48), dtype=np.float32)
    loaded = small_unet(mask_margin=0)
    result = NetworkPredictor(loaded, device="cpu").predict_frame(image, np.ones((64, 48), bool), PIXEL)
    with torch.inference_mode():
        expected = loaded.module(torch.from_numpy(image)[None])[0].numpy()
    assert np.abs(result.traction - expected).max() < 1e-5 * np.abs(expected).max()


def test_same_in_same_out_and_the_loaded_network_is_left_alone(small_unet):
    image, mask = cell()
    loaded = small_unet(dropout=0.3)
    names = list(loaded.module.state_dict())
    network = NetworkPredictor(loaded, device="cpu")
    first, second = (network.predict_frame(image, mask, PIXEL).traction for _ in range(2))
    assert np.array_equal(first, second)
    assert list(loaded.module.state_dict()) == names


def test_tiles_agree_with_the_whole(small_unet):
    rng = np.random.default_rng(3)
    mask = np.ones((180, 220), dtype=bool)
    image = rng.random((1, *mask.shape), dtype=np.float32)
    loaded = small_unet(mask_margin=0)
    whole = NetworkPredictor(loaded, device="cpu").predict_frame(image, mask, PIXEL).traction
    tiled = NetworkPredictor(loaded, device="cpu", max_side=96).predict_frame(image, mask, PIXEL).traction
    assert not np.array_equal(whole, tiled)
    assert np.abs(whole - tiled).max() < 0.05 * np.abs(whole).max()


class TestSamples:
    def frame(self, small_unet, samples=8, seed=0, dropout=0.2):
        loaded = small_unet(dropout=dropout)
        network = NetworkPredictor(loaded, device="cpu", samples=samples, seed=seed)
        return network.predict_frame(*cell(), PIXEL)

    def test_a_seed_gives_the_same_again_and_leaves_other_random_numbers_alone(self, small_unet):
        torch.manual_seed(5)
        expected = torch.rand(3)
        torch.manual_seed(5)
        loaded = small_unet(dropout=0.2)
        networks = [NetworkPredictor(loaded, device="cpu", samples=4, seed=s) for s in (1, 1, 2)]
        torch.manual_seed(5)
        first, again, other = (network.predict_frame(*cell(), PIXEL) for network in networks)
        assert torch.equal(torch.rand(3), expected)
        assert np.array_equal(first.traction, again.traction)
        assert np.array_equal(first.uncertainty, again.uncertainty)
        assert not np.array_equal(first.traction, other.traction)

    def test_traction_and_uncertainty_are_mean_and_spread_of_the_single_samples(self, small_unet):
        image = np.random.default_rng(2).random((1, 64, 48), dtype=np.float32)
        whole = np.ones((64, 48), dtype=bool)
        loaded = small_unet(dropout=0.2, mask_margin=0)
        result = NetworkPredictor(loaded, device="cpu", samples=4, seed=7).predict_frame(image, whole, PIXEL)
        plain = loaded.module
        for module in plain.modules():
            module.train(isinstance(module, nn.Dropout))
        torch.manual_seed(7)
        x = torch.from_numpy(image)[None].to(memory_format=torch.channels_last)
        with torch.no_grad():
            drawn = np.stack([plain.to(memory_format=torch.channels_last)(x)[0].numpy() for _ in range(4)])
        assert np.allclose(result.traction, drawn.mean(axis=0), atol=1e-5)
        assert np.allclose(result.uncertainty, np.sqrt(drawn.var(axis=0, ddof=1).sum(axis=0)), atol=1e-5)

    def test_more_dropout_is_more_uncertain(self, small_unet):
        little = self.frame(small_unet, dropout=0.01).uncertainty.mean()
        much = self.frame(small_unet, dropout=0.4).uncertainty.mean()
        assert much > 2 * little > 0

    def test_samples_of_a_network_without_dropout_are_refused(self, small_unet):
        with pytest.raises(CellForceError, match="no dropout") as caught:
            NetworkPredictor(small_unet(), device="cpu", samples=5)
        assert "Set samples to 0" in caught.value.remedy

    @pytest.mark.parametrize("samples", [1, -1])
    def test_so_few_samples_that_there_is_no_spread_are_refused(self, small_unet, samples):
        with pytest.raises(CellForceError, match="an uncertainty needs at least two"):
            NetworkPredictor(small_unet(dropout=0.2), device="cpu", samples=samples)


@pytest.mark.parametrize("form", ["isotropic", "published"])
def test_the_potentials_come_along_on_the_grid_of_the_image(form):
    torch.manual_seed(0)
    module = GFNN(GFNNConfig(form=form, width=4, size=64)).eval()
    record = ModelRecord("g", "gfnn", grid=module.config.grid)
    image, mask = cell()
    result = NetworkPredictor(LoadedModel(module, record), device="cpu").predict_frame(image, mask, PIXEL)
    assert set(result.scalars) == {"phi", "psi", "chi"}
    for potential in result.scalars.values():
        assert potential.shape == mask.shape
        assert potential[mask].any()
        assert not potential[:5, :10].any()


class TestRefusals:
    def refused(self, network, image, mask, pixel, topic, *words):
        with pytest.raises(CellForceError) as caught:
            network.predict_frame(image, mask, pixel)
        assert caught.value.topic == topic
        for word in words:
            assert word in str(caught.value)

    def test_a_missing_channel(self):
        image, mask = cell()
        network = predictor(Constants(0, 0), inputs=("zyxin", "actin"))
        self.refused(network, image, mask, PIXEL, "channel", "1 channel", "zyxin, actin")

    def test_an_empty_mask(self):
        image, mask = cell()
        self.refused(predictor(Constants(0, 0)), image, np.zeros_like(mask), PIXEL, "mask", "empty")

    def test_holes_in_the_image_count_near_the_cell_only(self):
        image, mask = cell()
        image[0, -1, -1] = np.nan
        predictor(Constants(0, 0)).predict_frame(image, mask, PIXEL)
        image[0, 25, 40] = np.nan
        self.refused(predictor(Constants(0, 0)), image, mask, PIXEL, "channel", "1 pixels", "NaN")

    def test_a_cell_larger_than_the_fixed_grid_names_both_sizes(self):
        image, mask = cell()
        network = predictor(Constants(0, 0), grid=32)
        network.predict_frame(image, mask, PixelSize.square(0.5))
        self.refused(network, image, mask, PIXEL, "pixel size", "16 x 27 µm", "22 µm", "pixel size")

    def test_a_pixel_size_that_would_fill_the_memory(self):
        image, mask = cell()
        self.refused(predictor(Constants(0, 0)), image, mask, PixelSize.square(170), "pixel size", "too many")

    @pytest.mark.parametrize(
        "error",
        [
            RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
            RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes."),
            torch.OutOfMemoryError("CUDA out of memory."),
            MemoryError(),
        ],
    )
    def test_memory_that_runs_out(self, error):
        image, mask = cell()
        self.refused(predictor(Fails(error)), image, mask, PIXEL, "device", "memory", "crop the image")

    def test_other_errors_of_the_network_are_not_hidden(self):
        with pytest.raises(RuntimeError, match="shapes do not match"):
            predictor(Fails(RuntimeError("shapes do not match"))).predict_frame(*cell(), PIXEL)


def test_an_image_and_a_mask_of_different_shapes_are_a_programmers_mistake():
    image, mask = cell()
    with pytest.raises(ValueError, match="do not match"):
        predictor(Constants(0, 0)).predict_frame(image, mask[1:], PIXEL)


def test_translating_the_frame_translates_the_traction(small_unet):
    loaded = small_unet()
    loaded = dataclasses.replace(loaded, record=dataclasses.replace(loaded.record, mask_margin=3.0))
    image, mask = cell()
    network = NetworkPredictor(loaded, device="cpu")
    here = network.predict_frame(image, mask, PIXEL).traction
    there = network.predict_frame(
        np.roll(image, (5, -7), (1, 2)), np.roll(mask, (5, -7), (0, 1)), PIXEL
    ).traction
    assert np.abs(np.roll(here, (5, -7), (1, 2)) - there).max() < 1e-5 * np.abs(here).max()
