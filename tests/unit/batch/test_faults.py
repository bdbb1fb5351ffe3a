"""What goes wrong at night: bad files, full disks, killed processes."""

from __future__ import annotations

import csv
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest
import tifffile

from napari_cellforce.batch import InputEvent, Outcome, make_plan, run
from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import Mask, PixelSize, VectorField
from napari_cellforce.io import read_field, write_field, write_mask

SIDE = 48


def last(events) -> Outcome:
    *_, outcome = events
    return outcome


def tables(out: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in [*out.rglob("*_summary.csv"), out / "results.csv"]}


def tractions(out: Path) -> dict[str, bytes]:
    return {
        path.name: np.asarray(read_field(path).data).tobytes() for path in out.rglob("*_traction.ome.tif")
    }


def bad_files(folder: Path, movie: Callable) -> dict[str, str]:
    """Ten files that are bad in ten ways; from their names to words of the reason."""
    movie(folder / "source.tif", frames=2)
    whole = (folder / "source.tif").read_bytes()
    (folder / "source.tif").unlink()
    (folder / "bad_empty.tif").touch()
    (folder / "bad_text.tif").write_text("see the server")
    (folder / "bad_cut.tif").write_bytes(whole[: len(whole) * 2 // 3])
    movie(folder / "bad_no_pixel_size.tif", pixel_size=None)
    movie(folder / "bad_oblong_pixels.tif", pixel_size=PixelSize(0.5, 0.7))
    movie(folder / "bad_nan.tif", data=np.full((1, 1, SIDE, SIDE), np.nan, np.float32))
    movie(folder / "bad_dark.tif", data=np.zeros((1, 1, SIDE, SIDE), np.uint16))
    movie(folder / "bad_channels.tif", data=np.ones((1, 2, SIDE, SIDE), np.uint16), channel_names=("a", "b"))
    tifffile.imwrite(
        folder / "bad_z.tif",
        np.ones((1, 5, 1, SIDE, SIDE), np.uint16),
        imagej=True,
        metadata={"axes": "TZCYX"},
    )
    (folder / "bad_vendor.czi").write_bytes(b"ZISRAWFILE")
    return {
        "bad_empty.tif": "is empty",
        "bad_text.tif": "is not a TIFF",
        "bad_cut.tif": "bad_cut.tif",
        "bad_no_pixel_size.tif": "has no pixel size",
        "bad_oblong_pixels.tif": "need square pixels",
        "bad_nan.tif": "NaN",
        "bad_dark.tif": "is 0 everywhere",
        "bad_channels.tif": "no channel name identifies it",
        "bad_z.tif": "planes",
        "bad_vendor.czi": "in the format",
    }


@pytest.mark.slow
def test_of_a_hundred_inputs_of_which_ten_are_bad_ninety_are_done_and_ten_reasons_given(
    config, predictor, movie, tmp_path
):
    folder = tmp_path / "hundred"
    expected = bad_files(folder, movie)
    for n in range(90):
        movie(folder / f"cell_{n:02d}.tif", seed=n)
    outcome = last(run(make_plan(config(folder=str(folder)), [predictor]), [predictor]))
    assert len(outcome.done) == 90
    assert outcome.failures.keys() == expected.keys()
    for name, words in expected.items():
        assert words in outcome.failures[name]
        assert "Unexpected" not in outcome.failures[name]
    assert len(set(outcome.failures.values())) == 10
    with outcome.results.open(encoding="utf-8", newline="") as file:
        assert len({row["file"] for row in csv.DictReader(file)}) == 90
    with outcome.report.with_name("failures.csv").open(encoding="utf-8", newline="") as file:
        assert {row["file"]: row["reason"] for row in csv.DictReader(file)} == outcome.failures


def test_most_of_what_is_bad_is_known_before_starting(config, predictor, movie, tmp_path):
    expected = bad_files(tmp_path / "bad", movie)
    plan = make_plan(config(folder=str(tmp_path / "bad")), [predictor])
    unseen = {row.name for row in plan.inputs if not row.problem}
    assert unseen == {"bad_nan.tif", "bad_dark.tif"}, "only their pixels tell"
    assert [(row.name, row.problem) for row in plan.problems if expected[row.name] not in row.problem] == []


def test_masks_that_are_missing_empty_or_of_another_size_are_told_before_starting(config, predictor, folder):
    write_mask(folder / "cell_1_mask.tif", Mask(np.zeros((1, SIDE, SIDE), bool)))
    write_mask(folder / "cell_2_mask.tif", Mask(np.ones((1, 9, 9), bool)))
    plan = make_plan(config(mask_pattern="*_mask.tif"), [predictor])
    empty, small, missing = (row.problem for row in plan.inputs)
    assert "is 0 everywhere" in empty
    assert "9 x 9" in small
    assert "was not found" in missing


def test_a_traction_field_is_no_input(config, predictor, folder):
    field = VectorField(np.ones((1, 2, 8, 8), np.float32), "traction", "Pa", PixelSize.square(1))
    write_field(folder / "renamed.tif", field)
    plan = make_plan(config(pattern="renamed.tif"), [predictor])
    assert "holds a traction" in plan.inputs[0].problem


def test_an_error_that_nobody_foresaw_is_one_inputs_own_and_in_the_log(config, predictor, tmp_path):
    class Moody:
        record = predictor.record

        def predict_frame(self, image, mask, pixel_size):
            self.calls = getattr(self, "calls", 0) + 1
            if self.calls == 2:
                raise ZeroDivisionError("a bug")
            return predictor.predict_frame(image, mask, pixel_size)

    outcome = last(run(make_plan(config(), [predictor]), [Moody()]))
    assert outcome.failures == {"cell_2.tif": "Unexpected error, please report it: ZeroDivisionError: a bug"}
    assert "Traceback" in (tmp_path / "out" / "log.txt").read_text()


def test_what_does_not_fit_on_the_disk_fails_and_leaves_no_half_files(config, predictor, tmp_path, full_disk):
    plan = make_plan(config(pattern="cell_3.tif"), [predictor])
    events = run(plan, [predictor])
    next(events)
    with full_disk(8192):
        outcome = last(events)
    assert "cannot write" in outcome.failures["cell_3.tif"]
    assert not list((tmp_path / "out").rglob("*.ome.tif"))
    assert not list((tmp_path / "out").rglob("*.partial"))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("mount") is None or os.geteuid() != 0, reason="only root can make a disk")
def test_a_disk_that_is_really_full_is_said_and_freed_space_is_used(config, predictor, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], check=False)
    if mounted.returncode:
        pytest.skip("no disk can be made here")
    try:
        (disk / "ballast").write_bytes(bytes(960_000))
        plan = make_plan(config(out=str(disk / "out")), [predictor])
        reasons = []
        with pytest.raises(CellForceError, match="the disk is full"):  # at last, of the tables
            reasons.extend(event.reason for event in run(plan, [predictor]) if event.state == "failed")
        assert all("the disk is full" in reason for reason in reasons)
        (disk / "ballast").unlink()
        assert last(run(make_plan(plan.config, [predictor]), [predictor])).complete
    finally:
        subprocess.run(["umount", disk], check=True)


