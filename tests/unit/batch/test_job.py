"""A run: all that can be computed is computed once, and the rest is reported."""

from __future__ import annotations

import csv
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest

from napari_cellforce.batch import CancelToken, InputEvent, Outcome, execute, input_state, make_plan, run
from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import Mask
from napari_cellforce.io import read, read_field, write_mask
from napari_cellforce.predict import PredictConfig, RunConfig, predict, prepare


def batch(config, predictor, cancel=None) -> tuple[Outcome, list[InputEvent]]:
    """Plan and run; the outcome, and what happened before."""
    *events, outcome = run(make_plan(config, [predictor]), [predictor], cancel)
    return outcome, events


class Counting:
    """A model that counts the frames it is asked for."""

    def __init__(self, predictor):
        self.record, self._predictor, self.frames = predictor.record, predictor, 0

    def predict_frame(self, *inputs):
        self.frames += 1
        return self._predictor.predict_frame(*inputs)


def measure_baselines_of(job) -> list:
    """What the generator `Prediction.measure_baselines` returns."""

    def kept(found: list):
        found.append((yield from job.measure_baselines()))

    found: list = []
    list(kept(found))
    return found


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def contents(out: Path) -> dict[str, object]:
    """What a run has made, without dates: tractions, masks and tables."""
    found: dict[str, object] = {}
    for path in sorted(out.rglob("*_traction.ome.tif")):
        field = read_field(path)
        found[path.name] = (np.asarray(field.data).tobytes(), np.asarray(field.mask).tobytes(), field.frames)
    for path in [*sorted(out.rglob("*_summary.csv")), out / "results.csv"]:
        found[path.name] = path.read_text()
    return found


def test_all_inputs_give_their_files_one_table_and_one_page(config, predictor, tmp_path):
    outcome, _ = batch(config(), predictor)
    assert outcome.done == ("cell_1.tif", "cell_2.tif", "cell_3.tif")
    assert outcome.complete
    table = rows(outcome.results)
    assert [(row["file"], row["frame"]) for row in table] == [
        (f"cell_{n}.tif", str(t)) for n in (1, 2, 3) for t in range(n)
    ]
    assert "total force [normalised]" in table[0]
    assert "area [µm²]" in table[0]
    out = tmp_path / "out"
    assert {"config.json", "log.txt", "failures.csv", "cell_2_overview.png"} <= {
        p.name for p in out.rglob("*")
    }


def test_the_tractions_are_those_of_a_single_prediction(config, predictor, folder, tmp_path):
    batch(config(), predictor)
    alone = np.stack([result.traction for result in predict(read(folder / "cell_3.tif"), predictor)])
    written = np.asarray(read_field(tmp_path / "out" / "adhesion-filter" / "cell_3_traction.ome.tif").data)
    np.testing.assert_array_equal(written, alone)


def test_several_processes_make_the_same(config, predictor, tmp_path):
    batch(config(), predictor)
    outcome, events = batch(config(out=str(tmp_path / "out2"), workers=2), predictor)
    assert outcome.complete
    assert [event.row.name for event in events if event.state == "done"]
    assert contents(tmp_path / "out2") == contents(tmp_path / "out")


def test_the_second_run_has_nothing_to_do(config, predictor, tmp_path):
    batch(config(), predictor)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("cell_*")}
    outcome, events = batch(config(workers=2), predictor)
    assert len(outcome.skipped) == 3
    assert {event.state for event in events} == {"skipped"}
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert len(rows(outcome.results)) == 6


def test_only_what_depends_on_a_changed_setting_is_done_again(config, predictor, folder, tmp_path):
    for n in (1, 2):
        write_mask(folder / f"cell_{n}_mask.tif", Mask(read_field_mask(folder, n)))
    masked = config(mask_pattern="*_mask.tif", pattern="cell_[12].tif")
    batch(masked, predictor)
    by_sensitivity, _ = batch(replace(masked, predict=PredictConfig(sensitivity=1.2)), predictor)
    assert not by_sensitivity.done, "the outline is in a file, it is not looked for"
    by_device, _ = batch(
        replace(masked, predict=PredictConfig(run=RunConfig(device="cpu", threads=2)), workers=2), predictor
    )
    assert not by_device.done
    (tmp_path / "c.csv").write_text("file,condition\ncell_1.tif,control\ncell_2.tif,drug\n")
    by_condition, _ = batch(replace(masked, conditions=str(tmp_path / "c.csv")), predictor)
    assert not by_condition.done
    assert {row["condition"] for row in rows(by_condition.results)} == {"control", "drug"}
    write_mask(folder / "cell_2_mask.tif", Mask(np.ones((1, 48, 48), bool) & (np.arange(48) > 4)))
    by_mask, _ = batch(masked, predictor)
    assert by_mask.done == ("cell_2.tif",)
    by_calibration, _ = batch(replace(masked, predict=PredictConfig(calibration=267)), predictor)
    assert len(by_calibration.done) == 2
    assert "total force [nN]" in rows(by_calibration.results)[0]


