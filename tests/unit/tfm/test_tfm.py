"""From beads to tractions: a contractile cell on a soft gel, two frames, the second pulling half as hard."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pandas as pd
import pytest

from napari_cellforce.errors import CellForceError, CellForceWarning
from napari_cellforce.fields import ImageStack, Mask, PixelSize, Substrate, VectorField
from napari_cellforce.io import read_field
from napari_cellforce.physics.displacement import DisplacementConfig
from napari_cellforce.physics.halfspace import displacement
from napari_cellforce.physics.regularisation import RegularisationChoice
from napari_cellforce.synthetic.beads import BeadConfig, bead_pair
from napari_cellforce.tfm import (
    TfmConfig,
    TfmDisplacement,
    TfmFrame,
    TfmPaths,
    check_direction,
    invert_displacement,
    prepare,
    region_table,
    tfm_to_files,
)

PIXEL = 0.2
SIZE = PixelSize.square(PIXEL)
GEL = Substrate(8000.0, 0.48)
BEADS = DisplacementConfig(windows=(64, 32, 32), overlap=24, workers=1)
CONFIG = TfmConfig(GEL, BEADS)


def contraction(shape=(300, 340), peak=800.0, axis=(0.3, 0.95)):
    """Two opposite spots that pull toward each other along `axis` (y, x), and a weaker pair across."""
    y, x = np.indices(shape) * PIXEL
    centre = np.array(shape) * PIXEL / 2
    traction = np.zeros((2, *shape))
    along = np.array(axis) / np.hypot(*axis)
    across = np.array([-along[1], along[0]])
    for direction, strength, distance in ((along, 1.0, 14.0), (across, 0.4, 10.0)):
        for sign in (-1, 1):
            place = centre + sign * distance * direction
            spot = np.exp(-((y - place[0]) ** 2 + (x - place[1]) ** 2) / (2 * 2.0**2))
            traction -= sign * strength * peak * direction[:, None, None] * spot
    return traction


@pytest.fixture(scope="module")
def experiment():
    traction = np.stack([contraction(), 0.5 * contraction()])
    moved = displacement(traction, PIXEL, GEL.young, GEL.poisson, padding=1)
    pairs = [bead_pair(frame, BeadConfig(pixel_size=PIXEL), drift=(0.5, -0.9), seed=7) for frame in moved]
    stack = ImageStack(np.stack([p.loaded for p in pairs])[:, None], ("beads",), SIZE, 5.0, "cell")
    y, x = np.indices(traction.shape[2:]) * PIXEL
    mask = ((y - 30) / 20) ** 2 + ((x - 34) / 22) ** 2 < 1
    return pairs[0].reference, stack, Mask(mask[None], "drawn"), traction


@pytest.fixture(scope="module")
def records(experiment):
    reference, stack, mask, _ = experiment
    return list(prepare(reference, stack, CONFIG, mask=mask).run())


def test_the_steps_come_in_order_and_one_lambda_serves_all_frames(records):
    kinds = [type(r) for r in records if isinstance(r, (TfmDisplacement, RegularisationChoice, TfmFrame))]
    assert kinds == [TfmDisplacement, TfmDisplacement, RegularisationChoice, TfmFrame, TfmFrame]
    frames = [r for r in records if isinstance(r, TfmFrame)]
    assert frames[0].choice is frames[1].choice


def test_the_measured_tractions_are_the_true_ones_smoothed(records, experiment):
    _, _, mask, truth = experiment
    frames = [r for r in records if isinstance(r, TfmFrame)]
    for frame, true in zip(frames, truth, strict=True):
        inside = mask.frame(0)
        a, b = frame.traction[:, inside], true[:, inside]
        assert (a * b).sum() / np.sqrt((a**2).sum() * (b**2).sum()) > 0.93
        assert 0.7 < np.hypot(*a).sum() / np.hypot(*b).sum() < 1.35
    forces = [np.hypot(*f.traction[:, mask.frame(0)]).sum() for f in frames]
    assert forces[1] / forces[0] == pytest.approx(0.5, abs=0.08)


@pytest.mark.parametrize("criterion", ["evidence", "gcv"])
@pytest.mark.parametrize("noise_outside", [True, False])
def test_the_lambda_chosen_from_beads_is_nearly_the_best(records, experiment, criterion, noise_outside):
    reference, stack, mask, truth = experiment
    one = ImageStack(stack.data[:1], stack.channel_names, SIZE, None, "cell")
    config = TfmConfig(GEL, BEADS, criterion, noise_outside=noise_outside, margin=4.0)

    def error(settings):
        frame = next(r for r in prepare(reference, one, settings, mask=mask).run() if isinstance(r, TfmFrame))
        return np.sqrt(((frame.traction - truth[0]) ** 2).mean())

    best = min(
        error(dataclasses.replace(config, criterion="fixed", regularisation=v)) for v in _around(records)
    )
    assert error(config) <= 1.1 * best


def _around(records):
    chosen = next(r for r in records if isinstance(r, RegularisationChoice)).regularisation
    return chosen * np.geomspace(0.3, 3, 5)


def test_the_files_hold_everything_and_the_preset_repeats_it(tmp_path, experiment):
    reference, stack, mask, _ = experiment
    job = prepare(reference, stack, CONFIG, mask=mask)
    paths = TfmPaths.of(tmp_path, "cell")
    frames = [r for r in tfm_to_files(job, paths) if isinstance(r, TfmFrame)]
    field = read_field(paths.traction)
    np.testing.assert_array_equal(np.asarray(field.data[1]), frames[1].traction)
    assert (field.unit, field.frame_interval) == ("Pa", 5.0)
    assert read_field(paths.displacement).quantity == "displacement"
    table = pd.read_csv(paths.summary)
    assert table["strain energy [fJ]"].iloc[0] > 3 * table["strain energy [fJ]"].iloc[1] > 0
    assert table["contractile moment [nN·µm]"].gt(0).all()
    assert pd.read_csv(paths.regularisation)["chosen"].sum() == 1
    assert TfmConfig.from_json(paths.preset.read_text()) == CONFIG


def test_a_stopped_job_keeps_what_is_done(tmp_path, experiment):
    reference, stack, mask, _ = experiment
    paths = TfmPaths.of(tmp_path, "cell")
    run = tfm_to_files(prepare(reference, stack, CONFIG, mask=mask), paths)
    for record in run:
        if isinstance(record, TfmFrame):
            break
    run.close()
    assert read_field(paths.traction).frames == (0,)
    assert len(pd.read_csv(paths.summary)) == 1


def test_the_principal_axis_lies_along_the_pull_and_counts_counter_clockwise():
    traction = contraction(axis=(-0.5, 0.8))  # up and to the right on screen
    moved = displacement(traction, PIXEL, GEL.young, GEL.poisson, padding=1)
    labels = np.zeros(traction.shape[1:], int)
    labels[20:280, 20:320] = 4
    fields = [
        VectorField(values[None].astype(np.float32), quantity, unit, SIZE)
        for values, quantity, unit in ((traction, "traction", "Pa"), (moved, "displacement", "µm"))
    ]
    row = region_table(fields[0], labels, fields[1]).iloc[0]
    assert row["region"] == 4
    assert row["direction of first [°]"] == pytest.approx(math.degrees(math.atan2(0.5, 0.8)), abs=0.5)
    first, second = (row[f"{which} principal moment [nN·µm]"] for which in ("first", "second"))
    assert first / second == pytest.approx(14 / (0.4 * 10), rel=1e-2)
    assert first + second == pytest.approx(row["contractile moment [nN·µm]"], rel=1e-5)
    assert row["strain energy [fJ]"] > 0
    dipole = [row[f"force dipole {which} [nN·µm]"] for which in ("xx", "yy", "xy")]
    assert dipole[0] + dipole[1] == pytest.approx(first + second)
    assert dipole[0] > dipole[1] > 0 > dipole[2], "along x mostly; y and x of opposite sign, as y is down"
    percentiles = [
        row[f"{which} traction [Pa]"] for which in ("95th percentile", "99th percentile", "maximum")
    ]
    assert percentiles == sorted(percentiles)


def test_regions_of_another_image_are_refused():
    field = VectorField(np.ones((3, 2, 20, 30), np.float32), "traction", "Pa", SIZE)
    for shape in ((30, 20), (2, 20, 30)):
        with pytest.raises(CellForceError, match="regions are"):
            region_table(field, np.ones(shape, int))
    table = region_table(field, np.repeat([1, 5], 300).reshape(20, 30))
    assert table["region"].tolist() == [1, 5] * 3
    assert table["frame"].tolist() == [0, 0, 1, 1, 2, 2]


def test_forces_that_point_outward_or_have_x_and_y_exchanged_are_noticed():
    traction, mask = contraction(), np.ones((300, 340), bool)
    assert check_direction(traction, mask, SIZE) == ""
    assert "outward" in check_direction(-traction, mask, SIZE)
    exchanged = contraction(axis=(-0.7, 0.7))[::-1]  # up to the right, taken for up to the left
    assert "exchanged" in check_direction(exchanged, mask, SIZE)


def test_a_displacement_from_elsewhere_gives_its_traction():
    traction = contraction()[:, ::4, ::4]
    step = 4 * PIXEL
    moved = displacement(traction, step, GEL.young, GEL.poisson)
    noisy = moved + 1e-3 * np.random.default_rng(0).standard_normal(moved.shape)
    found, choice = invert_displacement(noisy, step, CONFIG)
    assert np.corrcoef(found.ravel(), traction.ravel())[0, 1] > 0.98
    assert choice.criterion == "evidence"


def test_two_pixel_sizes_are_asked_about(experiment):
    reference, stack, _, _ = experiment
    with pytest.warns(CellForceWarning, match=r"reference says 0\.4 µm per pixel, the loaded image 0\.2 µm"):
        prepare(reference, stack, CONFIG, reference_size=PixelSize.square(2 * PIXEL))


def test_bad_input_is_refused_before_anything_is_computed(experiment):
    reference, stack, _, _ = experiment
    unknown = ImageStack(stack.data, stack.channel_names)
    with pytest.raises(CellForceError, match="no reference"):
        prepare(np.empty((0, 0)), stack, CONFIG)
    with pytest.raises(CellForceError) as caught:
        prepare(reference, unknown, CONFIG)
    assert caught.value.topic == "pixel size"
    with pytest.raises(CellForceError, match="Poisson"):
        prepare(reference, stack, TfmConfig(Substrate(8000.0, 0.6)))
    with pytest.warns(CellForceWarning, match="8 Pa: is that meant in kPa"):
        prepare(reference, stack, TfmConfig(Substrate(8.0)))
    assert prepare(reference, stack, TfmConfig(Substrate(8000.0, 0.5))).channel == 0
    with pytest.raises(CellForceError, match="pixels, the loaded image"):
        list(prepare(reference[:200], stack, CONFIG).run())
    still = dataclasses.replace(stack, data=np.broadcast_to(reference, (1, 1, *reference.shape)))
    with pytest.raises(CellForceError, match="the reference and cell are the same image"):
        prepare(reference, still, CONFIG)
    with pytest.raises(CellForceError, match="none is given"):
        TfmConfig(GEL, criterion="fixed")
    with pytest.raises(CellForceError, match=r"Regularisation is 'evidnce'.*Did you mean evidence"):
        TfmConfig(GEL, criterion="evidnce")
    with pytest.raises(CellForceError, match="by the criterion fixed only"):
        TfmConfig(GEL, regularisation=1e-4)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"substrate": {"young": 1, "colour": 2}}'])
def test_presets_that_are_none_are_refused(text):
    with pytest.raises(CellForceError, match=r"preset\.json"):
        TfmConfig.from_json(text, source="preset.json")
