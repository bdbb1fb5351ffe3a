"""Beads that moved by a known displacement, seen through a microscope, and found again."""

from __future__ import annotations

import contextlib
import io
import warnings

import numpy as np
import pytest

from napari_cellforce.errors import CellForceError, CellForceWarning
from napari_cellforce.physics.displacement import (
    DisplacementConfig,
    Drift,
    displacement_field,
    find_drift,
    normalised_median_residual,
    to_pixels,
)
from napari_cellforce.physics.displacement._piv import replace
from napari_cellforce.physics.displacement._sampling import from_pixels
from napari_cellforce.physics.halfspace import displacement
from napari_cellforce.synthetic.beads import BeadConfig, bead_pair
from napari_cellforce.synthetic.instruments import Camera

PIXEL = 0.17
CONFIG = DisplacementConfig(windows=(64, 32, 32), overlap=16, workers=1)


def pulled(shape, seed=0, peak=600.0):
    """Displacement in µm under a ring of adhesions that pull inward, each with its own strength."""
    rng = np.random.default_rng(seed)
    y, x = np.indices(shape) * PIXEL
    centre = np.array(shape) * PIXEL / 2
    radius = 0.28 * min(shape) * PIXEL
    traction = np.zeros((2, *shape))
    for k in range(10):
        angle = 2 * np.pi * (k + 0.5 * rng.random()) / 10
        direction = np.array([np.sin(angle), np.cos(angle)])
        place = centre + radius * np.array([1.0, 1.3]) * direction
        spot = np.exp(-((y - place[0]) ** 2 + (x - place[1]) ** 2) / (2 * rng.uniform(1.0, 1.8) ** 2))
        traction -= peak * rng.uniform(0.4, 1.3) * direction[:, None, None] * spot
    traction -= traction.mean(axis=(1, 2), keepdims=True)
    return displacement(traction, PIXEL, 8000.0, 0.48, padding=1)


def error(result, truth):
    """Root mean square error in pixels on the windows' grid, a constant apart (which is drift)."""
    rest = result.displacement - from_pixels(truth / PIXEL, result.y, result.x)
    rest -= np.median(rest, axis=(1, 2), keepdims=True)
    return float(np.sqrt((rest**2).mean()))


CASES = [
    ((320, 320), 250, 0.0, 1.0),
    ((320, 320), 60, 0.05, 1.0),
    ((301, 384), 250, 0.1, 0.5),
    ((383, 290), 25, 0.0, 1.0),
]


