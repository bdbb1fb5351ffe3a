"""A data set of simulated cells: the same bytes from the same seed, whatever happens on the way."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from napari_cellforce import io
from napari_cellforce.errors import CellForceError
from napari_cellforce.simulate import SimulateConfig, simulate_cells
from napari_cellforce.simulate.cell import CellJob
from napari_cellforce.synthetic import FibreMechanics, Instrument, SheetMechanics, SyntheticCell

SMALL = SimulateConfig(cells=3, frames=2, seed=5, side=128, pixel_size=1.36)


def run(config: SimulateConfig, out: Path, workers: int = 1) -> list[str]:
    return [report.outcome for report in simulate_cells(config, out, workers)]


def contents(root: Path) -> dict[str, str]:
    """Every file's path and hash."""
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """Three small cells of two frames, never to be changed."""
    out = tmp_path_factory.mktemp("made") / "cells"
    assert run(SMALL, out) == ["made"] * 3
    return out


@pytest.fixture
def copied(made, tmp_path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "cells"))


def test_processes_make_the_same_bytes_as_one_alone(made, tmp_path):
    assert run(SMALL, tmp_path / "again", workers=2) == ["made"] * 3
    assert contents(tmp_path / "again") == contents(made)


def test_another_seed_makes_other_cells(made, tmp_path):
    other = dataclasses.replace(SMALL, cells=1, seed=6)
    run(other, tmp_path)
    ours = np.load(made / "sim5_cell_0" / "frame_0.npy")
    theirs = np.load(tmp_path / "sim6_cell_0" / "frame_0.npy")
    assert not np.array_equal(ours, theirs)


def test_cells_come_back_as_they_were_simulated(made):
    """x comes first in the files; were it not turned back, the lopsided forces would not be equal."""
    population = SMALL.population()
    for index, folder in enumerate(io.list_cells(made)):
        stored, true = io.read_cell(folder), population.cell(index)
        assert folder.name == stored.image.name == SMALL.name(index)
        np.testing.assert_array_equal(stored.traction.data, true.traction.data)
        np.testing.assert_array_equal(stored.image.data, true.image.data)
        np.testing.assert_array_equal(stored.mask.frame(1), true.mask.frame(1))
        assert stored.image.channel_names == ("zyxin", "actin")
        assert stored.image.notes == ()
        assert stored.frame_numbers == (0, 1)


def test_the_data_tell_their_pixel_size_and_their_clock(made):
    cell = io.read_cell(made / "sim5_cell_1")
    for field in (cell.image, cell.traction):
        assert field.pixel_size.micron == 1.36
        assert field.pixel_size.source == "file"
        assert field.frame_interval == 1.0
    assert io.read(made / "sim5_cell_1" / "frame_1.npy").pixel_size.micron == 1.36
    assert io.read_cell(made / "sim5_cell_1", 2.0).traction.pixel_size.micron == 2.0


def test_the_gel_follows_the_pull(made):
    """A patch of radius a under the traction F moves with it, by about 1.5 F a / E."""
    cell = io.read_cell(made / "sim5_cell_0")
    traction, u = np.asarray(cell.traction.data[0]), np.asarray(cell.displacement.data[0])
    magnitude = np.hypot(*traction)
    strong = magnitude > 0.5 * magnitude.max()
    assert ((traction * u).sum(axis=0)[strong] > 0).all()
    expected = 1.5 * magnitude[strong].mean() * 3.0 / Instrument().substrate.young
    assert expected / 3 < np.hypot(*u)[strong].mean() < expected * 3


def test_images_masks_and_tractions_are_ome_tiffs_too(made):
    name = "sim5_cell_2.ome.tif"
    frames = io.read_cell(made / "sim5_cell_2")
    image, field = io.read(made / "images" / name), io.read_field(made / "traction" / name)
    mask = io.read_mask(made / "masks" / name, shape=image.shape, frames=2)
    np.testing.assert_array_equal(image.data, frames.image.data)
    np.testing.assert_array_equal(field.data, frames.traction.data)
    np.testing.assert_array_equal(mask.frame(0), frames.mask.frame(0))
    assert image.pixel_size.micron == pytest.approx(1.36)
    assert image.channel_names == ("zyxin", "actin")
    assert field.provenance.settings["seed"] == 5
    assert not (made / "measured").exists()


