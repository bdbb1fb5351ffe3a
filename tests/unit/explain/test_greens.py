"""Green's functions of known decay, stretched ones, and the published ones."""

from __future__ import annotations

import numpy as np
import pytest

from napari_cellforce.errors import CellForceError, CellForceWarning
from napari_cellforce.explain.fields import clebsch_shares
from napari_cellforce.explain.greens import greens_function, read_greens, require_greens_functions
from napari_cellforce.models.checkpoint import load
from napari_cellforce.models.gfnn import GFNN, GFNNConfig
from napari_cellforce.models.unet import UNet, UNetConfig

FILE = "UnseenWashout_RealGFNN_down=4_beta=0.1"
SIDE = 256


def spectrum_of(values):
    return np.fft.rfft2(np.fft.ifftshift(values))


def exponential(stretch=1.0, length=12.0):
    offset = np.arange(SIDE) - SIDE // 2
    return np.exp(-np.hypot(offset[:, None] * stretch, offset) / length)


def test_an_exponential_reaches_as_far_as_it_should():
    found = greens_function("psi", spectrum_of(exponential()), pixel_size=0.68)
    # Rescaled by its value on the innermost rings (about 1.4 px out), a tenth is reached ln 10 lengths on.
    assert found.reach == pytest.approx(0.68 * (1.4 + 12 * np.log(10)), rel=0.02)
    assert found.anisotropy < 1e-6
    assert np.all(found.spread < 0.03 * found.mean.max())


def test_a_stretched_function_is_seen_to_be_anisotropic():
    round_one, oval = (greens_function("psi", spectrum_of(exponential(s)), 1.0) for s in (1.0, 2.0))
    assert oval.anisotropy > 0.02 > round_one.anisotropy
    assert oval.spread.max() > 5 * round_one.spread.max()


def test_a_spike_in_the_middle_does_not_matter():
    smooth = spectrum_of(exponential())
    plain, spiked = (greens_function("psi", smooth + spike, 1.0) for spike in (0.0, 40.0))
    assert spiked.reach == pytest.approx(plain.reach)
    assert np.allclose(spiked.values, plain.values, atol=1e-9)


def test_a_function_that_does_not_decay_has_no_reach():
    flat = np.zeros((SIDE, SIDE // 2 + 1))
    with pytest.warns(CellForceWarning, match="does not fall from its source"):
        assert np.isnan(greens_function("psi", flat, 1.0).reach)


def test_our_own_network_starts_isotropic():
    for function in read_greens(GFNN(GFNNConfig(width=4)).eval(), 0.68):
        assert function.anisotropy < 0.05
        assert 1 < function.reach < 60


def test_the_published_lengths_come_out_of_the_published_weights(shared_data):
    loaded = load(shared_data / "published" / FILE)
    with pytest.warns(CellForceWarning, match="of phi does not fall"):  # it is lowest at its source
        functions = read_greens(loaded.module, loaded.record.pixel_size)
    found = {function.name: function for function in functions}
    assert found["psi"].reach == pytest.approx(5.01, abs=0.01)
    assert found["chi"].reach == pytest.approx(23.2, abs=0.05)


def test_the_published_field_is_nearly_psi_grad_chi(shared_data):
    case = np.load(shared_data / "cases" / "gfnn_case.npz")
    shares = clebsch_shares(case["grad_phi"], case["psi_grad_chi"])
    assert shares.grad_phi + shares.psi_grad_chi == pytest.approx(1)
    assert shares.residual_without_grad_phi < 0.05


def test_a_network_without_green_functions_is_refused():
    with pytest.raises(CellForceError, match="has no Green's functions"):
        require_greens_functions(UNet(UNetConfig()), "unet-sim")
