"""Lambda chosen from noisy displacements of known tractions, on grids of all kinds."""

from __future__ import annotations

import numpy as np
import pytest

from napari_cellforce.errors import CellForceError
from napari_cellforce.physics.halfspace import displacement, halfspace_kernel, periodic_part
from napari_cellforce.physics.regularisation import (
    Spectrum,
    choose_regularisation,
    displacement_spectrum,
    fixed_regularisation,
)

YOUNG, POISSON = 8000.0, 0.48


def cell(shape, spacing, peak, seed, adhesions):
    """Traction in Pa: adhesions of 1 to 2 µm on a ring, pulling inward."""
    rng = np.random.default_rng(seed)
    y, x = np.indices(shape) * spacing
    centre, radius = np.array(shape) * spacing / 2, 0.28 * min(shape) * spacing
    traction = np.zeros((2, *shape))
    for k in range(adhesions):
        angle = 2 * np.pi * (k + 0.5 * rng.random()) / adhesions
        direction = np.array([np.sin(angle), np.cos(angle)])
        place = centre + radius * direction
        spot = np.exp(-((y - place[0]) ** 2 + (x - place[1]) ** 2) / (2 * rng.uniform(1.0, 1.8) ** 2))
        traction -= peak * rng.uniform(0.4, 1.3) * direction[:, None, None] * spot
    return traction - traction.mean(axis=(1, 2), keepdims=True)


def outside(shape):
    y, x = ((np.arange(n) - n / 2) / n for n in shape)
    return y[:, None] ** 2 + x**2 > 0.4**2


CASES = [  # grid, spacing in µm, noise in µm, peak in Pa, seed
    ((128, 128), 0.68, 0.005, 600.0, 0),
    ((128, 128), 0.68, 0.02, 600.0, 0),
    ((128, 128), 0.68, 0.1, 600.0, 0),
    ((127, 160), 0.68, 0.01, 900.0, 1),
    ((131, 97), 0.8, 0.05, 1500.0, 2),
    ((200, 200), 0.5, 0.002, 300.0, 3),
    ((96, 96), 1.36, 0.01, 800.0, 4),
]


def measured(shape, spacing, noise, peak, seed):
    traction = cell(shape, spacing, peak, seed, 10 + 3 * seed)
    moved = displacement(traction, spacing, YOUNG, POISSON, padding=1)
    noisy = moved + noise * np.random.default_rng(seed + 9).standard_normal(moved.shape)
    return traction, noisy, halfspace_kernel(shape, spacing, YOUNG, POISSON)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("criterion", ["evidence", "gcv"])
@pytest.mark.parametrize("seen_outside", [True, False])
def test_the_chosen_lambda_errs_at_most_a_tenth_more_than_the_best(case, criterion, seen_outside):
    traction, noisy, kernel = measured(*case)
    spectrum = displacement_spectrum(noisy, kernel, outside(case[0]) if seen_outside else None)

    def error(regularisation):
        return np.sqrt(((kernel.traction(noisy, regularisation) - traction) ** 2).mean())

    best = min(error(candidate) for candidate in np.geomspace(1e-5, 3e-3, 41))
    assert error(choose_regularisation(spectrum, criterion).regularisation) <= 1.1 * best


def test_traction_taken_as_uncorrelated_gives_too_small_a_lambda():
    """Why the traction's length is fitted, too: without it the error is half as large again."""
    traction, noisy, kernel = measured(*CASES[0])
    spectrum = displacement_spectrum(noisy, kernel)
    errors = [
        np.sqrt(
            (
                (
                    kernel.traction(
                        noisy, choose_regularisation(spectrum, "evidence", correlated=c).regularisation
                    )
                    - traction
                )
                ** 2
            ).mean()
        )
        for c in (True, False)
    ]
    assert errors[1] > 1.5 * errors[0]