def test_measured_frames_hold_what_an_instrument_sees_and_the_truth_stays_beside(tmp_path):
    config = dataclasses.replace(SMALL, cells=1, frames=1, measured=True)
    run(config, tmp_path)
    true = config.population().cell(0)
    stored = io.read_cell(tmp_path / "sim5_cell_0")
    name = "sim5_cell_0.ome.tif"
    np.testing.assert_array_equal(stored.traction.data, true.measured.data)
    np.testing.assert_array_equal(stored.displacement.data, true.displacement.data)
    np.testing.assert_array_equal(io.read_field(tmp_path / "measured" / name).data, true.measured.data)
    np.testing.assert_array_equal(io.read_field(tmp_path / "traction" / name).data, true.traction.data)


@pytest.mark.parametrize(("mechanics", "kind"), [("sheet", SheetMechanics), ("fibres", FibreMechanics)])
def test_one_mechanics_alone(mechanics, kind):
    recipes = dataclasses.replace(SMALL, mechanics=mechanics).population().recipes
    assert {type(recipe.config.mechanics) for recipe in recipes} == {kind}


def test_directed_cells_have_a_director_and_names_of_their_own(tmp_path):
    config = dataclasses.replace(SMALL, cells=1, directed=True, measured=True)
    assert run(config, tmp_path) == ["made"]
    (folder,) = io.list_cells(tmp_path)
    assert folder.name == "directed5_cell_0"
    stored, true = io.read_cell(folder), config.population().cell(0)
    assert true.director is not None
    np.testing.assert_array_equal(stored.traction.data, true.measured.data)
    with pytest.raises(CellForceError, match="directed True instead of False"):
        run(SMALL, tmp_path)


@pytest.mark.parametrize("mechanics", ["sheet", "fibres"])
def test_a_drug_lets_go_and_the_recovery_shows_in_forces_and_image(tmp_path, mechanics):
    config = dataclasses.replace(
        SMALL, cells=1, frames=4, frame_interval=29.0, drug=True, mechanics=mechanics
    )
    run(config, tmp_path)
    cell = io.read_cell(tmp_path / "sim5_cell_0")
    assert cell.traction.frame_interval == 29.0
    force = np.hypot(*np.moveaxis(np.asarray(cell.traction.data), 1, 0)).sum(axis=(1, 2))
    assert force[1] == pytest.approx(force[0], rel=0.15), "before the drug"
    assert force[2] < 0.4 * force[0], "two minutes before it is washed out"
    assert force[3] > 0.8 * force[0], "27 minutes after"
    inside = cell.mask.frame(0)
    bright = [np.quantile(frame[0][inside], 0.98) for frame in np.asarray(cell.image.data)]
    assert bright[2] < 0.9 * min(bright[0], bright[3])


def test_a_movie_that_ends_before_the_drug_is_refused():
    with pytest.raises(CellForceError, match="last frame is at 1 min, and the drug is washed in at 30 min"):
        dataclasses.replace(SMALL, drug=True)


def test_a_setting_that_there_was_not_yet_has_its_default(copied):
    notes = json.loads((copied / "simulation.json").read_text())
    for name in ("directed", "frame_interval", "drug"):
        del notes["settings"][name]
    (copied / "simulation.json").write_text(json.dumps(notes))
    assert run(SMALL, copied) == ["kept"] * 3


def test_a_second_run_keeps_all_there_is(copied, made):
    assert run(SMALL, copied) == ["kept"] * 3
    assert contents(copied) == contents(made)


def test_more_cells_are_added_to_those_there_are(copied, tmp_path):
    more = dataclasses.replace(SMALL, cells=4)
    assert run(more, copied) == ["kept"] * 3 + ["made"]
    run(more, tmp_path / "at once")
    assert contents(copied) == contents(tmp_path / "at once")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def of_another_version(path: Path) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | {"fingerprint": "0"}))


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("sim5_cell_1/frame_1.npy", cut),
        ("sim5_cell_1/frame_0.npy", Path.unlink),
        ("traction/sim5_cell_1.ome.tif", Path.unlink),
        ("records/sim5_cell_1.json", cut),
        ("records/sim5_cell_1.json", of_another_version),
    ],
)
def test_a_cell_that_is_not_whole_or_not_of_these_settings_is_made_again(copied, made, name, damage):
    damage(copied / name)
    (copied / "images" / ".left.partial").write_text("half a file of a run that was killed")
    assert run(SMALL, copied) == ["kept", "kept", "made"]
    assert contents(copied) == contents(made)


