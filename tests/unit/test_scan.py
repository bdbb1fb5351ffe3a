"""Scans: a cell is changed step by step; what is known of forces must come out, and nothing is hidden."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from itertools import islice

import numpy as np
import pandas as pd
import pytest

from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import FrameResult, PixelSize, Progress
from napari_cellforce.models.record import ModelRecord
from napari_cellforce.scan import (
    PARAMETERS,
    Drawing,
    ScanConfig,
    ScanStep,
    angle_to_adhesions,
    evaluate_model,
    force_model,
    mean_curve,
    scan,
    scan_table,
    trends,
)
from napari_cellforce.scan.evaluate_cell import force_distance_correlation
from napari_cellforce.scan.models import PredictedForces
from napari_cellforce.scan.output import curve_style, drawn_cells, needs_relative, save_figure, write_scan
from napari_cellforce.synthetic import (
    Adhesions,
    Camera,
    CellConfig,
    DirectorRule,
    Outline,
    Shape,
    SheetMechanics,
    simulate,
)

SMALL = CellConfig(shape=Shape(kind="ellipse", area=1500.0, aspect=1.3), side=128, pixel_size=0.68)
"""A cell of 50 µm on a coarse grid, quick to draw and to solve."""


@pytest.fixture(scope="module")
def growing() -> tuple[ScanConfig, list[ScanStep]]:
    """A cell that spreads from 700 to 2000 µm², asked of the sheet and of the adhesion filter."""
    config = ScanConfig("area", 700, 2000, 3, ("sheet", "adhesion-filter"), Drawing(SMALL))
    return config, [record for record in scan(config) if isinstance(record, ScanStep)]


def _single_adhesion(angle: float) -> Adhesions:
    one = np.ones(1)
    return Adhesions(np.array([[20.0, 30.0]]), 6 * one, 2 * one, angle * one, one)


def _hand_drawn() -> Drawing:
    """A lopsided triangle with two adhesions in it."""
    outline = Outline(np.array([[20.0, 20.0], [65.0, 30.0], [35.0, 60.0]]))
    adhesions = Adhesions(
        np.array([[30.0, 30.0], [50.0, 34.0]]),
        np.array([3.0, 5.0]),
        np.array([1.0, 1.0]),
        np.array([0.5, 2.0]),
        np.array([1.0, 2.0]),
    )
    return Drawing(SMALL, 0, outline, adhesions)


def test_a_larger_cell_pulls_harder_along_its_adhesions_and_in_balance(growing) -> None:
    config, steps = growing
    table = scan_table(config, steps)
    sheet = table[table["model"] == "sheet"]
    assert [step.value for step in steps] == [700, 1350, 2000]
    np.testing.assert_allclose(sheet["area [µm²]"], [700, 1350, 2000], rtol=0.02)
    assert sheet["total force [nN]"].is_monotonic_increasing
    assert sheet["strain energy [fJ]"].is_monotonic_increasing
    assert (sheet["angle to the adhesions [°]"] < 45).all()
    assert (sheet["net / total force"] < 0.01).all()


def test_the_adhesion_filter_grows_with_area_by_construction_alone(growing) -> None:
    config, steps = growing
    own = scan_table(config, steps).query("model == 'adhesion-filter'")
    np.testing.assert_allclose(own["mean traction [normalised]"], 1, rtol=1e-5)
    np.testing.assert_allclose(own["total force [normalised]"] / own["area [µm²]"], 1e-3, rtol=1e-5)
    assert mean_curve(own, config.scanned.column, "strain energy") is None, (
        "normalised tractions have no energy"
    )


def test_cells_differ_in_the_scanned_property_alone(growing) -> None:
    _, steps = growing
    first, last = steps[0].cell, steps[-1].cell
    assert replace(first.config.shape, area=2000.0) == last.config.shape
    assert first.config.adhesions == last.config.adhesions
    assert {step.seed for step in steps} == {0}


def test_the_drawn_cells_are_kept_as_a_stack(growing) -> None:
    config, steps = growing
    stack = drawn_cells(config, steps)
    assert stack.data.shape == (3, 1, 128, 128)
    np.testing.assert_array_equal(stack.data[2], steps[2].cell.image.data[0])


@pytest.mark.parametrize(("direction", "degrees"), [(0.4, 0), (0.4 + math.pi / 2, 90), (0.4 + math.pi, 180)])
def test_the_angle_to_an_adhesion_tells_along_across_and_outward(direction: float, degrees: float) -> None:
    field = np.zeros((2, 80, 90), np.float32)
    field[0], field[1] = math.sin(direction), math.cos(direction)
    angle = angle_to_adhesions(field, _single_adhesion(0.4), PixelSize.square(0.5))
    assert angle == pytest.approx(degrees, abs=1e-2)


def test_without_adhesions_or_forces_there_is_no_angle() -> None:
    nothing = Adhesions(np.empty((0, 2)), *np.empty((4, 0)))
    field = np.zeros((2, 80, 90), np.float32)
    assert math.isnan(angle_to_adhesions(field + 1, nothing, PixelSize.square(0.5)))
    assert math.isnan(angle_to_adhesions(field, _single_adhesion(0.4), PixelSize.square(0.5)))


@pytest.mark.parametrize(("power", "expected"), [(1, 1), (-1, -1)])
def test_it_is_noticed_whether_outer_adhesions_pull_harder(power: int, expected: float) -> None:
    y, x = np.indices((80, 80)) - 39.5
    distance = np.hypot(y, x)
    strength = np.ones(4)
    on_a_ray = Adhesions(
        np.array([[24.0, 20.0], [30.0, 20.0], [34.0, 20.0], [38.0, 20.0]]),
        *([2 * strength] * 2),
        *([0 * strength] * 2),
    )
    field = np.stack([distance**power, 0 * distance]).astype(np.float32)
    found = force_distance_correlation(field, distance < 39, on_a_ray, PixelSize.square(0.5))
    assert found == pytest.approx(expected)


def test_a_cell_drawn_by_hand_grows_with_its_adhesions() -> None:
    drawing = _hand_drawn()
    grown = PARAMETERS["area"].change(drawing, 4 * drawing.outline.area)
    centre = drawing.outline.centroid
    assert grown.outline.area == pytest.approx(4 * drawing.outline.area)
    np.testing.assert_allclose(grown.adhesions.centre - centre, 2 * (drawing.adhesions.centre - centre))
    np.testing.assert_array_equal(grown.adhesions.length, drawing.adhesions.length)


def test_a_cell_drawn_by_hand_is_stretched_along_its_long_axis_at_constant_area() -> None:
    drawing = _hand_drawn()
    stretched = PARAMETERS["aspect"].change(drawing, 2.0)
    axis = drawing.outline.long_axis
    along = np.array([math.sin(axis), math.cos(axis)])
    assert stretched.outline.area == pytest.approx(drawing.outline.area)
    before, after = (np.ptp(d.outline.points @ along) for d in (drawing, stretched))
    assert after == pytest.approx(math.sqrt(2) * before)


@pytest.mark.parametrize(("name", "attribute"), [("length",) * 2, ("width",) * 2, ("intensity",) * 2])
def test_adhesions_drawn_by_hand_are_scaled_to_the_median(name: str, attribute: str) -> None:
    drawing = _hand_drawn()
    changed = getattr(PARAMETERS[name].change(drawing, 8.0).adhesions, attribute)
    old = getattr(drawing.adhesions, attribute)
    assert np.median(changed) == pytest.approx(8.0)
    np.testing.assert_allclose(changed / changed[0], old / old[0])


def test_a_density_overrides_a_number() -> None:
    numbered = PARAMETERS["number"].change(Drawing(SMALL), 7)
    assert len(numbered.draw().adhesions[0]) <= 7
    assert len(PARAMETERS["density"].change(numbered, 0.8).draw().adhesions[0]) > 30


def test_a_number_is_scanned_in_whole_steps_up_or_down() -> None:
    assert ScanConfig("number", 1, 4, 10).values == (1, 2, 3, 4)
    assert ScanConfig("number", 4, 1, 10).values == (4, 3, 2, 1)


def test_a_scanned_number_is_that_of_the_adhesions() -> None:
    config = ScanConfig("number", 5, 20, 2, ("sheet",), Drawing(SMALL))
    steps = [record for record in scan(config) if isinstance(record, ScanStep)]
    assert [len(step.cell.adhesions[0]) for step in steps] == [5, 20]


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_range_that_is_offered_fits_the_cell_that_is_offered(name: str) -> None:
    parameter = PARAMETERS[name]
    for value in (parameter.low, parameter.high):
        assert len(parameter.change(Drawing(), value).draw().adhesions[0])


@pytest.mark.parametrize("name", ["density", "number", "distance"])
def test_rules_cannot_be_scanned_where_adhesions_are_drawn_by_hand(name: str) -> None:
    with pytest.raises(CellForceError, match="drawn by hand"):
        list(scan(ScanConfig(name, 1, 2, 2, ("sheet",), _hand_drawn())))


def test_a_circle_has_no_aspect_ratio_to_scan() -> None:
    with pytest.raises(CellForceError, match="Choose the ellipse"):
        PARAMETERS["aspect"].change(Drawing(replace(SMALL, shape=Shape(kind="circle"))), 2.0)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"parameter": "hue"}, "there are area"),
        ({"low": 5.0, "high": 5.0}, "two different numbers"),
        ({"high": math.nan}, "To is nan"),
        ({"steps": 1}, "at least 2"),
        ({"models": ()}, "at least one"),
    ],
)
def test_scans_that_make_no_sense_are_refused(settings: dict, words: str) -> None:
    with pytest.raises(CellForceError, match=words):
        ScanConfig(**settings)


def test_a_cell_that_cannot_be_drawn_is_noted_and_the_scan_goes_on() -> None:
    config = ScanConfig("area", 700, 90000, 2, ("sheet",), Drawing(SMALL))
    steps = [record for record in scan(config) if isinstance(record, ScanStep)]
    assert steps[0].evaluations
    assert steps[1].cell is None
    assert "at cell area 90000 µm²" in steps[1].problems[0]
    assert "leaves the image" in steps[1].problems[0]


def test_a_model_without_an_answer_is_noted_and_the_others_are_asked() -> None:
    dark = replace(SMALL, camera=Camera(exposure=0, background=0, read_noise=0))
    config = ScanConfig("area", 700, 900, 2, ("adhesion-filter", "sheet"), Drawing(dark))
    step = next(record for record in scan(config) if isinstance(record, ScanStep))
    assert [evaluation.model for evaluation in step.evaluations] == ["sheet"]
    assert step.problems[0].startswith("adhesion-filter, at cell area 700 µm²")


def test_nothing_is_drawn_ahead_of_a_stop() -> None:
    config = ScanConfig("area", 700, 1e9, 50, ("sheet",), Drawing(SMALL))
    running = scan(config)
    records = list(islice(running, 2))
    running.close()
    assert isinstance(records[0], Progress)
    assert records[1].index == 0


class Brightness:
    """A predictor whose traction is the normalised image, along x."""

    record = ModelRecord("brightness", "test")

    def predict_frame(self, image, mask, pixel_size) -> FrameResult:  # noqa: ARG002 - the protocol's
        return FrameResult(np.stack([np.zeros_like(image[0]), np.where(mask, image[0], 0)]))


def test_alone_a_brighter_cell_looks_the_same_and_in_a_movie_brighter() -> None:
    dim, bright = (Drawing(replace(SMALL, expression=e)).draw() for e in (1.0, 3.0))
    alone = PredictedForces(Brightness())
    together = alone.as_movie([dim, bright])
    means = {
        name: [evaluate_model(model, cell).numbers["mean traction [normalised]"] for cell in (dim, bright)]
        for name, model in (("alone", alone), ("together", together))
    }
    assert means["alone"] == pytest.approx([1, 1], abs=0.05)
    assert means["together"][1] / means["together"][0] == pytest.approx(3, rel=0.05)


def test_several_cells_a_step_differ_by_their_seed() -> None:
    config = ScanConfig("length", 2, 4, 2, ("sheet",), Drawing(SMALL, seed=5), cells=2)
    steps = [record for record in scan(config) if isinstance(record, ScanStep)]
    assert [(step.value, step.seed) for step in steps] == [(2, 5), (2, 6), (4, 5), (4, 6)]


def test_channels_are_added_for_what_a_model_must_see() -> None:
    drawing = Drawing(SMALL)
    seen = drawing.with_proteins(("zyxin", "actin")).draw().image
    assert seen.channel_names == ("zyxin", "actin")
    np.testing.assert_array_equal(seen.data[:, 0], drawing.draw().image.data[:, 0])


def test_fibres_answer_too_and_balance() -> None:
    cell = Drawing(SMALL).draw()
    numbers = evaluate_model(force_model("fibres"), cell).numbers
    assert numbers["total force [nN]"] > 10
    assert numbers["net / total force"] < 0.01


def test_trends_find_power_laws_and_directions() -> None:
    x = np.linspace(1, 4, 7)
    table = pd.DataFrame(
        {
            "model": "law",
            "cell area [µm²]": x,
            "total force [nN]": 3 * np.sqrt(x),
            "mean traction [Pa]": 5 / x,
            "maximum traction [Pa]": 2.0,
        }
    )
    found = trends(table, "cell area [µm²]").set_index("quantity")
    assert found.loc["total force [nN]", "exponent"] == pytest.approx(0.5)
    assert found.loc["total force [nN]", "ratio"] == pytest.approx(2)
    assert found["correlation"].tolist() == pytest.approx([1, -1, 0])


def test_curves_in_different_units_are_compared_relative_to_their_start(growing) -> None:
    table = scan_table(*growing)
    assert needs_relative(table, "total force")
    assert not needs_relative(table, "angle to the adhesions")
    assert not needs_relative(table[table["model"] == "sheet"], "total force")


def test_a_scan_on_disk_can_be_read_and_repeated(growing, tmp_path) -> None:
    config, steps = growing
    table, _, figure, cells, settings, cell = write_scan(tmp_path, config, steps)
    pd.testing.assert_frame_equal(pd.read_csv(table), scan_table(config, steps), check_dtype=False)
    assert figure.read_bytes().startswith(b"\x89PNG")
    assert cells.stat().st_size > 128 * 128
    assert json.loads(settings.read_text())["values"] == [700, 1350, 2000]
    assert CellConfig.from_json(cell.read_text()) == SMALL


def test_a_scan_says_which_weights_it_asked(growing, tmp_path) -> None:
    config, steps = growing
    cell = steps[0].cell
    weighty = PredictedForces(
        type("Weighty", (Brightness,), {"record": replace(Brightness.record, sha256="ab")})()
    )
    said = (*steps[0].evaluations, evaluate_model(weighty, cell))
    settings = json.loads(write_scan(tmp_path, config, [replace(steps[0], evaluations=said)])[4].read_text())
    assert settings["SHA-256 of their weights"] == {"brightness": "ab"}, "the sheet has none"
    assert said[-1].provenance.model_sha256 == "ab"


def test_no_two_of_many_curves_look_alike() -> None:
    assert len({curve_style(i) for i in range(12)}) == 12


def test_figures_are_also_drawn_as_vectors_but_not_as_anything(growing, tmp_path) -> None:
    config, steps = growing
    table = scan_table(config, steps)
    assert b"<svg" in save_figure(tmp_path / "a.svg", table, config.scanned.column).read_bytes()
    with pytest.raises(CellForceError, match=r"\.png, \.svg"):
        save_figure(tmp_path / "a.gif", table, config.scanned.column)


def test_a_scan_without_any_result_is_not_written(tmp_path) -> None:
    config = ScanConfig("area", 80000, 90000, 2, ("sheet",), Drawing(SMALL))
    steps = [record for record in scan(config) if isinstance(record, ScanStep)]
    with pytest.raises(CellForceError, match="leaves the image"):
        write_scan(tmp_path, config, steps)
    assert not list(tmp_path.iterdir())


def test_the_sheet_asked_is_the_sheet_that_was_simulated_also_where_tension_has_a_direction() -> None:
    config = replace(SMALL, mechanics=SheetMechanics(anisotropy=0.8), director=DirectorRule())
    cell = simulate(config, 3)
    assert cell.traction is not None
    np.testing.assert_array_equal(force_model("sheet").forces(cell).traction, cell.traction.data[0])