@pytest.mark.parametrize("case", [CASES[1], CASES[3], CASES[4]])
def test_the_tractions_noise_is_predicted_from_the_displacements(case):
    _, noisy, kernel = measured(*case)
    choice = fixed_regularisation(displacement_spectrum(noisy, kernel, outside(case[0])), 2e-4)
    noise = case[2] * np.random.default_rng(1).standard_normal(noisy.shape)
    assert choice.traction_noise == pytest.approx(kernel.traction(noise, 2e-4).std(), rel=0.05)


def test_spectra_hold_all_of_the_power_and_all_of_the_waves():
    field = np.random.default_rng(0).normal(size=(2, 30, 41))
    field -= field.mean(axis=(1, 2), keepdims=True)
    spectrum = displacement_spectrum(field, halfspace_kernel((30, 41), 0.5, YOUNG, POISSON))
    assert spectrum.power.sum() == pytest.approx((field**2).sum())
    assert spectrum.count.sum() == 2 * (30 * 41 - 1)


@pytest.mark.parametrize("shape", [(24, 24), (25, 24), (24, 27)])
def test_the_l_curve_is_that_of_fttc(shape):
    kernel = halfspace_kernel(shape, 0.7, YOUNG, POISSON)
    moved = kernel.displacement(np.random.default_rng(0).normal(size=(2, *shape)))
    choice = fixed_regularisation(displacement_spectrum(moved, kernel), 1e-4)
    for i in (5, 30, 50):
        traction = kernel.traction(moved, choice.candidates[i])
        left = moved - kernel.displacement(traction)
        assert choice.norm[i] == pytest.approx(np.sqrt((traction**2).mean()), rel=0.02)
        assert choice.residual[i] == pytest.approx(np.sqrt((left**2).mean()), rel=0.05)


def test_more_noise_needs_more_regularisation_and_frames_share_one():
    traction = cell((96, 96), 0.7, 600.0, 1, 12)
    kernel = halfspace_kernel((96, 96), 0.7, YOUNG, POISSON)
    moved = kernel.displacement(traction)
    noise = np.random.default_rng(3).standard_normal(moved.shape)
    spectra = [displacement_spectrum(moved + level * noise, kernel) for level in (0.003, 0.03)]
    for criterion in ("evidence", "gcv"):
        low, high = (choose_regularisation(spectrum, criterion).regularisation for spectrum in spectra)
        both = choose_regularisation(spectra[0] + spectra[1], criterion).regularisation
        assert low < both < high


def test_what_lambda_cannot_be_chosen_from_is_refused():
    kernel = halfspace_kernel((32, 32), 0.7, YOUNG, POISSON)
    with pytest.raises(CellForceError, match="0 everywhere"):
        choose_regularisation(displacement_spectrum(np.zeros((2, 32, 32)), kernel))
    with pytest.raises(CellForceError, match="missing or infinite"):
        displacement_spectrum(np.full((2, 32, 32), np.nan), kernel)
    few = np.zeros((32, 32), bool)
    few[0] = True
    with pytest.raises(CellForceError, match="40 x 40 vectors from windows 90 vectors wide"):
        displacement_spectrum(
            np.ones((2, 40, 40)), halfspace_kernel((40, 40), 1.0, YOUNG, POISSON), window=90
        )
    with pytest.raises(CellForceError, match="field of 1 x 1 vectors:"):
        displacement_spectrum(np.ones((2, 1, 1)), halfspace_kernel((1, 1), 1.0, YOUNG, POISSON))
    with pytest.raises(CellForceError, match="only 32 displacement vectors"):
        displacement_spectrum(np.ones((2, 32, 32)), kernel, few)


TIGHT = [  # little gel around the cell: the displacement does not come to rest at the border
    ((64, 65), 0.68, 0.002, 1300.0, 4),
    ((64, 65), 0.5, 0.005, 1250.0, 0),
    ((131, 97), 0.5, 0.002, 1150.0, 4),
]


