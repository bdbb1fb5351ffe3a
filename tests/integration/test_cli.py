"""The installed command in a shell of its own: from the demo to results, and how it ends when it must."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from napari_cellforce import __version__, io
from napari_cellforce.fields import ImageStack
from napari_cellforce.synthetic import drawn_cell
from napari_cellforce.zoo import DEFAULT_MODEL

CELLFORCE = shutil.which("cellforce", path=Path(sys.executable).parent)
FILTER = ("--model", "adhesion-filter")

pytestmark = pytest.mark.skipif(CELLFORCE is None, reason="the package is not installed with its command")


@pytest.fixture
def environment(tmp_path) -> dict[str, str]:
    return {**os.environ, "CELLFORCE_MODEL_DIR": str(tmp_path / "models"), "OMP_NUM_THREADS": "1"}


def held(folder: Path, stem: str) -> tuple[tuple[int, ...], list[int]]:
    """Which frames the two files of a result hold."""
    summary = pd.read_csv(folder / f"{stem}_summary.csv")
    return io.read_field(folder / f"{stem}_traction.ome.tif").frames, summary["frame"].tolist()


def test_from_the_demo_to_results_in_pa(environment, tmp_path):
    def run(*arguments: str | Path) -> None:
        done = subprocess.run(
            [CELLFORCE, *arguments], env=environment, capture_output=True, text=True, check=True
        )
        assert done.stderr == ""

    run("demo", "--out", tmp_path)
    relative = io.read_field(tmp_path / "drawn_cell_traction.ome.tif")
    run("predict", tmp_path / "drawn_cell.ome.tif", "--model", DEFAULT_MODEL, "--calibration", "267")
    absolute = io.read_field(tmp_path / "drawn_cell_traction.ome.tif")
    np.testing.assert_allclose(absolute.data, np.asarray(relative.data) * 267, rtol=1e-5)
    assert held(tmp_path, "drawn_cell") == ((0, 1, 2, 3, 4), [0, 1, 2, 3, 4])


def test_bad_input_is_one_line_and_exit_code_2(environment, tmp_path):
    (tmp_path / "notes.tif").write_text("buy milk")
    done = subprocess.run(
        [CELLFORCE, "predict", tmp_path / "notes.tif", *FILTER],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("Error: ")
    assert "notes.tif is not a TIFF file" in line


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
def test_a_full_disk_is_one_line_and_keeps_what_fitted(environment, tmp_path):
    image = io.write_stack(tmp_path / "cell.ome.tif", drawn_cell(frames=4, pixel_size=0.68).image)
    command = f"ulimit -f 150; exec {CELLFORCE!r} predict {str(image)!r} {' '.join(FILTER)}"
    done = subprocess.run(
        ["bash", "-c", command], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    frames, rows = held(tmp_path, "cell")
    assert 1 <= len(frames) < 4
    assert frames == tuple(rows) == tuple(range(len(rows)))
    assert f"cannot write frame {len(rows)} of" in line


def test_without_the_command_on_the_path_python_has_it(environment):
    command = [sys.executable, "-m", "napari_cellforce", "--version"]
    assert subprocess.check_output(command, env=environment, text=True).strip() == __version__


@pytest.mark.skipif(sys.platform == "win32", reason="closes a stream as POSIX shells do")
def test_it_works_where_nobody_listens(environment):
    """A cron job, or a desktop icon, may have no output at all."""
    command = f"exec {CELLFORCE!r} models list >&- 2>&-"
    assert subprocess.run(["bash", "-c", command], env=environment, check=False).returncode == 0


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="sends signals as POSIX does")
@pytest.mark.parametrize("end", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_ctrl_c_or_the_end_of_a_cluster_s_job_keeps_the_finished_frames(environment, tmp_path, end):
    one = drawn_cell(pixel_size=0.68).image
    movie = ImageStack(
        np.broadcast_to(one.data, (400, *one.data.shape[1:])), one.channel_names, one.pixel_size, name="long"
    )
    image = io.write_stack(tmp_path / "long.ome.tif", movie)
    out = tmp_path / "out"
    job = subprocess.Popen(
        [CELLFORCE, "predict", image, *FILTER, "--already-normalised", "--out", out],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not any(path.stat().st_size > 2_000_000 for path in out.glob(".*")):
        assert job.poll() is None, "it ended before it could be stopped"
        time.sleep(0.02)
    job.send_signal(signal.Signals[end])
    _, errors = job.communicate(timeout=30)
    assert job.returncode == 130
    frames, rows = held(out, "long")
    assert errors.strip() == f"Stopped: {len(rows)} of 400 frames are in {out / 'long_traction.ome.tif'}."
    assert frames == tuple(rows) == tuple(range(len(rows)))
    assert 1 <= len(rows) < 400
    assert sorted(path.name for path in out.iterdir()) == ["long_summary.csv", "long_traction.ome.tif"]
