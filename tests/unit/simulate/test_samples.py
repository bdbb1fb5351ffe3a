"""The sample cells: what they show is what they are said to show."""

from __future__ import annotations

import numpy as np
import pytest

from napari_cellforce import hooks
from napari_cellforce.simulate.samples import Sample, drug_sample, measured_sample


@pytest.fixture(scope="module")
def measured() -> Sample:
    return measured_sample()


@pytest.fixture(scope="module")
def course() -> Sample:
    return drug_sample()


def test_a_measurement_is_noisy_outside_the_cell_and_strong_inside(measured):
    magnitude, inside = measured.traction.magnitude(), np.asarray(measured.traction.mask)
    assert 0 < magnitude[~inside].mean() < 0.2 * magnitude[inside].mean()
    assert 100 < magnitude[inside].mean() < 600, "in Pa, like real fibroblasts"
    assert measured.image.channel_names == ("zyxin", "actin")
    assert measured.image.shape == measured.traction.data.shape[2:]


def test_no_false_forces_at_the_rim_are_shown(measured):
    magnitude = measured.traction.magnitude()[0]
    rim = np.ones(magnitude.shape, bool)
    rim[8:-8, 8:-8] = False
    assert magnitude[rim].max() < 0.1 * magnitude.max()


def test_force_falls_with_the_drug_and_recovers(course):
    force = course.traction.magnitude().sum(axis=(1, 2))
    minutes = course.traction.frame_interval * np.arange(len(force))
    rest = force[minutes < 30].mean()
    assert force[(minutes > 45) & (minutes <= 60)].max() < 0.4 * rest
    assert force[-1] > 0.8 * rest


def test_zyxin_leaves_the_adhesions_with_the_force(course):
    """How far the brightest pixels stand out of the cell, at the start and at the end of the treatment."""
    zyxin, inside = course.image.data[:, 0], course.traction.mask[0]
    start, drugged = (np.percentile(zyxin[t][inside], 99.5) - np.median(zyxin[t][inside]) for t in (0, 12))
    assert drugged < 0.7 * start


@pytest.mark.parametrize("make", [hooks.sample_measured, hooks.sample_drug])
def test_all_layers_of_a_sample_lie_on_each_other(make):
    layers = make()
    assert [kind for _, _, kind in layers][-3:] == ["image", "vectors", "labels"]
    assert len({(tuple(a["scale"]), tuple(a["units"])) for _, a, _ in layers}) == 1
    assert any("[Pa]" in attributes["name"] for _, attributes, _ in layers)