@pytest.mark.parametrize("case", TIGHT)
@pytest.mark.parametrize("criterion", ["evidence", "gcv"])
def test_a_displacement_cut_off_at_the_border_is_no_noise(case, criterion):
    """Else its jump from border to border passes for signal in fine waves: lambda gets far too small."""
    traction, noisy, kernel = measured(*case)
    fitted = periodic_part(noisy)

    def error(regularisation):
        return np.sqrt(((kernel.traction(fitted, regularisation) - traction) ** 2).mean())

    best = min(error(candidate) for candidate in np.geomspace(1e-5, 3e-3, 41))
    assert (
        error(choose_regularisation(displacement_spectrum(fitted, kernel), criterion).regularisation)
        <= 1.1 * best
    )
    raw = min(
        np.sqrt(((kernel.traction(noisy, candidate) - traction) ** 2).mean())
        for candidate in np.geomspace(1e-5, 3e-3, 41)
    )
    assert best < 0.8 * raw


@pytest.mark.parametrize("case", CASES)
def test_the_l_curve_takes_the_first_corner_beyond_the_gels_least_response(case):
    """The sharpest corner of all may lie where the curve has ended, and errs by up to 50 times."""
    traction, noisy, kernel = measured(*case)
    fitted = periodic_part(noisy)
    spectrum = displacement_spectrum(fitted, kernel)
    errors = [
        np.sqrt(((kernel.traction(fitted, candidate) - traction) ** 2).mean())
        for candidate in (
            *np.geomspace(1e-5, 3e-3, 41),
            choose_regularisation(spectrum, "l-curve").regularisation,
        )
    ]
    assert errors[-1] < 1.2 * min(errors)


def test_an_l_curve_without_a_corner_is_refused():
    """Smooth traction and no noise: the longer the lambda, the more is lost, and nowhere does that begin."""
    g, ones = np.geomspace(1e-4, 1e-2, 64), np.ones(64)
    with pytest.raises(CellForceError, match=r"no corner.*Choose the evidence"):
        choose_regularisation(Spectrum(g, g**4, ones, ones), "l-curve")


def test_z_scores_of_the_traction_are_those_of_a_normal_distribution():
    """The error bar holds: over forty repetitions of the measurement, tractions scatter as is predicted."""
    traction, _, kernel = measured(*CASES[1])
    moved = kernel.displacement(traction)
    scores = []
    for seed in range(40):
        noisy = moved + 0.02 * np.random.default_rng(seed).standard_normal(moved.shape)
        choice = fixed_regularisation(displacement_spectrum(noisy, kernel, outside(CASES[1][0])), 3e-4)
        error = kernel.traction(noisy, 3e-4) - kernel.traction(moved, 3e-4)
        scores.append(error[:, ::5, ::5] / choice.traction_noise)
    z = np.abs(np.array(scores))
    assert (z < 1).mean() == pytest.approx(0.683, abs=0.02)
    assert (z < 2).mean() == pytest.approx(0.954, abs=0.01)


def test_spectra_of_other_grids_add_up_to_the_power_of_both():
    grids = [(32, 32), (40, 27)]
    kernels = [halfspace_kernel(grid, 0.7, YOUNG, POISSON) for grid in grids]
    fields = [
        kernel.displacement(cell(grid, 0.7, 600.0, 1, 8)) for kernel, grid in zip(kernels, grids, strict=True)
    ]
    spectra = [displacement_spectrum(field, kernel) for field, kernel in zip(fields, kernels, strict=True)]
    both = spectra[0] + spectra[1]
    assert both.power.sum() == pytest.approx(sum((field**2).sum() for field in fields))
    assert both.count.sum() == 2 * (32 * 32 - 1 + 40 * 27 - 1)
    assert (np.diff(both.eigenvalue) > 0).all()
    low, high = sorted(choose_regularisation(spectrum).regularisation for spectrum in spectra)
    assert 0.5 * low < choose_regularisation(both).regularisation < 2 * high
