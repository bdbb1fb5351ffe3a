"""Traction force microscopy sees the forces blurred and with noise."""

from __future__ import annotations

import numpy as np
import pytest

from napari_cellforce.synthetic import Instrument


@pytest.fixture
def dipole() -> np.ndarray:
    """Two patches 40 µm apart that pull towards each other with 2 kPa, (1, 2, Y, X)."""
    y, x = np.mgrid[:128, :128] * 0.68
    field = np.zeros((1, 2, 128, 128))
    for side in (-1, 1):
        field[0, 1] -= side * 2000.0 * np.exp(-((y - 43) ** 2 + (x - 43 - 20 * side) ** 2) / (2 * 3.0**2))
    return field


def test_a_perfect_instrument_measures_the_truth(dipole: np.ndarray) -> None:
    perfect = Instrument(window=0.0, noise=0.0, regularisation=0.0)
    _, measured = perfect.measure(dipole, 0.68, np.random.default_rng(0))
    inner = np.s_[:, :, 20:-20, 20:-20]  # at the image's border the displacement is cut off
    assert np.abs(measured - dipole)[inner].max() < 0.02 * np.abs(dipole).max()


def test_noise_has_the_stated_size_and_shows_as_force_where_there_is_none(dipole: np.ndarray) -> None:
    noisy, quiet = Instrument(noise=0.03), Instrument(noise=0.0)
    u_noisy, f_noisy = noisy.measure(dipole, 0.68, np.random.default_rng(0))
    u_quiet, f_quiet = quiet.measure(dipole, 0.68, np.random.default_rng(0))
    assert (u_noisy - u_quiet).std() == pytest.approx(0.03, rel=1e-6)
    corner = np.s_[:, :, :20, :20]
    assert np.abs(f_noisy[corner]).mean() > 5 * np.abs(f_quiet[corner]).mean()


def test_regularisation_lowers_the_peaks(dipole: np.ndarray) -> None:
    peaks = [
        np.abs(
            Instrument(noise=0.0, regularisation=r).measure(dipole, 0.68, np.random.default_rng(0))[1]
        ).max()
        for r in (1e-5, 2e-4, 1e-3)
    ]
    assert peaks[0] > peaks[1] > peaks[2]
