"""What the documentation tells people to type works, as it stands there."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from napari_cellforce import io

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"

pytestmark = pytest.mark.slow

ELSEWHERE = ("models download", "models import", "models remove", "tfm beads")
"""Commands that need the internet, or a file that only the reader has; tested in test_zoo.py."""


def code_blocks(path: Path, language: str = "") -> list[str]:
    """The fenced blocks of a page that are marked with a language."""
    return re.findall(
        rf"^```{language}\n(.*?)^```$", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )


def python(*arguments: str | Path, cwd: Path) -> str:
    """Run Python and return what it prints."""
    done = subprocess.run(
        [sys.executable, *arguments], cwd=cwd, capture_output=True, text=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def cellforce(line: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command line."""
    _, *arguments = shlex.split(line)
    program = [sys.executable, "-c", "from napari_cellforce.cli import main; main()"]
    return subprocess.run(
        [*program, *arguments], cwd=cwd, capture_output=True, text=True, encoding="utf-8", check=False
    )


def test_the_movie_example_writes_what_the_files_page_reads_without_us(tmp_path):
    printed = python(ROOT / "examples/predict_movie.py", cwd=tmp_path)
    assert "total force [nN]" in printed
    assert (tmp_path / "cell_traction.ome.tif").is_file()
    read = python(ROOT / "examples/read_without_us.py", cwd=tmp_path)
    assert "mean |F| in the cell: 267" in read, "the calibration of the first example"


def test_the_scoring_example_prints_what_the_library_page_shows(tmp_path):
    shown = next(block for block in code_blocks(DOCS / "library.md") if "correlation" in block)
    assert python(ROOT / "examples/score_a_model.py", cwd=tmp_path) == shown


def test_the_tasks_of_the_reference_are_done_one_after_the_other(tmp_path):
    python(ROOT / "examples/draw_beads.py", cwd=tmp_path)
    blocks = code_blocks(DOCS / "api.md", "python")
    assert len(blocks) == 8
    printed = python("-c", "\n".join(blocks), cwd=tmp_path)
    assert "VectorField(traction, 2 frames, 512 x 512 px, Pa)" in printed
    assert "done=('cell.ome.tif',)" in printed
    written = ("cell_traction.ome.tif", "explained/cell_Y.ome.tif", "results/report.html")
    assert all((tmp_path / name).is_file() for name in written)
    measured = io.read_field(tmp_path / "tfm/cell_measured_traction.ome.tif").data
    truth = io.read_field(tmp_path / "beads/true_traction.ome.tif").data
    assert np.corrcoef(measured.ravel(), truth.ravel())[0, 1] > 0.8


def test_the_readme_example_predicts_each_frame(tmp_path):
    python(
        "-c",
        "from napari_cellforce import io, synthetic as s\n"
        "io.write_stack('cell.ome.tif', s.drawn_cell(frames=2).image)",
        cwd=tmp_path,
    )
    (code,) = code_blocks(ROOT / "README.md", "python")
    assert python("-c", code, cwd=tmp_path).splitlines() == ["0 (2, 512, 512)", "1 (2, 512, 512)"]


def test_every_command_of_the_command_line_page_runs_one_after_the_other(tmp_path):
    lines = [line for block in code_blocks(DOCS / "command-line.md") for line in block.splitlines()]
    commands = [line for line in lines if line.startswith("cellforce ")]
    assert len(commands) > 8
    for command in commands:
        if not any(part in command for part in ELSEWHERE):
            done = cellforce(command, tmp_path)
            assert done.returncode == 0, f"{command}: {done.stderr}"


def test_the_error_on_the_command_line_page_is_the_real_one(tmp_path):
    block = next(block for block in code_blocks(DOCS / "command-line.md") if block.startswith("$"))
    command, message = block.strip().splitlines()
    assert cellforce("cellforce demo --out demo", tmp_path).returncode == 0
    done = cellforce(command.removeprefix("$ "), tmp_path)
    assert done.returncode == 2
    assert done.stderr.strip() == message


def test_the_site_builds_without_a_warning(tmp_path):
    python("-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", tmp_path / "site", cwd=ROOT)
    assert "Five minutes" in (tmp_path / "site/tutorials/predict/index.html").read_text(encoding="utf-8")
