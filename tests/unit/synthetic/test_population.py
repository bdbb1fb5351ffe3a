"""Cells of a population differ between the limits, and each depends on its own number alone."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

from napari_cellforce.errors import CellForceError, CellForceWarning
from napari_cellforce.synthetic import (
    CellConfig,
    FibreMechanics,
    PopulationConfig,
    Range,
    Recipe,
    SheetMechanics,
    SyntheticCell,
    directed_fibroblasts,
    fibroblasts,
)

RECIPE = Recipe(
    CellConfig(side=96, pixel_size=1.36, mechanics=FibreMechanics()),
    (Range("shape.area", 1500.0, 5000.0), Range("expression", 0.2, 5.0, logarithmic=True)),
)
POPULATION = PopulationConfig((RECIPE,), cells=6, seed=11)


def test_settings_stay_between_their_limits() -> None:
    configs = [POPULATION.cell_config(i) for i in range(200)]
    areas = [c.shape.area for c in configs]
    assert 1500.0 <= min(areas) < 1700.0
    assert 4800.0 < max(areas) <= 5000.0
    assert np.median([c.expression for c in configs]) == pytest.approx(1.0, rel=0.25)


def test_kinds_of_cell_are_as_frequent_as_their_weights() -> None:
    other = dataclasses.replace(RECIPE, config=CellConfig(), weight=3.0)
    population = PopulationConfig((RECIPE, other), cells=400)
    made = [population.cell_config(i).mechanics is None for i in range(400)]
    assert np.mean(made) == pytest.approx(0.75, abs=0.06)


def test_a_cell_is_the_same_in_a_larger_population_and_in_another_process() -> None:
    here = [POPULATION.cell(i) for i in (4, 1)]
    larger = dataclasses.replace(POPULATION, cells=1000)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        there = list(pool.map(larger.cell, (4, 1)))
    for one, other in zip(here, there, strict=True):
        assert np.array_equal(one.image.data, other.image.data)
        assert np.array_equal(one.traction.data, other.traction.data)
    assert not np.array_equal(here[0].image.data, here[1].image.data)


def test_a_cell_that_cannot_be_made_is_named_and_the_others_follow() -> None:
    """The larger cells find no room in 80 µm, and no sheet is held where a displacement reaches too far."""
    crowded = dataclasses.replace(RECIPE, config=CellConfig(side=64, pixel_size=1.25))
    with pytest.warns(CellForceWarning, match=r"cell \d of the population: the outline .* leaves the image"):
        made = list(PopulationConfig((crowded,), cells=8, seed=11))
    assert 0 < len(made) < 8
    loose = dataclasses.replace(RECIPE.config, mechanics=SheetMechanics(penetration=1e9))
    with pytest.raises(CellForceError, match=r"cell 3 of the population: .*without springs"):
        PopulationConfig((Recipe(loose),)).cell(3)


def test_a_range_must_name_a_setting_and_have_its_limits_in_order() -> None:
    with pytest.raises(CellForceError, match="colour"):
        Recipe(CellConfig(), (Range("colour", 0.0, 1.0),))
    with pytest.raises(CellForceError, match="lower limit"):
        Range("shape.area", 5.0, 1.0)
    with pytest.raises(CellForceError, match="weight"):
        PopulationConfig((dataclasses.replace(RECIPE, weight=0.0),))


def test_directed_cells_come_with_both_mechanics_and_their_forces_need_not_point_to_the_middle() -> None:
    people = directed_fibroblasts(8, 3, side=192, measured=True)
    directed, plain = (
        [off_centre(population.cell(i)) for i in (4, 5, 6, 7)]
        for population in (people, fibroblasts(8, 3, side=192))
    )
    assert {type(people.cell_config(i).mechanics) for i in range(8)} == {SheetMechanics, FibreMechanics}
    assert np.mean(directed) > 1.5 * np.mean(plain)


def off_centre(cell: SyntheticCell) -> float:
    """Return the mean angle between traction and the way to the centroid, weighted with |F|, in radians."""
    assert cell.traction is not None
    field = np.asarray(cell.traction.data[0], dtype=np.float64)
    position = np.indices(field.shape[1:]) * cell.config.pixel_size
    towards = cell.outline.centroid[:, None, None] - position
    turn = np.angle(np.exp(1j * (np.arctan2(*field) - np.arctan2(*towards))))
    strength = np.hypot(*field)
    return float((np.abs(turn) * strength).sum() / strength.sum())