def read_field_mask(folder: Path, n: int) -> np.ndarray:
    """A disc over the cell."""
    side = read(folder / f"cell_{n}.tif").shape[0]
    y, x = np.indices((side, side)) - side / 2
    return (np.hypot(y, x) < side * 0.42)[None]


def test_a_changed_or_lost_file_is_done_again(config, predictor, folder, movie, tmp_path):
    batch(config(), predictor)
    movie(folder / "cell_1.tif", seed=99)
    (tmp_path / "out" / "adhesion-filter" / "cell_2_summary.csv").unlink()
    outcome, _ = batch(config(), predictor)
    assert outcome.done == ("cell_1.tif", "cell_2.tif")


@pytest.mark.parametrize("seconds", [0, 4e9], ids=["1970", "2096"])
def test_a_clock_that_was_set_changes_nothing(config, predictor, folder, seconds):
    batch(config(), predictor)
    for path in (folder.parent / "out").rglob("*"):
        os.utime(path, (seconds, seconds))
    assert len(batch(config(), predictor)[0].skipped) == 3


def test_a_long_movie_is_joined_from_chunks(config, predictor, folder, tmp_path, monkeypatch):
    batch(config(), predictor)
    monkeypatch.setattr(input_state, "CHUNK_FRAMES", 2)
    batch(config(out=str(tmp_path / "joined")), predictor)
    assert contents(tmp_path / "joined") == contents(tmp_path / "out")
    assert not list((tmp_path / "joined" / ".cellforce" / "parts").iterdir())


def test_an_uncertainty_is_joined_too_and_goes_with_the_model_that_gave_it(
    config, predictor, tmp_path, monkeypatch
):
    class Unsure:
        record = replace(predictor.record, sha256="another")

        def predict_frame(self, image, mask, pixel_size):
            result = predictor.predict_frame(image, mask, pixel_size)
            return replace(result, uncertainty=np.abs(result.traction[0]))

    monkeypatch.setattr(input_state, "CHUNK_FRAMES", 2)
    batch(config(), Unsure())
    uncertainty = tmp_path / "out" / "adhesion-filter" / "cell_3_uncertainty.ome.tif"
    expected = np.abs(
        np.asarray(read_field(tmp_path / "out" / "adhesion-filter" / "cell_3_traction.ome.tif").data)[:, 0]
    )
    np.testing.assert_array_equal(np.asarray(read(uncertainty).data)[:, 0], expected)
    uncertainty.unlink()
    assert batch(config(), Unsure())[0].done == ("cell_3.tif",)
    batch(config(), predictor)
    assert not uncertainty.exists()


def test_a_cancelled_movie_resumes_from_its_last_complete_chunk(
    config, predictor, movie, tmp_path, monkeypatch
):
    monkeypatch.setattr(input_state, "CHUNK_FRAMES", 2)
    movie(tmp_path / "one" / "long.tif", frames=7)
    cancel, seen = CancelToken(), []
    plan = make_plan(config(folder=str(tmp_path / "one")), [predictor])
    for event in run(plan, [predictor], cancel):
        if isinstance(event, InputEvent) and event.what == "Predicting" and event.done == 5:
            cancel.cancel()
        seen.append(event)
    assert seen[-1].left == ("long.tif",)
    assert not (tmp_path / "out" / "adhesion-filter" / "long_traction.ome.tif").exists(), (
        "whole or not at all"
    )
    spy = Counting(predictor)
    outcome, _ = batch(plan.config, spy)
    assert spy.frames == 3, "four frames lay in complete chunks"
    assert len(rows(outcome.results)) == 7


def test_a_chunk_of_which_a_kill_has_left_one_file_is_predicted_again(predictor, folder, tmp_path):
    job = prepare(read(folder / "cell_3.tif"), predictor)
    (baselines,) = measure_baselines_of(job)
    list(execute.predict_chunk(job, tmp_path, range(3), baselines))
    assert not list(execute.predict_chunk(job, tmp_path, range(3), baselines)), "it is there"
    for lost in ("*_traction.ome.tif", "*_summary.csv"):
        next(tmp_path.glob(lost)).unlink()
        assert len(list(execute.predict_chunk(job, tmp_path, range(3), baselines))) == 3


def test_stop_finishes_the_input_and_starts_no_other(config, predictor):
    cancel = CancelToken()
    events = []
    for event in run(make_plan(config(), [predictor]), [predictor], cancel):
        cancel.stop()
        events.append(event)
    outcome = events[-1]
    assert outcome.done == ("cell_1.tif",)
    assert outcome.left == ("cell_2.tif", "cell_3.tif")
    assert {row["file"] for row in rows(outcome.results)} == {"cell_1.tif"}


