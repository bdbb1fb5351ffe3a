"""Stress fibres run along a director: adhesions, fibres and tension follow it."""

from __future__ import annotations

import numpy as np
import pytest

from napari_cellforce.synthetic import (
    AdhesionRule,
    CellConfig,
    Director,
    DirectorRule,
    FibreRule,
    Shape,
    SheetMechanics,
    simulate,
)

ALONG_X = Director.straight(0.0)
DISK = Shape(kind="circle", area=3000.0).outline((60.0, 60.0))


def test_without_tilt_and_bend_it_is_the_long_axis_everywhere() -> None:
    outline = Shape(kind="ellipse", area=3000.0, aspect=3.0, angle=0.7).outline()
    director = DirectorRule(tilt=0.0, bend=0.0).draw(outline, np.random.default_rng(0))
    directions = director.at(np.random.default_rng(1).uniform(-30, 30, (50, 2)))
    assert np.cos(2 * (directions - 0.7)) == pytest.approx(np.ones(50), abs=1e-3)


def test_it_bends_by_as_much_as_the_rule_says_and_smoothly() -> None:
    rng = np.random.default_rng(2)
    grid = np.stack(np.meshgrid(np.arange(0, 200.0), np.arange(0, 200.0), indexing="ij"), axis=-1)
    rule = DirectorRule(tilt=0.0, bend=0.4, scale=8.0)
    directions = np.stack([rule.draw(DISK, rng).at(grid) for _ in range(8)])
    bends = directions - directions.mean(axis=(1, 2), keepdims=True)
    assert bends.std() == pytest.approx(0.4, rel=0.1)
    assert np.abs(np.diff(directions, axis=1)).max() < 0.4


def test_adhesions_gather_where_the_fibres_meet_the_edge_and_lie_along_them() -> None:
    rule = AdhesionRule(number=400, alignment=1.0, polarity=4.0, inside=0.0, jitter=0.0, depth=0.5)
    placed = rule.place(DISK, np.random.default_rng(3), ALONG_X)
    offset = placed.centre - DISK.centroid
    assert np.mean(np.abs(offset[:, 1]) > np.abs(offset[:, 0])) > 0.85
    poles = np.abs(offset[:, 1]) > 2 * np.abs(offset[:, 0])
    assert np.abs(np.sin(placed.angle[poles])).max() < 1e-6
    assert (np.sign(np.cos(placed.angle[poles])) == -np.sign(offset[poles, 1])).all(), "they point inwards"


def test_fibres_follow_it() -> None:
    adhesions = AdhesionRule(number=60, jitter=0.6, inside=0.5).place(DISK, np.random.default_rng(4))
    loose, strict = (
        FibreRule(order=order, straightness=0.5).join(adhesions, np.random.default_rng(5), ALONG_X)
        for order in (0.0, 20.0)
    )

    def along_x(fibres) -> float:  # type: ignore[no-untyped-def]
        steps = np.array([end - start for start, end in fibres.segments(adhesions)])
        return float(np.mean(np.abs(steps[:, 1]) / np.hypot(*steps.T)))

    assert along_x(loose) < 0.8 < 0.95 < along_x(strict)


def test_a_sheet_pulls_harder_along_it_and_stays_in_balance() -> None:
    config = CellConfig(
        shape=Shape(kind="circle", area=3000.0),
        adhesions=AdhesionRule(even=True, jitter=0.0, inside=0.0, corner_preference=0.0, number=40),
        mechanics=SheetMechanics(anisotropy=0.4, alpha=0.2),
        director=DirectorRule(tilt=0.0, bend=0.0),
        side=80,
        pixel_size=1.36,
    )
    cell = simulate(config, 1)
    assert cell.traction is not None
    assert cell.director is not None
    field = np.asarray(cell.traction.data[0], dtype=np.float64)
    axis = np.array([np.sin(cell.director.mean), np.cos(cell.director.mean)])
    along = np.abs(np.tensordot(axis, field, 1)).sum()
    across = np.abs(np.tensordot(axis[::-1] * [1, -1], field, 1)).sum()
    assert along > 1.5 * across
    y, x = np.indices(field.shape[1:])
    assert np.abs(field.sum(axis=(1, 2))).max() < 1e-4 * np.hypot(*field).sum()
    assert abs((x * field[0] - y * field[1]).sum()) < 1e-3 * np.hypot(*field).sum()
