from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_cellforce.config_io import from_json, from_mapping, to_json
from napari_cellforce.models.checkpoint import load
from napari_cellforce.models.gfnn import GFNN, GFNNConfig, clebsch

FILE = "UnseenWashout_RealGFNN_down=4_beta=0.1"


def lopsided_image(height: int, width: int) -> torch.Tensor:
    """An adhesion left of a dimmer, larger one, in the upper half of an empty image."""
    y, x = torch.arange(height)[:, None].double(), torch.arange(width).double()
    small = torch.exp(-((y - 30) ** 2) / 8 - (x - 24) ** 2 / 18)
    large = 0.4 * torch.exp(-((y - 36) ** 2) / 30 - (x - 44) ** 2 / 30)
    return (small + large).float()[None, None]


@pytest.fixture
def ours() -> GFNN:
    torch.manual_seed(0)
    return GFNN(GFNNConfig(width=8, lengths=(6.0, 3.0, 8.0), padding=64)).double().eval()


def test_the_published_weights_give_what_the_authors_code_gives(shared_data):
    module = load(shared_data / "published" / FILE).module
    known = np.load(shared_data / "cases" / "gfnn_case.npz")
    with torch.inference_mode():
        image = torch.from_numpy(known["input"])[None]
        found = {**module.fields(image), "F": module(image)}
    for name, field in found.items():
        assert np.abs(field[0].numpy() - known[name]).max() < 1e-5 * np.abs(known[name]).max(), name


def test_our_gradients_are_gradients_with_y_first(ours):
    with torch.no_grad():
        fields = ours.fields(lopsided_image(64, 96).double())
    for name in ("phi", "chi"):
        measured = np.stack(np.gradient(fields[name][0].numpy()))
        gradient = fields[f"grad_{name}"][0].numpy()
        inside = np.s_[:, 8:-8, 8:-8]
        error = np.abs(measured - gradient)[inside].max()
        assert error < 0.15 * np.abs(gradient[inside]).max(), "differences of neighbours blur sharp sources"
        assert np.corrcoef(measured[inside].ravel(), gradient[inside].ravel())[0, 1] > 0.99


def test_traction_is_the_clebsch_form_of_the_fields(ours):
    with torch.no_grad():
        image = lopsided_image(64, 64).double()
        f = ours.fields(image)
        assert torch.allclose(ours(image)[0, 1], f["grad_phi"][0, 1] + f["psi"][0] * f["grad_chi"][0, 1])
        assert torch.equal(ours(image), clebsch(f))


def test_without_protein_there_is_no_force(ours):
    with torch.no_grad():
        assert ours(torch.zeros(1, 1, 40, 56).double()).abs().max() < 1e-12


def test_the_window_around_a_cell_does_not_matter(ours):
    with torch.no_grad():
        narrow = ours(lopsided_image(80, 96).double())
        wide = ours(lopsided_image(131, 150).double())[..., :80, :96]
    assert (narrow - wide).abs().max() < 2e-3 * wide.abs().max()


def test_green_functions_start_as_decay_over_the_given_lengths():
    module = GFNN(GFNNConfig(lengths=(12.0, 5.0, 12.0), size=256)).eval()
    with torch.no_grad():
        in_space = torch.fft.irfft2(module.greens_functions((256, 256)), s=(256, 256))
    for kernel, length in zip(in_space, (12.0, 5.0, 12.0), strict=True):
        r1, r2 = round(2 * length), round(3 * length)
        decay = float(torch.log(kernel[0, r1] / kernel[0, r2]))
        # K_0(r / l), the screened Green's function of the plane, falls as exp(-r / l) / sqrt(r).
        assert decay == pytest.approx((r2 - r1) / length + 0.5 * np.log(r2 / r1), rel=0.08)


def test_kernels_can_be_learned(ours):
    ours(lopsided_image(64, 64).double()).square().sum().backward()
    assert torch.isfinite(ours.kernel.grad).all()
    assert ours.kernel.grad.abs().max() > 0


def a_random_image(channels: int, side: int = 48) -> torch.Tensor:
    """Whatever: no law may hang on what the image shows."""
    return torch.rand(1, channels, side, side, generator=torch.Generator().manual_seed(3)).double()


def a_network(**settings) -> GFNN:
    torch.manual_seed(1)
    return GFNN(GFNNConfig(**{"width": 8, "lengths": (6.0, 3.0, 8.0), **settings})).double().eval()