def test_two_runs_on_one_output_folder_the_second_refuses(config, predictor):
    plan = make_plan(config(), [predictor])
    first = run(plan, [predictor])
    next(first)
    with pytest.raises(CellForceError, match="another batch"):
        next(run(plan, [predictor]))
    assert list(first)[-1].complete, "the first does not notice"


def test_an_input_deleted_or_cut_after_planning_fails_alone(config, predictor, folder):
    plan = make_plan(config(), [predictor])
    (folder / "cell_1.tif").unlink()
    (folder / "cell_2.tif").write_bytes((folder / "cell_2.tif").read_bytes()[:3000])
    *_, outcome = run(plan, [predictor])
    assert outcome.done == ("cell_3.tif",)
    assert "was not found" in outcome.failures["cell_1.tif"]
    assert outcome.failures["cell_2.tif"]


def test_an_input_cut_or_deleted_while_it_is_read_fails_alone(config, predictor, folder, movie):
    for name in ("cell_0.tif", "cell_1.tif"):
        movie(folder / name, frames=20)
    plan = make_plan(config(), [predictor])
    for event in run(plan, [predictor]):
        if isinstance(event, InputEvent) and event.what == "Predicting" and event.done == 2:
            if event.row.name == "cell_0.tif":
                (folder / "cell_0.tif").write_bytes((folder / "cell_0.tif").read_bytes()[:3000])
            elif event.row.name == "cell_1.tif":
                (folder / "cell_1.tif").unlink()
    assert event.done == ("cell_2.tif", "cell_3.tif")
    assert set(event.failures) == {"cell_0.tif", "cell_1.tif"}
    assert not any("Unexpected" in why for why in event.failures.values()), event.failures


def test_an_input_that_changes_while_it_is_read_is_not_believed(config, predictor, folder, movie):
    plan = make_plan(config(pattern="cell_2.tif"), [predictor])
    for event in run(plan, [predictor]):
        if isinstance(event, InputEvent) and event.what == "Predicting" and event.done == 1:
            movie(folder / "new.tif", frames=2, seed=5)
            (folder / "new.tif").replace(folder / "cell_2.tif")
    assert "changed while it was read" in event.failures["cell_2.tif"]
    assert batch(plan.config, predictor)[0].done == ("cell_2.tif",)


def test_odd_names_are_no_obstacle(config, predictor, movie, tmp_path):
    odd = tmp_path / "odd"
    given = ["a b.tif", "Zellkräfte µm – 細胞.tif", "x" * 196 + ".tif", "50%#?&.tif", "=1+1.tif", "[red].tif"]
    source = movie(tmp_path / "source.tif")
    odd.mkdir()
    for name in given:
        shutil.copyfile(source, odd / name)
    shutil.copyfile(source, os.fsencode(odd) + b"/\xff.tif")
    outcome, _ = batch(config(folder=str(odd)), predictor)
    assert outcome.complete
    assert {row["file"] for row in rows(outcome.results)} == {*given, "\\xff.tif"}
    page = outcome.report.read_text(encoding="utf-8")
    assert len(re.findall(r'alt="Protein[^>]*src="data:image/png', page)) == len(given) + 1
    tables = [unquote(link) for link in re.findall(r'href="([^"#]+_summary.csv)"', page)]
    assert len(tables) == len(given) + 1
    assert all((outcome.report.parent / link).is_file() for link in tables if "\ufffd" not in link)


def test_inputs_that_differ_only_in_their_ending_keep_their_results_apart(config, predictor, folder):
    shutil.copyfile(folder / "cell_1.tif", folder / "cell_1.tiff")
    outcome, _ = batch(config(pattern="cell_1.*"), predictor)
    assert outcome.complete
    assert len(list((folder.parent / "out").rglob("*_traction.ome.tif"))) == 2


def test_an_output_folder_that_cannot_be_is_refused(config, predictor, folder):
    with pytest.raises(CellForceError, match="cannot write"):
        batch(config(out=str(folder / "cell_1.tif" / "out")), predictor)


def test_the_page_names_failures_conditions_and_what_the_numbers_do_not_say(config, predictor, folder, movie):
    movie(folder / "drug" / "cell_4.tif", frames=2)
    (folder / "bad <b>.tif").write_bytes(b"not a TIFF")
    outcome, _ = batch(config(recursive=True), predictor)
    page = outcome.report.read_text(encoding="utf-8")
    assert "bad &lt;b&gt;.tif" in page
    assert "<b>.tif" not in page
    assert "is not a TIFF file" in page
    assert page.count("data:image/png;base64") == 2 + 4, "over time, by condition, and four images"
    assert "must not be compared" in page, "this filter sets the mean of every frame to 1"
    assert "is not a TIFF file" in rows(outcome.report.with_name("failures.csv"))[0]["reason"]


def test_time_left_shrinks_with_what_is_done(config, predictor):
    _, events = batch(config(), predictor)
    assert events[0].seconds_left is None, "nothing is known yet"
    assert events[-1].seconds_left == 0
