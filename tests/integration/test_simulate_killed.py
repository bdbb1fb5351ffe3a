"""A simulation that is killed leaves no orphans, and running it again gives what one run would have given."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

COMMAND = (
    *(sys.executable, "-c", "from napari_cellforce.cli import main; main()", "simulate"),
    *("--cells", "24", "--frames", "2", "--seed", "9", "--side", "128", "--pixel-size", "1.36"),
    *("--workers", "2"),
)
PATIENCE = 60.0

pytestmark = pytest.mark.slow


def contents(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def begun(out: Path, cells: int) -> subprocess.Popen[bytes]:
    """Start a simulation and wait until some cells, not all, are finished."""
    process = subprocess.Popen(
        [*COMMAND, "--out", str(out)], stderr=subprocess.DEVNULL, start_new_session=True
    )
    until = time.monotonic() + PATIENCE
    while len(list(out.glob("records/*.json"))) < cells:
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < until
        time.sleep(0.02)
    return process


@pytest.fixture(scope="module")
def in_one_go(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("whole") / "cells"
    subprocess.run([*COMMAND, "--out", str(out)], check=True, capture_output=True)
    return out


def test_killed_in_the_middle_and_run_again(tmp_path, in_one_go):
    process = begun(tmp_path, cells=5)
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    _, alive = psutil.wait_procs(children, timeout=PATIENCE)
    assert not alive, "the processes end with their parent"
    finished = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("records/*.json")}
    assert 5 <= len(finished) < 24
    again = subprocess.run([*COMMAND, "--out", str(tmp_path)], check=True, capture_output=True, text=True)
    assert f"{len(finished)} kept" in again.stdout
    kept = {name: (tmp_path / "records" / name).stat().st_mtime_ns for name in finished}
    assert kept == finished
    assert contents(tmp_path) == contents(in_one_go)


@pytest.mark.skipif(sys.platform == "win32", reason="no Ctrl-C can be sent to a process group there")
def test_ctrl_c_leaves_a_valid_data_set(tmp_path):
    process = begun(tmp_path, cells=3)
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE) == 130
    rows = (tmp_path / "dataset.csv").read_text().splitlines()[1:]
    assert len(rows) == 2 * len(list(tmp_path.glob("records/*.json")))
    assert not list(tmp_path.rglob("*.partial"))