def torque_and_force(traction: torch.Tensor) -> tuple[float, float]:
    """Return net moment and net force over the summed magnitudes."""
    side = traction.shape[-1]
    arm = torch.stack(torch.meshgrid(*2 * [torch.arange(side).double() - (side - 1) / 2], indexing="ij"))
    y, x = traction[0]
    summed = torch.hypot(y, x).sum()
    moment = (arm[0] * x - arm[1] * y).sum() / (arm.norm(dim=0) * torch.hypot(y, x)).sum()
    return float(moment.abs()), float(torch.hypot(y.sum(), x.sum()) / summed)


def test_a_kernel_is_the_same_in_all_directions_so_a_turned_image_gives_the_turned_traction(ours):
    """The convolution layers are not isotropic, the kernels are: a quarter turn of the sources is exact."""
    with torch.no_grad():
        kernels = torch.fft.irfft2(ours.greens_functions((64, 64)), s=(64, 64))
    assert torch.allclose(kernels[..., 5, 3], kernels[..., 3, 5])
    assert torch.allclose(kernels[..., 5, 3], kernels[..., -5, 3])
    turned = torch.rot90(torch.fft.fftshift(kernels, dim=(-2, -1))[..., 1:, 1:], dims=(-2, -1))
    assert torch.allclose(turned, torch.fft.fftshift(kernels, dim=(-2, -1))[..., 1:, 1:])


def test_with_a_shared_source_forces_cancel_whatever_the_image():
    """Over the whole plane, here a periodic one, what one place does to another it suffers from it."""
    image = a_random_image(1)
    with torch.no_grad():
        free = a_network(padding=0)(image)
        shared = a_network(padding=0, balance="shared")(image)
    assert torque_and_force(free)[1] > 1e-7, "nothing makes two sources cancel"
    assert torque_and_force(shared)[1] < 1e-12


def test_with_a_shared_source_moments_cancel_too():
    """Far from the border a lopsided pair of adhesions does not turn."""
    image = torch.nn.functional.pad(lopsided_image(64, 64).double(), (60, 60, 60, 60))
    with torch.no_grad():
        moment, force = torque_and_force(a_network(padding=64, balance="shared")(image))
    assert moment < 1e-3
    assert force < 1e-3


def test_projected_forces_cancel_in_the_mask_whatever_the_image():
    image = a_random_image(2)
    image[:, 1] = (image[:, 1] > 0.5).double()
    with torch.no_grad():
        traction = a_network(in_channels=2, balance="projected")(image)
    moment, force = torque_and_force(traction)
    assert force < 1e-10
    assert moment < 1e-10
    assert traction[0, :, image[0, 1] == 0].abs().max() == 0


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_any_list_of_proteins_is_taken_and_every_one_counts(channels):
    module, image = a_network(in_channels=channels), a_random_image(channels).requires_grad_()
    module(image).square().sum().backward()
    assert image.grad is not None
    assert (image.grad.abs().amax(dim=(0, 2, 3)) > 0).all()


def test_what_stands_out_from_the_haze_is_seen_from_afar():
    """Light a pixel that the convolutions do not reach: the source changes only where haze is told."""
    image = 1 + 0 * a_random_image(1)
    lit = image.clone()
    lit[..., 24, 30] += 50
    for haze, seen in (((), False), ((4.0,), True)):
        module = a_network(haze=haze)
        with torch.no_grad():
            image[..., 24, 24] = lit[..., 24, 24] = 1.5
            change = (module.sources(lit) - module.sources(image))[..., 24, 24].abs().max()
        assert bool(change > 1e-9) == seen


def test_free_kernels_start_where_isotropic_ones_do():
    """One number per Fourier mode, but the same screened decay before training."""
    free, ours = a_network(form="published", size=32), a_network()
    with torch.no_grad():
        found, known = free.greens_functions((32, 32)), ours.greens_functions((32, 32))
    assert (found - known).abs().max() < 2e-3


def test_settings_survive_json():
    config = GFNNConfig(in_channels=2, lengths=(30.0, 6.0, 20.0))
    assert from_json(GFNNConfig, to_json(config)) == config


@pytest.mark.parametrize(
    "settings",
    [
        {"form": "other"},
        {"size": 10**9},
        {"in_channels": 0},
        {"lengths": (1.0,)},
        {"balance": "odd"},
        {"form": "published", "balance": "shared"},
    ],
)
def test_settings_that_make_no_sense_are_refused(settings):
    with pytest.raises(ValueError, match="must be"):
        from_mapping(GFNNConfig, settings)
