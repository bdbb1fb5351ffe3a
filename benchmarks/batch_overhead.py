"""What a batch costs beyond the prediction itself, as ratios of runs on this machine.

Run with ``python benchmarks/batch_overhead.py [--quick]``. The cells are drawn here; the network is a U-Net
of the published example configuration with random weights, which takes as long as a trained one.

"batch / bare inference" at 960 x 960 must not exceed 1.1, "peak memory, long / short movie" 1.1, "one process
/ two" must reach 1.6 on two idle cores, and 1000 finished inputs must be skipped in 5 s. With --quick, movies
are shorter.
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

sys.path.insert(0, str(Path(__file__).resolve().parent))
from _report import write
from napari_cellforce.batch import BatchConfig, load, make_plan, run
from napari_cellforce.batch.receipt import Receipt
from napari_cellforce.fields import FrameResult, ImageStack, PixelSize
from napari_cellforce.io import read, write_stack
from napari_cellforce.models import checkpoint
from napari_cellforce.predict import prepare
from unet_speed import example_network

MICRON = 0.17
INPUTS = 1000
"""Finished ones, to be skipped."""


def movie(path: Path, frames: int, side: int, seed: int = 0) -> Path:
    """Write a movie of a round cell with adhesions in a ring."""
    rng = np.random.default_rng(seed)
    y, x = np.indices((side, side)) - side / 2
    r, angle = np.hypot(y, x), np.arctan2(y, x)
    ring = np.exp(-(((r - side * 0.35) / (side * 0.03)) ** 2)) * (1 + np.cos(15 * angle + seed))
    still = 100 + 300 * (r < side * 0.4) + 900 * ring
    data = (still + rng.normal(scale=5, size=(frames, 1, side, side))).clip(0).astype(np.uint16)
    return write_stack(path, ImageStack(data, ("zyxin",), PixelSize.square(MICRON), 1.0, path.stem))


def whole(config: BatchConfig) -> None:
    """Run a batch to its end."""
    predictor = load(config)
    *_, outcome = run(make_plan(config, predictor), predictor)
    if not outcome.complete:
        raise RuntimeError(str(outcome.failures))


def timed(work: Any) -> float:
    """Return how many seconds something takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def overhead(folder: Path, model: Path, frames: int) -> dict[str, Any]:
    """Compare a batch of one movie with nothing but its network."""
    path = movie(folder / "in" / "cell.tif", frames, 960)
    config = BatchConfig(str(folder / "in"), str(folder / "out"), str(model))
    predictor = load(config)
    seen: list[tuple[Any, ...]] = []

    class Spy:
        record = predictor.record

        def predict_frame(self, *inputs: Any) -> FrameResult:
            seen.append(inputs)
            return predictor.predict_frame(*inputs)

    plan = make_plan(config, Spy())
    batch = timed(lambda: list(run(plan, Spy())))
    bare = timed(lambda: [predictor.predict_frame(*inputs) for inputs in seen])
    job = timed(lambda: list(prepare(read(path), predictor).run()))
    return {
        "frames": frames,
        "batch / bare inference": round(batch / bare, 3),
        "prediction job / bare inference": round(job / bare, 3),
        "bare inference [s a frame]": round(bare / frames, 3),
    }


_RUN = """
import resource, sys
from napari_cellforce.batch import BatchConfig, run_batch
folder, out, model, workers = sys.argv[1:]
*_, outcome = run_batch(BatchConfig(folder, out, model, workers=int(workers)))
assert outcome.complete, outcome
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def memory(folder: Path, lengths: tuple[int, int], side: int) -> dict[str, Any]:
    """Compare the peak memory of a long movie with that of a short one."""
    peaks = []
    for frames in lengths:
        inputs = folder / f"in{frames}"
        movie(inputs / "cell.tif", frames, side)
        out = folder / f"out{frames}"
        command = [sys.executable, "-c", _RUN, str(inputs), str(out), "adhesion-filter", "1"]
        peaks.append(int(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
    return {
        "frames": lengths,
        "side": side,
        "peak memory, long / short movie": round(peaks[1] / peaks[0], 3),
        "peaks [MB]": [round(peak / 1e3) for peak in peaks],
    }


def processes(folder: Path, model: Path, frames: int) -> dict[str, Any]:
    """Compare one process with two, one thread each, on four movies."""
    for n in range(4):
        movie(folder / "in" / f"cell_{n}.tif", frames, 960, seed=n)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    seconds = {}
    for workers in (1, 2):
        out = folder / f"out{workers}"
        command = [sys.executable, "-c", _RUN, str(folder / "in"), str(out), str(model), str(workers)]
        seconds[workers] = timed(lambda c=command: subprocess.run(c, env=environment, check=True))
    return {
        "frames": 4 * frames,
        "one process / two": round(seconds[1] / seconds[2], 3),
        "seconds": {str(n): round(value, 1) for n, value in seconds.items()},
    }


def skipping(folder: Path) -> dict[str, Any]:
    """Time a run in which everything is finished: one input is predicted, the others are its copies."""
    source = movie(folder / "in" / "0000.tif", 1, 128)
    config = BatchConfig(str(folder / "in"), str(folder / "out"), "adhesion-filter")
    whole(config)
    receipt = Receipt.read(folder / "out", source.name)
    if receipt is None:
        raise RuntimeError("the first input has no receipt")
    for n in range(1, INPUTS):
        name = f"{n:04d}"
        shutil.copy2(source, folder / "in" / f"{name}.tif")
        outputs = {key.replace("0000", name): size for key, size in receipt.outputs.items()}
        for old, new in zip(receipt.outputs, outputs, strict=True):
            shutil.copyfile(folder / "out" / old, folder / "out" / new)
        replace(receipt, name=f"{name}.tif", outputs=outputs).write(folder / "out")
    predictor = load(config)
    events: list[Any] = []
    plan = timed(lambda: make_plan(config, predictor))
    both = timed(lambda: events.extend(run(make_plan(config, predictor), predictor)))
    if len(events[-1].skipped) != INPUTS:
        raise RuntimeError("not all inputs were skipped")
    return {"inputs": INPUTS, "seconds to skip": round(both, 2), "of which to plan": round(plan, 2)}


def main(quick: bool) -> None:
    """Measure everything."""
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        loaded = example_network()
        model = checkpoint.save(root / "example.safetensors", loaded.module, loaded.record)
        results = {
            "quick": quick,
            "overhead": overhead(root / "overhead", model, 4 if quick else 20),
            "memory": memory(root / "memory", (20, 200) if quick else (50, 1000), 256),
            "processes": processes(root / "processes", model, 2 if quick else 10),
            "skipping": skipping(root / "skipping"),
        }
        write("batch_overhead", results)


if __name__ == "__main__":
    main("--quick" in sys.argv)
