"""``cellforce batch`` in a shell: exit codes, plan, JSON."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from napari_cellforce.cli.app import app
from napari_cellforce.fields import ImageStack, PixelSize
from napari_cellforce.io import write_stack


@pytest.fixture
def folder(tmp_path):
    """One round cell."""
    y, x = np.indices((48, 48)) - 23.5
    ring = np.exp(-((np.hypot(y, x) - 14) ** 2) / 3) * (1 + np.cos(7 * np.arctan2(y, x)))
    data = (100 + 300 * (np.hypot(y, x) < 18) + 900 * ring).astype(np.uint16)
    stack = ImageStack(data[None, None], ("zyxin",), PixelSize.square(0.68), name="cell")
    return write_stack(tmp_path / "in" / "cell.tif", stack).parent


def batch(folder, tmp_path, *options):
    line = ["batch", str(folder), "--out", str(tmp_path / "out"), "--model", "adhesion-filter", *options]
    return CliRunner().invoke(app, line)


def test_all_done_is_0_and_says_where_the_results_are(folder, tmp_path):
    result = batch(folder, tmp_path)
    assert result.exit_code == 0
    assert "1 done" in result.stdout
    assert str(tmp_path / "out" / "results.csv") in result.stdout
    assert "1 finished before" in batch(folder, tmp_path).stdout


def test_some_failed_is_3_and_each_is_named_with_its_reason(folder, tmp_path):
    (folder / "bad [1].tif").write_text("no image")
    result = batch(folder, tmp_path)
    assert result.exit_code == 3
    assert "bad [1].tif" in result.stderr
    assert "is not a TIFF" in result.stderr


def test_a_dry_run_shows_the_plan_and_does_nothing(folder, tmp_path):
    (folder / "bad.tif").write_text("no image")
    result = batch(folder, tmp_path, "--dry-run")
    assert result.exit_code == 3
    assert "to do" in result.stdout
    assert "is not a TIFF" in result.stderr
    assert not (tmp_path / "out").exists()


def test_json_is_for_machines(folder, tmp_path):
    plan = json.loads(batch(folder, tmp_path, "--dry-run", "--json").stdout)
    assert plan["to do"] == 1
    assert plan["inputs"][0]["channels"] == ["zyxin"]
    outcome = json.loads(batch(folder, tmp_path, "--json").stdout)
    assert outcome["done"] == ["cell.tif"]
    assert outcome["failures"] == {}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--model", "nosuch"], "there is no model"),
        (["--pattern", "*.png"], "no images that fit"),
        (["--z", "x"], "--z"),
    ],
)
def test_bad_usage_is_2_and_one_line(folder, tmp_path, options, words):
    program = [sys.executable, "-c", "from napari_cellforce.cli import main; main()"]
    line = ["batch", str(folder), "--out", str(tmp_path / "out"), "--model", "adhesion-filter", *options]
    done = subprocess.run([*program, *line], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
