"""More than a prediction: several models, explanations, comparisons; each part is done once."""

from __future__ import annotations

import csv
import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest

from napari_cellforce.batch import load, make_plan, run
from napari_cellforce.batch.planned_input import target_of
from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import VectorField
from napari_cellforce.io import read_field, write_field
from napari_cellforce.predict import PredictConfig

BOTH = ("adhesion-filter", "sheet-filter")


def batch(config):
    """Plan and run; the outcome, and what happened before."""
    predictors = load(config)
    *events, outcome = run(make_plan(config, predictors), predictors)
    return outcome, events


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def ages(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*_traction.ome.tif")}


def predicted(events) -> set[str]:
    """Titles of the rows of which a frame was predicted."""
    return {event.row.title for event in events if event.what == "Predicting" and event.state == "running"}


def measure(folder: Path, out: Path, pascal: float) -> None:
    """Put a measured field beside the first two images: what the filter says, times so many Pa."""
    for n in (1, 2):
        field = read_field(out / "adhesion-filter" / f"cell_{n}_traction.ome.tif")
        data = np.asarray(field.data) * np.float32(pascal)
        measured = VectorField(data, "traction", "Pa", field.pixel_size, field.frame_interval, field.frames)
        write_field(folder / f"cell_{n}_measured.tif", measured)


def test_each_model_has_its_folder_and_its_rows_in_the_table(config, tmp_path):
    outcome, _ = batch(config(models=BOTH))
    assert outcome.complete
    assert outcome.done[:2] == ("cell_1.tif (adhesion-filter)", "cell_1.tif (sheet-filter)")
    for model in BOTH:
        assert len(list((tmp_path / "out" / model).glob("*_traction.ome.tif"))) == 3
    table = rows(outcome.results)
    assert {(row["file"], row["model"]) for row in table} == {
        (f"cell_{n}.tif", model) for n in (1, 2, 3) for model in BOTH
    }
    page = outcome.report.read_text(encoding="utf-8")
    pictured = [re.findall(rf'alt="Protein[^"]*, {model}"', page) for model in BOTH]
    assert [len(found) for found in pictured] == [3, 3]


def test_another_model_leaves_the_first_alone(config, tmp_path):
    batch(config())
    before = ages(tmp_path / "out")
    outcome, events = batch(config(models=BOTH))
    assert outcome.skipped == tuple(f"cell_{n}.tif (adhesion-filter)" for n in (1, 2, 3))
    assert predicted(events) == {f"cell_{n}.tif (sheet-filter)" for n in (1, 2, 3)}
    assert before.items() <= ages(tmp_path / "out").items()


def test_an_explanation_that_is_asked_for_later_predicts_nothing_again(config, tmp_path):
    batch(config())
    before = ages(tmp_path / "out")
    outcome, events = batch(config(explain=("fields",)))
    assert len(outcome.done) == 3
    assert not predicted(events)
    assert not any("brightness" in event.what for event in events), "that is known from the prediction"
    assert ages(tmp_path / "out") == before
    explained = tmp_path / "out" / "adhesion-filter" / "cell_3_explain"
    assert {path.name for path in explained.iterdir()} == {"cell_3_adhesion.ome.tif", "cell_3_fields.csv"}
    assert all(float(row["mean adhesion [brightness of the cell]"]) > 0 for row in rows(outcome.results))
    assert len(batch(config(explain=("fields",)))[0].skipped) == 3


def test_what_is_explained_at_once_is_what_is_explained_later(config, tmp_path):
    batch(config(pattern="cell_3.tif"))
    later, _ = batch(config(pattern="cell_3.tif", explain=("fields",)))
    once, _ = batch(config(pattern="cell_3.tif", explain=("fields",), out=str(tmp_path / "once")))
    assert rows(later.results) == rows(once.results)


def test_a_lost_file_of_an_explanation_is_made_again_and_nothing_else(config, tmp_path):
    batch(config(explain=("fields",)))
    before = ages(tmp_path / "out")
    (tmp_path / "out" / "adhesion-filter" / "cell_2_explain" / "cell_2_fields.csv").unlink()
    outcome, events = batch(config(explain=("fields",)))
    assert outcome.done == ("cell_2.tif",)
    assert not predicted(events)
    assert ages(tmp_path / "out") == before


def test_predictions_are_compared_with_the_measured_fields_beside_the_images(config, folder, tmp_path):
    batch(config(pattern="cell_[12].tif"))
    measure(folder, tmp_path / "out", 300.0)
    wanted = config(pattern="cell_[12]*.tif", compare="*_measured.tif")
    outcome, events = batch(wanted)
    assert outcome.complete, outcome.failures
    assert not predicted(events), "and the measured fields are no inputs"
    for row in rows(outcome.results):
        normalised = float(row["total force [normalised]"])
        assert float(row["measured total force [nN]"]) == pytest.approx(300 * normalised, rel=1e-3)
    agreement = rows(tmp_path / "out" / "agreement.csv")
    factors = [float(row["value"]) for row in agreement if row["quantity"].startswith("calibration of A")]
    assert factors == pytest.approx([300.0] * 2, rel=1e-3)
    assert "Against the measured field" in outcome.report.read_text(encoding="utf-8")
    measure(folder, tmp_path / "out", 200.0)
    (folder / "cell_1_measured.tif").unlink()
    plan = make_plan(wanted, load(wanted))
    assert [row.missing for row in plan.inputs] == [(), ("compare",)]
    assert "cell_1_measured.tif" in plan.problems[0].problem, "that it is missing is known before the start"
    assert plan.inputs[0].predicted


def test_a_missing_measured_field_costs_only_the_comparison(config, tmp_path):
    outcome, _ = batch(config(pattern="cell_1.tif", compare="*_measured.tif"))
    assert set(outcome.failures) == {"cell_1.tif"}
    assert {row["file"] for row in rows(outcome.results)} == {"cell_1.tif"}
    assert [(row["file"], row["part"]) for row in rows(tmp_path / "out" / "failures.csv")] == [
        ("cell_1.tif", "compare")
    ]


def test_a_part_that_fails_leaves_the_others(config, monkeypatch):
    from napari_cellforce.batch import execute

    def refuse(*_):
        raise CellForceError("too few pixels", "there must be more", "Take more.")
        yield

    monkeypatch.setattr(execute, "explain", refuse)
    outcome, _ = batch(config(explain=("formula",)))
    assert len(outcome.failures) == 3
    assert "formula: too few pixels" in outcome.failures["cell_1.tif"]
    assert len(rows(outcome.results)) == 6, "the predictions stand"
    monkeypatch.undo()
    assert len(batch(config())[0].skipped) == 3, "and are not made again"


def test_nothing_half_explained_is_left_behind(config, tmp_path, monkeypatch):
    from napari_cellforce.batch import execute

    def half(job, config, folder, module):
        folder.mkdir(parents=True)
        (folder / "half.csv").write_text("frame\n")
        raise OSError("the cable")
        yield

    monkeypatch.setattr(execute, "explain", half)
    outcome, _ = batch(config(explain=("fields",)))
    assert len(outcome.failures) == 3
    assert not list((tmp_path / "out").rglob("half.csv"))


def test_what_no_model_has_is_refused_before_anything_is_done(config):
    with pytest.raises(CellForceError, match="greens cannot be explained with adhesion-filter"):
        load(config(explain=("greens",)))


def test_two_models_of_one_name_are_refused(config):
    with pytest.raises(CellForceError, match="two of the models are called"):
        load(config(models=("adhesion-filter", "adhesion-filter")))
    with pytest.raises(CellForceError, match="no model is chosen"):
        load(config(models=()))


def test_of_several_models_those_in_pascal_are_not_calibrated(config, predictor):
    given = config(models=BOTH, predict=PredictConfig(calibration=267))
    assert given.predict_for(predictor.record).calibration == 267
    in_pascal = dataclasses.replace(predictor.record, output_unit="Pa")
    assert given.predict_for(in_pascal).calibration is None


@pytest.mark.parametrize("name", ["..", "../../etc", "a/b", ".hidden", ""])
def test_the_name_of_a_model_never_leads_out_of_the_results(tmp_path, name):
    target = target_of(tmp_path, name, Path("day 1/cell.tif"), whole_name=False)
    assert target.resolve().is_relative_to(tmp_path)
    assert len(target.relative_to(tmp_path).parts) == 3
    assert not target.relative_to(tmp_path).parts[0].startswith(".")


@pytest.mark.slow
def test_several_processes_do_all_parts_alike(config, folder, movie, tmp_path):
    movie(folder / "long.tif", frames=60)
    alone, _ = batch(config(models=BOTH, explain=("fields",), pattern="*[23g].tif"))
    together, _ = batch(
        config(models=BOTH, explain=("fields",), pattern="*[23g].tif", workers=2, out=str(tmp_path / "two"))
    )
    assert together.complete, together.failures
    assert rows(together.results) == rows(alone.results)
