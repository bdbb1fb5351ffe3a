"""Peak memory of `cellforce predict` on a long movie against a short one.

usage: python benchmarks/memory.py [SHORT LONG]
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import _report
from napari_cellforce.fields import ImageStack
from napari_cellforce.io import read_field, write_stack
from napari_cellforce.synthetic import drawn_cell

SIDE = 512
MODEL = "adhesion-filter"
CELLFORCE = shutil.which("cellforce", path=Path(sys.executable).parent) or "cellforce"


class Drifting:
    """A movie of a drawn cell that moves to and fro, made frame by frame."""

    ndim = 4

    def __init__(self, frame: np.ndarray, frames: int) -> None:
        self.shape, self.dtype = (frames, *frame.shape), frame.dtype
        self._frame = frame

    def __getitem__(self, t: int) -> np.ndarray:
        return np.roll(self._frame, abs(t % 40 - 20), axis=-1)


def write_movie(path: Path, frames: int) -> Path:
    """Write a movie of `frames` frames as OME-TIFF."""
    cell: ImageStack = drawn_cell(side=SIDE).image
    return write_stack(path, replace(cell, data=Drifting(np.asarray(cell.data[0]), frames), name=path.stem))


def predict(movie: Path, frames: int) -> dict[str, Any]:
    """Predict a movie on the command line, and return what the process needed at its peak."""
    start = time.perf_counter()
    job = subprocess.Popen([CELLFORCE, "predict", movie, "--model", MODEL], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(job.pid, 0)
    assert status == 0, "the prediction failed"
    result = movie.with_name(f"{movie.name.removesuffix('.ome.tif')}_traction.ome.tif")
    assert read_field(result).frames == tuple(range(frames))
    kilobyte = 1 if sys.platform == "darwin" else 1024  # ru_maxrss is in bytes there
    return {
        "frames": frames,
        "movie [MB]": round(movie.stat().st_size / 1e6, 1),
        "result [MB]": round(result.stat().st_size / 1e6, 1),
        "peak memory [MB]": round(usage.ru_maxrss * kilobyte / 1e6, 1),
        "time [s]": round(time.perf_counter() - start, 1),
    }


def main(short: int, long: int) -> None:
    """Predict both movies, the short one first."""
    with tempfile.TemporaryDirectory() as folder:
        runs = [predict(write_movie(Path(folder) / f"{n}.ome.tif", n), n) for n in (short, long)]
    ratio = runs[1]["peak memory [MB]"] / runs[0]["peak memory [MB]"]
    _report.write(
        "memory",
        {"model": MODEL, "frame": [SIDE, SIDE], "runs": runs, "long / short": round(ratio, 3), "goal": 1.1},
    )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:] or (50, 1000)))
