from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch

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


def test_settings_survive_json():
    config = GFNNConfig(in_channels=2, lengths=(30.0, 6.0, 20.0))
    assert GFNNConfig(**json.loads(json.dumps(dataclasses.asdict(config)))) == config


@pytest.mark.parametrize(
    "settings", [{"form": "other"}, {"size": 10**9}, {"in_channels": 3}, {"lengths": (1.0,)}]
)
def test_settings_that_make_no_sense_are_refused(settings):
    with pytest.raises(ValueError, match="must be"):
        GFNNConfig(**settings)