def test_a_stop_leaves_a_valid_data_set_that_the_next_run_completes(tmp_path, made):
    job = simulate_cells(SMALL, tmp_path, 1)
    assert next(job).outcome == "made"
    job.close()
    assert [cell.name for cell in io.list_cells(tmp_path)] == ["sim5_cell_0"]
    assert run(SMALL, tmp_path) == ["kept", "made", "made"]
    assert contents(tmp_path) == contents(made)


def test_a_stop_counts_the_cells_that_processes_were_at(tmp_path):
    job = simulate_cells(SMALL, tmp_path, 2)
    next(job)
    job.close()
    records = {path.stem for path in (tmp_path / "records").glob("*.json")}
    assert len(records) >= 1
    assert {cell.name for cell in io.list_cells(tmp_path)} == records


@pytest.mark.parametrize("workers", [1, 2])
def test_a_cell_that_cannot_be_made_is_told_and_the_others_are_made(tmp_path, workers):
    """In a field of view of 88 µm some cells find room and some do not."""
    config = SimulateConfig(cells=6, side=64, pixel_size=1.36)
    reports = list(simulate_cells(config, tmp_path, workers))
    failed = [report for report in reports if report.outcome == "failed"]
    assert sorted(report.done for report in reports) == [1, 2, 3, 4, 5, 6]
    assert 0 < len(failed) < 6
    assert all("leaves the image" in report.reason for report in failed)
    there = {cell.name for cell in io.list_cells(tmp_path)}
    assert there == {report.name for report in reports} - {report.name for report in failed}


def test_a_full_disk_ends_the_job_with_what_is_finished(tmp_path, monkeypatch):
    job = simulate_cells(SMALL, tmp_path, 1)
    next(job)

    def full(*args: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(CellForceError, match=r"frame_0\.npy: the disk is full"):
        list(job)
    assert [cell.name for cell in io.list_cells(tmp_path)] == ["sim5_cell_0"]


def test_a_job_that_cannot_fit_is_refused_before_it_begins(tmp_path):
    config = SimulateConfig(cells=1000, frames=10_000, side=4096)
    with pytest.raises(CellForceError, match=r"need up to 7\.55e\+06 GB"):
        next(simulate_cells(config, tmp_path))
    with pytest.raises(CellForceError, match="1000000000 cells need"):
        next(simulate_cells(dataclasses.replace(SMALL, cells=1_000_000_000), tmp_path))
    assert run(SMALL, tmp_path) == ["made"] * 3, "the refused job does not claim the folder"


def test_a_cell_too_large_for_the_memory_is_told(tmp_path, monkeypatch):
    def simulate(job: CellJob) -> SyntheticCell:
        raise MemoryError

    monkeypatch.setattr(CellJob, "simulate", simulate)
    (report,) = simulate_cells(dataclasses.replace(SMALL, cells=1), tmp_path)
    assert report.outcome == "failed"
    assert "memory ran out on an image of 128 x 128 pixels" in report.reason


def test_other_data_are_not_mixed_with(copied, tmp_path):
    with pytest.raises(CellForceError, match=r"other simulated cells \(frames 2 instead of 7, measured"):
        run(dataclasses.replace(SMALL, frames=7, measured=True), copied)
    (copied / "simulation.json").unlink()
    with pytest.raises(CellForceError, match=r"simulation\.json, which tells their settings, is missing"):
        run(SMALL, copied)
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "dataset.csv").write_text("folder,filename,frame\n")
    with pytest.raises(CellForceError, match="another data set"):
        run(SMALL, tmp_path / "real")


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("cells", 0),
        ("frames", -1),
        ("side", 0),
        ("seed", -1),
        ("pixel_size", float("nan")),
        ("mechanics", "glue"),
    ],
)
def test_settings_that_make_no_sense_are_refused(setting, value):
    with pytest.raises(CellForceError, match=setting.replace("_", " ")):
        dataclasses.replace(SMALL, **{setting: value})


def test_no_process_cannot_work(tmp_path):
    with pytest.raises(CellForceError, match="at least 1"):
        next(simulate_cells(SMALL, tmp_path, 0))
