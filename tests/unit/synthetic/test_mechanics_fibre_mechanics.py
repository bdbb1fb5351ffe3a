"""Stress fibres pull adhesions together; nothing is left over."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from napari_cellforce.synthetic import Adhesions, FibreMechanics, FibreRule, Fibres, SyntheticCell, drawn_cell

PIXEL = 0.68


@pytest.fixture(scope="module")
def cell() -> SyntheticCell:
    return drawn_cell(shape="spread", pixel_size=PIXEL, seed=2)


def traction(cell: SyntheticCell, mechanics: FibreMechanics | None = None) -> np.ndarray:
    mechanics = mechanics or FibreMechanics()
    return mechanics.traction(cell.mask.frame(0), PIXEL, cell.adhesions, cell.fibres, np.ones(1))[0]


def test_forces_and_moments_cancel_to_rounding(cell: SyntheticCell) -> None:
    field = traction(cell)
    y, x = np.mgrid[: field.shape[1], : field.shape[2]]
    total = np.hypot(*field).sum()
    assert np.abs(field.sum(axis=(1, 2))).max() < 1e-12 * total
    assert abs((y * field[1] - x * field[0]).sum()) < 1e-10 * total


def test_the_cell_pulls_inward(cell: SyntheticCell) -> None:
    field = traction(cell)
    y, x = np.mgrid[: field.shape[1], : field.shape[2]] * PIXEL
    assert ((y - cell.outline.centroid[0]) * field[0] + (x - cell.outline.centroid[1]) * field[1]).sum() < 0


def test_one_fibre_between_two_adhesions_carries_the_tension_of_three_springs_in_a_row() -> None:
    adhesions = Adhesions(
        np.array([[20.0, 10.0], [20.0, 40.0]]),
        np.array([4.0, 2.0]),
        np.ones(2),
        np.array([0.0, math.pi]),
        np.ones(2),
    )
    fibre = Fibres(np.array([[0, 1]]), np.array([0.6]), np.array([2e6]))
    mechanics = FibreMechanics(prestrain=0.1, gel=5000.0, spread=0.5)
    rigidity = 2e6 * math.pi / 4 * 0.6**2
    compliance = 30.0 / rigidity + 1 / (5000.0 * 4.0) + 1 / (5000.0 * 2.0)
    expected = 0.1 * 30.0 / compliance
    direction, tension = mechanics.tensions(adhesions.centre, adhesions, fibre)
    assert direction[0] == pytest.approx([0.0, 1.0])
    assert tension[0] == pytest.approx(expected)
    field = mechanics.traction(np.ones((80, 100), dtype=bool), 0.5, (adhesions,), fibre, np.ones(1))[0]
    left = field[1, :, :50].sum() * 0.5**2
    assert left == pytest.approx(expected, rel=1e-3)
    assert field[1, :, 50:].sum() * 0.5**2 == pytest.approx(-expected, rel=1e-3)


def test_thicker_and_stiffer_fibres_pull_more(cell: SyntheticCell) -> None:
    thick = dataclasses.replace(
        cell, fibres=dataclasses.replace(cell.fibres, thickness=1.5 * cell.fibres.thickness)
    )
    stiff = dataclasses.replace(cell, fibres=dataclasses.replace(cell.fibres, young=1.5 * cell.fibres.young))
    totals = [np.hypot(*traction(c)).sum() for c in (cell, stiff, thick)]
    assert totals[0] < totals[1] < totals[2]


def test_fibres_join_adhesions_that_face_each_other(cell: SyntheticCell) -> None:
    adhesions = cell.adhesions[0]
    for (i, j), (start, end) in zip(cell.fibres.ends, cell.fibres.segments(adhesions), strict=True):
        direction = math.atan2(*(end - start))
        assert math.cos(direction - adhesions.angle[i]) > 0
        assert math.cos(direction - adhesions.angle[j]) < 0


def test_a_cell_without_fibres_does_not_pull() -> None:
    cell = drawn_cell(pixel_size=PIXEL)
    alone = dataclasses.replace(
        cell, fibres=FibreRule(per_adhesion=0.0).join(cell.adhesions[0], np.random.default_rng(0))
    )
    assert not traction(alone).any()