def start(config) -> subprocess.Popen:
    """Run ``cellforce batch`` as a user would."""
    code = "from napari_cellforce.cli import main; main()"
    arguments = config.command().split()[1:]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def wait_for_more_files(process: subprocess.Popen, out: Path, more: int) -> bool:
    """Wait until there are some more files; False if the process ended before."""
    count = sum(1 for _ in out.rglob("*"))
    while process.poll() is None:
        if sum(1 for _ in out.rglob("*")) >= count + more:
            return True
        time.sleep(0.001)
    return False


@pytest.mark.slow
@pytest.mark.parametrize(("workers", "moments"), [(1, (4, 3, 2, 5, 1, 3)), (2, (4, 2))])
def test_killed_again_and_again_the_results_are_those_of_a_quiet_night(
    config, predictor, movie, tmp_path, workers, moments
):
    movie(tmp_path / "inputs" / "long.tif", frames=120)
    quiet = last(run(make_plan(config(out=str(tmp_path / "quiet")), [predictor]), [predictor]))
    out = tmp_path / "out"
    restless = config(workers=workers)
    kills = 0
    for more in moments:
        process = start(restless)
        if wait_for_more_files(process, out, more):
            os.killpg(process.pid, signal.SIGKILL)
            kills += 1
        process.wait()
    assert kills >= 2, "or this test would test nothing"
    assert start(restless).wait() == 0
    assert tables(out) == tables(tmp_path / "quiet")
    assert tractions(out) == tractions(tmp_path / "quiet")
    assert not list(out.rglob("*.partial"))
    assert quiet.complete


@pytest.mark.slow
def test_a_killed_worker_costs_nothing_but_time(config, predictor, movie, tmp_path):
    movie(tmp_path / "inputs" / "long.tif", frames=100)
    plan = make_plan(config(workers=2), [predictor])
    killed = False
    for event in run(plan, [predictor]):
        if not killed and isinstance(event, InputEvent) and event.what == "Predicting":
            psutil.Process().children()[-1].kill()
            killed = True
    assert killed
    assert event.complete
    assert len(event.done) == 4


@pytest.mark.slow
def test_a_worker_that_is_killed_every_time_is_given_up(config, predictor, tmp_path):
    plan = make_plan(config(workers=2, pattern="cell_3.tif"), [predictor])
    for event in run(plan, [predictor]):
        if isinstance(event, InputEvent) and event.what.startswith("Measuring"):
            for child in psutil.Process().children():
                child.kill()
    assert "killed 2 times (signal 9" in event.failures["cell_3.tif"]