def openpiv_error(pair, truth, windows, overlap):
    """OpenPIV's error with the same windows, at the windows' true centres, whatever way its y axis points."""
    windef = pytest.importorskip("openpiv.windef", reason="OpenPIV is not installed")
    settings = windef.PIVSettings()
    settings.windowsizes, settings.num_iterations = windows, len(windows)
    settings.overlap = (*(w - max(windows[-1] - overlap, w // 4) for w in windows[:-1]), overlap)
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        images = (image.astype(np.int32) for image in (pair.reference, pair.loaded))
        _, _, u, v, _ = windef.simple_multipass(*images, settings)
    u, v = (np.ma.filled(np.ma.asarray(part), np.nan) for part in (u, v))
    y, x = (np.arange(n) * (windows[-1] - overlap) + (windows[-1] - 1) / 2 for n in u.shape)
    known = from_pixels(truth / PIXEL, y, x)
    fields = [np.stack([sign * v, u])[:, ::rows] for sign in (1, -1) for rows in (1, -1)]
    return min(float(np.sqrt(np.nanmean((field - known) ** 2))) for field in fields)


@pytest.mark.parametrize(("shape", "exposure", "lost", "density"), CASES)
@pytest.mark.parametrize(("windows", "overlap"), [((64, 32, 32), 24), ((64, 64), 48)])
def test_the_error_is_not_larger_than_openpivs(shape, exposure, lost, density, windows, overlap):
    truth = pulled(shape)
    beads = BeadConfig(density=density, lost=lost, camera=Camera(exposure=exposure), pixel_size=PIXEL)
    pair = bead_pair(truth, beads, seed=3)
    config = DisplacementConfig(windows=windows, overlap=overlap, drift="none", workers=1)
    result = displacement_field(pair.reference, pair.loaded, config)
    rest = result.displacement - from_pixels(truth / PIXEL, result.y, result.x)
    ours = float(np.sqrt((rest**2).mean()))
    assert ours < 0.2
    assert ours <= openpiv_error(pair, truth, windows, overlap)


def test_a_drift_far_larger_than_the_windows_is_taken_off():
    truth = pulled((320, 300))
    pair = bead_pair(truth, BeadConfig(pixel_size=PIXEL), drift=(9.3 * PIXEL, -45.6 * PIXEL), seed=1)
    result = displacement_field(pair.reference, pair.loaded, CONFIG)
    assert result.drift.shift == pytest.approx((9.3, -45.6), abs=0.25)  # the cell's own mean
    gone = result.x < 45  # those beads are left of the loaded image
    rest = (result.displacement - from_pixels(truth / PIXEL, result.y, result.x))[
        :, :, ~result.replaced.all(0)
    ]
    assert np.sqrt(np.median(rest**2)) < 0.15
    assert result.replaced[:-1, gone].mean() > 0.9
    assert result.replaced[:-1, ~gone].mean() < 0.1


def test_a_turned_stage_is_found_beside_the_cells_pull():
    shape = (320, 340)
    stage = Drift((2.4, -3.7), np.radians(0.5))
    moved = stage.at(*np.indices(shape), shape) * PIXEL + pulled(shape)
    pair = bead_pair(moved, BeadConfig(pixel_size=PIXEL), seed=5)
    found = find_drift(pair.reference, pair.loaded, DisplacementConfig(drift="rigid", workers=1))
    assert found.angle == pytest.approx(stage.angle, abs=2e-4)
    assert found.shift == pytest.approx(stage.shift, abs=0.1)


def test_nothing_moved_is_nothing_measured():
    pair = bead_pair(np.zeros((2, 200, 240)), BeadConfig(pixel_size=PIXEL), seed=2)
    result = displacement_field(pair.reference, pair.loaded, CONFIG)
    assert np.abs(result.displacement).max() < 0.15
    assert result.replaced_fraction < 0.02
    assert np.median(result.signal_to_noise) > 2


def test_y_and_x_are_not_exchanged():
    """All beads go down by 3 pixels and right by 1."""
    shift = np.broadcast_to(np.array([3.0, 1.0])[:, None, None] * PIXEL, (2, 200, 260))
    pair = bead_pair(shift, BeadConfig(pixel_size=PIXEL), seed=4)
    result = displacement_field(pair.reference, pair.loaded, DisplacementConfig(drift="none", workers=1))
    assert result.displacement.mean(axis=(1, 2)) == pytest.approx([3.0, 1.0], abs=0.02)
    assert result.on_pixels().shape == (2, 200, 260)
    assert result.displacement.shape[1:] == (len(result.y), len(result.x))


@pytest.mark.parametrize("method", ["tv-l1", "ilk"])
def test_optical_flow_agrees_with_piv(method):
    truth = pulled((160, 180), peak=300.0)
    pair = bead_pair(truth, BeadConfig(pixel_size=PIXEL), seed=6)
    config = DisplacementConfig(windows=(32,), overlap=16, method=method, workers=1)
    assert error(displacement_field(pair.reference, pair.loaded, config), truth) < 0.12


def test_the_median_test_finds_the_one_wrong_vector_in_a_shear():
    y, x = np.indices((9, 11)).astype(float)
    field = np.stack([0.1 * y, 0.2 * x])
    field[:, 4, 5] += 3.0
    residual = normalised_median_residual(field, 0.1)
    assert np.unravel_index(residual.argmax(), residual.shape) == (4, 5)
    assert (residual > 2).sum() == 1


def test_splines_are_exact_for_cubics_between_the_windows():
    places = np.arange(10.0, 91.0, 8.0)
    cubic = 1e-3 * places**3 - places
    pixels = to_pixels(np.outer(cubic, places), places, places, (100, 100))
    at = np.arange(10, 91)
    np.testing.assert_allclose(pixels[10:91, 10:91], np.outer(1e-3 * at**3 - at, at), rtol=1e-9, atol=1e-8)


def beads(shape=(128, 128), seed=0):
    return bead_pair(np.zeros((2, *shape)), BeadConfig(pixel_size=PIXEL), seed=seed).reference


def test_what_cannot_be_measured_is_refused_in_words():
    image = beads()
    with pytest.raises(CellForceError, match="128 x 128 pixels, the loaded image 128 x 120"):
        displacement_field(image, image[:, :120], CONFIG)
    with pytest.raises(CellForceError, match=r"100 everywhere.*must show beads"):
        displacement_field(image, np.full_like(image, 100), CONFIG)
    with pytest.raises(CellForceError, match="saturated"):
        displacement_field(image, np.minimum(image, np.percentile(image, 70).astype(np.uint16)), CONFIG)
    with pytest.warns(CellForceWarning, match="saturated"):
        displacement_field(image, np.minimum(image, np.percentile(image, 99).astype(np.uint16)), CONFIG)
    with pytest.raises(CellForceError, match="NaN"):
        displacement_field(image, np.where(image > 300, np.nan, image), CONFIG)
    with pytest.raises(CellForceError, match="largest window, 64 pixels, must fit"):
        displacement_field(image[:50], image[:50], CONFIG)
    with pytest.raises(CellForceError, match="nothing in common"):
        displacement_field(image, beads(seed=1), CONFIG)


def test_images_of_which_most_shows_other_beads_are_refused():
    """The rest fits perfectly, and random vectors beside random vectors pass the median test."""
    image, rng = beads(seed=4), np.random.default_rng(0)
    other = image.copy()
    other[:, :100] = rng.permutation(other[:, :100].ravel()).reshape(128, 100)
    with pytest.raises(CellForceError, match=r"vectors were rejected|nothing in common"):
        displacement_field(image, other, DisplacementConfig((32, 24), 18, workers=1))


def test_a_field_without_a_single_vector_is_refused_in_words():
    with pytest.raises(CellForceError, match="every vector was rejected"):
        replace(np.zeros((2, 4, 5)), np.ones((4, 5), bool))


def test_a_stage_that_has_left_the_field_is_told_from_bad_beads():
    wide, settings = beads((200, 200), seed=2), DisplacementConfig((32, 24), 18, workers=1)
    pair = wide[:128, :128], wide[40:168, 40:168]
    with pytest.raises(
        CellForceError, match="stage has drifted by 57 pixels: both images share 47 %"
    ) as caught:
        displacement_field(*pair, settings)
    assert caught.value.topic == "drift"


def test_dim_images_of_few_values_are_not_taken_for_saturated():
    dim = (beads() // 16).astype(np.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        displacement_field(dim, dim, CONFIG)
    clipped = np.minimum(beads().astype(float), np.percentile(beads(), 99))
    with pytest.warns(CellForceWarning, match="saturated"):
        displacement_field(clipped.astype(np.float32), clipped, CONFIG)


def test_a_large_drift_without_correction_is_refused():
    still = np.zeros((2, 200, 200))
    pair = bead_pair(still, BeadConfig(pixel_size=PIXEL), drift=(30 * PIXEL, 0.0), seed=1)
    with pytest.raises(CellForceError, match="shifted against each other by 30 pixels") as caught:
        displacement_field(pair.reference, pair.loaded, DisplacementConfig(drift="none"))
    assert caught.value.topic == "drift"


@pytest.mark.parametrize("settings", [{"windows": ()}, {"windows": (4,)}, {"overlap": 32}, {"overlap": -1}])
def test_windows_that_make_no_sense_are_refused(settings):
    with pytest.raises(CellForceError):
        DisplacementConfig(**settings)
