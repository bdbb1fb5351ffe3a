"""A cell is drawn from settings and a seed."""

from __future__ import annotations

import numpy as np
import pytest

from napari_cellforce.errors import CellForceError
from napari_cellforce.synthetic import (
    PAPER_ADHESIONS,
    Adhesions,
    CellConfig,
    FibreMechanics,
    Instrument,
    Outline,
    PopulationConfig,
    SheetMechanics,
    draw,
    drawn_cell,
    fibroblasts,
    replace_setting,
    simulate,
)

CONFIG = CellConfig(side=128, pixel_size=1.36)
ONE_ADHESION = Adhesions(np.array([[80.0, 60.0]]), np.array([6.0]), np.array([2.0]), np.zeros(1), np.ones(1))

SMALL = {"side": 128, "pixel_size": 1.36}


def test_the_same_seed_draws_the_same_cell() -> None:
    one, same, other = (drawn_cell(seed=seed, shape="spread", frames=2, **SMALL) for seed in (5, 5, 6))
    assert np.array_equal(one.image.data, same.image.data)
    assert not np.array_equal(one.image.data, other.image.data)


def test_a_drawn_cell_is_a_movie_in_camera_counts_with_its_mask() -> None:
    cell = drawn_cell(frames=3, proteins=("zyxin", "actin"), **SMALL)
    assert cell.image.data.shape == (3, 2, 128, 128)
    assert cell.image.data.dtype == np.uint16
    assert cell.image.channel_names == ("zyxin", "actin")
    inside = cell.mask.frame(0)
    assert cell.image.data[:, :, inside].mean() > 2 * cell.image.data[:, :, ~inside].mean()


def test_an_unknown_protein_is_refused_with_the_known_ones() -> None:
    with pytest.raises(CellForceError, match="zyxin, paxillin, actin"):
        drawn_cell(proteins=("tubulin",))


def test_a_change_of_one_setting_leaves_the_rest_of_the_picture_as_it_was() -> None:
    before = draw(CONFIG, seed=1)
    after = draw(replace_setting(CONFIG, "adhesions.intensity", 5.0), seed=1)
    assert np.array_equal(before.outline.points, after.outline.points)
    assert np.array_equal(before.adhesions[0].centre, after.adhesions[0].centre)
    change = after.image.data[0, 0].astype(float) - before.image.data[0, 0]
    assert np.median(np.abs(change[before.mask.frame(0)])) < 0.02 * change.max()


def test_a_cell_drawn_by_hand_shows_its_one_adhesion() -> None:
    angle = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    outline = Outline.from_drawing(80 + 35 * np.stack([np.sin(angle), np.cos(angle)], axis=1), smooth=True)
    cell = draw(CONFIG, outline=outline, adhesions=ONE_ADHESION)
    brightest = np.unravel_index(cell.image.data[0, 0].argmax(), cell.image.shape)
    assert np.array(brightest) * 1.36 == pytest.approx([80.0, 60.0], abs=3.0)


def test_an_adhesion_drawn_outside_the_cell_is_refused() -> None:
    far = Adhesions(ONE_ADHESION.centre - 55.0, *(np.ones(1),) * 4)
    with pytest.raises(CellForceError, match="1 of 1 adhesions lie outside"):
        draw(CONFIG, adhesions=far)


@pytest.mark.parametrize("mechanics", [SheetMechanics(), FibreMechanics()])
def test_a_simulated_cell_has_exact_and_measured_traction_from_its_seed(
    mechanics: SheetMechanics | FibreMechanics,
) -> None:
    config = CellConfig(side=128, pixel_size=1.36, mechanics=mechanics, instrument=Instrument(), frames=2)
    cell, same = simulate(config, 4), simulate(config, 4)
    for field, unit in ((cell.traction, "Pa"), (cell.measured, "Pa"), (cell.displacement, "µm")):
        assert field.data.shape == (2, 2, 128, 128)
        assert field.data.dtype == np.float32
        assert field.unit == unit
    assert np.array_equal(cell.measured.data, same.measured.data)
    inside = cell.mask.frame(0)
    magnitudes = cell.traction.magnitude()[0][inside], cell.measured.magnitude()[0][inside]
    assert np.corrcoef(*magnitudes)[0, 1] > 0.8


def test_the_authors_adhesions_fit_a_round_cell() -> None:
    config = CellConfig(adhesions=PAPER_ADHESIONS, side=128, pixel_size=1.36)
    assert len(draw(replace_setting(config, "shape.kind", "circle")).adhesions[0]) > 40


def test_fibroblasts_of_both_mechanics_and_both_shapes_are_written_and_read_back() -> None:
    population = fibroblasts(cells=40)
    assert PopulationConfig.from_json(population.to_json()) == population
    configs = [population.cell_config(i) for i in range(40)]
    assert {type(c.mechanics) for c in configs} == {SheetMechanics, FibreMechanics}
    assert {c.shape.kind for c in configs} == {"spread", "blob"}


def test_a_cell_smaller_than_a_pixel_is_refused() -> None:
    tiny = replace_setting(replace_setting(CONFIG, "shape.area", 0.05), "adhesions.length", 0.1)
    with pytest.raises(CellForceError):
        draw(replace_setting(tiny, "adhesions.width", 0.05))
