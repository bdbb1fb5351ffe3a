"""A hundred gigabytes open at once, and a few frames of them are predicted in the memory of a laptop.

The files are sparse, or all but a few chunks are missing: they take next to no room on the disk.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
import zarr

from napari_cellforce import io
from napari_cellforce.fields import ImageStack, PixelSize

SIDE, FRAMES = 960, 54_300
"""16 bits a pixel: 100.1 GB."""
MEMORY = 2 * 1024**3

PREDICT = """
import json, resource, sys, time
path, frames = sys.argv[1], [int(t) for t in sys.argv[2].split(",")]
resource.setrlimit(resource.RLIMIT_DATA, (int(sys.argv[3]),) * 2)
from napari_cellforce import io
from napari_cellforce.fields import Mask
from napari_cellforce.models.filters import AdhesionFilter
from napari_cellforce.predict import PredictConfig, prepare
import numpy as np, dask.array, zarr, tifffile  # what takes time to load is not what is measured
start = time.perf_counter()
stack = io.read(path)
opened = time.perf_counter() - start
mask = np.zeros((1, *stack.shape), bool)
mask[0, 200:760, 200:760] = True
job = prepare(stack, AdhesionFilter(), Mask(mask), config=PredictConfig(already_normalised=True))
start = time.perf_counter()
total = [float(abs(result.traction).sum()) for t in frames for result in job.run(range(t, t + 1))]
print(json.dumps({
    "frames": stack.n_frames, "opened": opened,
    "seconds a frame": (time.perf_counter() - start) / len(frames),
    "totals": total, "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))
"""


def cell() -> np.ndarray:
    y, x = np.indices((SIDE, SIDE)) - (SIDE - 1) / 2
    r, angle = np.hypot(y, x), np.arctan2(y, x)
    return (100 + 900 * np.exp(-((r - 200) ** 2) / 200) * (1 + np.cos(7 * angle))).astype(np.uint16)


def predicted(path: Path, *frames: int) -> dict:
    """Open a movie and predict some of its frames in a process that may not use more than `MEMORY`."""
    command = [sys.executable, "-c", PREDICT, str(path), ",".join(str(t) for t in frames), str(MEMORY)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr[-2000:]
    return json.loads(answer.stdout)


def check(told: dict) -> None:
    print(told)
    assert told["frames"] == FRAMES
    assert told["peak"] < MEMORY
    assert told["opened"] < 10
    assert all(total > 0 for total in told["totals"])


@pytest.mark.slow
def test_a_tiff_of_100_gb(tmp_path):
    """One block of pixels behind one header, as ImageJ and tifffile write what is not compressed."""
    path = tmp_path / "huge.tif"
    movie = tifffile.memmap(
        path,
        shape=(FRAMES, SIDE, SIDE),
        dtype=np.uint16,
        bigtiff=True,
        photometric="minisblack",
        resolution=(1e4 / 0.17, 1e4 / 0.17),
        resolutionunit="CENTIMETER",
        metadata={"axes": "TYX"},
    )
    for t in (0, 27_000, FRAMES - 1):
        movie[t] = cell()
    movie.flush()
    del movie
    assert path.stat().st_size > 100e9
    check(predicted(path, 0, 27_000, FRAMES - 1))


@pytest.mark.slow
def test_an_ome_zarr_of_100_gb(tmp_path):
    path = io.write_stack(
        tmp_path / "huge.zarr", ImageStack(cell()[None, None], ("zyxin",), PixelSize(0.17, 0.17))
    )
    array = zarr.open_array(path / "0", mode="r+")
    array.resize((FRAMES, 1, SIDE, SIDE))
    for t in (27_000, FRAMES - 1):
        array[t, 0] = cell()
    check(predicted(path, 0, 27_000, FRAMES - 1))


@pytest.mark.slow
def test_ten_thousand_pages_with_headers_of_their_own(tmp_path):
    """As microscopes write: every page has to be found by way of the one before."""
    path = tmp_path / "pages.tif"
    with tifffile.TiffWriter(path, bigtiff=True) as tiff:
        for _ in range(10_000):
            tiff.write(
                np.zeros((16, 16), np.uint16), photometric="minisblack", contiguous=False, metadata=None
            )
    stack = io.read(path)
    assert stack.n_frames == 10_000
    assert not stack.frame(9_999).any()
