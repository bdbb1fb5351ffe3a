"""Adhesions answer to the force that they bear."""

from __future__ import annotations

import numpy as np
import pytest

from napari_cellforce.synthetic import Adhesions, Remodelling

TWO = Adhesions(
    np.array([[10.0, 10.0], [30.0, 30.0]]), np.full(2, 4.0), np.full(2, 1.5), np.zeros(2), np.ones(2)
)


def pulled(first: float, second: float) -> np.ndarray:
    """Traction along y: so much on the upper adhesion, so much on the lower."""
    traction = np.zeros((2, 40, 40))
    traction[0, :20] = first
    traction[0, 20:] = second
    return traction


def test_they_turn_into_the_direction_of_their_force() -> None:
    after = Remodelling(turning=1.0, recruitment=0.0).of(TWO, pulled(1.0, -1.0), 1.0)
    assert np.sin(after.angle) == pytest.approx([1.0, -1.0])
    assert after.intensity == pytest.approx([1.0, 1.0])
    half = Remodelling(turning=0.5).of(TWO, pulled(1.0, 1.0), 1.0)
    assert half.angle == pytest.approx(np.full(2, np.pi / 4))


def test_what_bears_more_is_brighter_and_what_bears_nothing_does_not_turn() -> None:
    after = Remodelling(turning=1.0, recruitment=0.5).of(TWO, pulled(2.0, 0.0), 1.0)
    assert after.intensity == pytest.approx([2**0.5, 0.2**0.5])
    assert after.angle[1] == 0


def test_where_there_are_none_nothing_happens() -> None:
    none = Adhesions(np.empty((0, 2)), *(np.empty(0),) * 4)
    assert len(Remodelling().of(none, pulled(1.0, 1.0), 1.0)) == 0
