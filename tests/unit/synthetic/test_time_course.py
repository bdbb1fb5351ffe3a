"""A drug lowers contractility, adhesions fade with it, and both come back."""

from __future__ import annotations

import numpy as np
import pytest

from napari_cellforce.errors import CellForceError
from napari_cellforce.synthetic import AdhesionRule, Drug, Shape, Turnover

MINUTES = np.arange(0.0, 150.0)


def test_contractility_falls_at_wash_in_and_recovers_after_wash_out() -> None:
    activity = Drug(wash_in=30, wash_out=60, strength=0.8, onset=4, recovery=15).activity(MINUTES)
    assert (activity[:31] == 1).all()
    assert activity[60] == pytest.approx(0.2, abs=0.01)
    assert activity[75] == pytest.approx(1 - 0.8 / np.e, abs=0.01)
    assert activity[149] > 0.99
    assert (np.diff(activity[30:61]) < 0).all()
    assert (np.diff(activity[60:]) > 0).all()


def test_adhesions_fade_and_shrink_with_contractility_and_come_back() -> None:
    adhesions = AdhesionRule(number=60).place(Shape().outline(), np.random.default_rng(0))
    activity = Drug().activity(MINUTES)
    turnover = Turnover(fluctuation=0.0, recruitment=0.6)
    frames = turnover.frames(adhesions, MINUTES, activity, np.random.default_rng(0))
    assert frames[0].intensity == pytest.approx(adhesions.intensity)
    assert frames[60].intensity == pytest.approx((0.4 + 0.6 * activity[60]) * adhesions.intensity)
    assert (frames[60].length < adhesions.length).all()
    assert frames[149].length == pytest.approx(adhesions.length, rel=0.01)


def test_adhesions_fluctuate_by_the_stated_amount_and_forget_in_their_lifetime() -> None:
    adhesions = AdhesionRule(number=300).place(Shape(area=8000.0).outline(), np.random.default_rng(0))
    turnover = Turnover(fluctuation=0.2, lifetime=10.0)
    frames = turnover.frames(adhesions, MINUTES, np.ones(150), np.random.default_rng(0))
    change = np.log([frame.intensity / adhesions.intensity for frame in frames])[40:]
    assert change.std() == pytest.approx(0.2, rel=0.1)
    assert (change[10:] * change[:-10]).mean() / change.var() == pytest.approx(1 / np.e, abs=0.1)


def test_a_drug_cannot_be_washed_out_before_it_is_washed_in() -> None:
    with pytest.raises(CellForceError, match="washed out"):
        Drug(wash_in=50, wash_out=20)
