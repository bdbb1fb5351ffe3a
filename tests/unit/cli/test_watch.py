"""``cellforce watch`` in a shell: frames as they come, Ctrl-C, exit codes."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from typer.testing import CliRunner

from napari_cellforce import io
from napari_cellforce.cli.app import app
from napari_cellforce.fields import ImageStack, PixelSize
from napari_cellforce.predict import PredictConfig, RunConfig
from napari_cellforce.watch import WatchConfig


def frame(folder, t):
    """A round cell, as the file of one frame."""
    y, x = np.indices((48, 48)) - 23.5
    ring = np.exp(-((np.hypot(y, x) - 14) ** 2) / 3) * (1 + np.cos(7 * np.arctan2(y, x)))
    data = (100 + 300 * (np.hypot(y, x) < 18) + (900 + t) * ring).astype(np.uint16)
    stack = ImageStack(data[None, None], ("zyxin",), PixelSize.square(0.68), name="cell")
    return io.write_stack(folder / f"t{t:03d}.tif", stack)


def line(tmp_path, *options):
    paths = [str(tmp_path / "in"), "--out", str(tmp_path / "out"), "--model", "adhesion-filter"]
    return ["watch", *paths, "--settle", "0.1", "--until-idle", "0.5", *options]


def test_frames_that_are_there_are_predicted_and_told(tmp_path):
    for t in range(2):
        frame(tmp_path / "in", t)
    result = CliRunner().invoke(app, line(tmp_path))
    assert result.exit_code == 0, result.output
    assert "in: frame 1, total force [normalised]" in result.stdout
    assert "in_traction.ome.tif: 2 frames" in result.stderr
    assert io.read_field(tmp_path / "out" / "in_traction.ome.tif").frames == (0, 1)


def test_json_gives_the_row_of_each_frame(tmp_path):
    frame(tmp_path / "in", 0)
    (row,) = CliRunner().invoke(app, line(tmp_path, "--json")).stdout.splitlines()
    told = json.loads(row)
    assert (told["name"], told["frame"]) == ("in", 0)
    assert told["total force [normalised]"] > 0


def test_what_cannot_be_read_is_3_and_told(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "bad.tif").write_text("no image")
    result = CliRunner().invoke(app, line(tmp_path, "--patience", "0.2"))
    assert result.exit_code == 3
    assert "bad: " in result.stderr
    assert "is not a TIFF file" in result.stderr


def test_the_command_of_a_config_gives_that_config(tmp_path, monkeypatch):
    config = WatchConfig(
        str(tmp_path / "a b"),
        "out",
        pattern="*_z.tif",
        predict=PredictConfig(
            ("GFP", "2"),
            calibration=300.0,
            sensitivity=1.5,
            already_normalised=True,
            run=RunConfig("adhesion-filter", pixel_size=0.2, z="max"),
        ),
        settle=5.0,
    )
    given = []

    def nothing(config, predictor, stop):
        given.append(config)
        return iter(())

    monkeypatch.setattr("napari_cellforce.watch.watch", nothing)
    result = CliRunner().invoke(app, shlex.split(config.command())[1:])
    assert result.exit_code == 0, result.output
    assert given == [config]


@pytest.mark.slow
def test_ctrl_c_ends_it_cleanly_with_all_that_is_finished(tmp_path):
    frame(tmp_path / "in", 0)
    program = [sys.executable, "-c", "from napari_cellforce.cli import main; main()"]
    process = subprocess.Popen(
        [*program, *line(tmp_path)[:-2]], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert "frame 0" in process.stdout.readline()
    frame(tmp_path / "in", 1)
    assert "frame 1" in process.stdout.readline()
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Traceback" not in told
    assert io.read_field(tmp_path / "out" / "in_traction.ome.tif").frames == (0, 1)
