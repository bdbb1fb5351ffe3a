"""What a batch costs beyond the prediction itself, as ratios of runs on this machine.

Run with ``python benchmarks/batch_overhead.py [--quick]``. The cells are drawn here; the network is a U-Net
of the published example configuration with random weights, which takes as long as a trained one.

"batch / bare inference" at 960 x 960 must not exceed 1.1; bare inference reads the movie, finds the cell and
predicts, and writes nothing. "peak memory, long / short movie" must not exceed 1.1; "one process / two" must
reach 1.6 on two idle cores; 1000 finished inputs must be skipped in 5 s. With --quick, movies are shorter.
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
import torch

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
    predictors = load(config)
    *_, outcome = run(make_plan(config, predictors), predictors)
    if not outcome.complete:
        raise RuntimeError(str(outcome.failures))


def timed(work: Any, clock: Any = time.perf_counter) -> float:
    """Return how many seconds something takes."""
    start = clock()
    work()
    return float(clock() - start)


def overhead(folder: Path, model: Path, frames: int) -> dict[str, Any]:
    """Compare a batch of one movie with nothing but its network."""
    path = movie(folder / "in" / "cell.tif", frames, 960)
    config = BatchConfig(str(folder / "in"), str(folder / "out"), (str(model),))
    (predictor,) = load(config)
    seen: list[tuple[Any, ...]] = []

    class Spy:
        record = predictor.record

        def predict_frame(self, *inputs: Any) -> FrameResult:
            seen.append(inputs)
            return predictor.predict_frame(*inputs)

    whole(replace(config, out=str(folder / "warm-up")))
    plan = make_plan(config, [Spy()])
    # Seconds of the processor, with one thread: those of the clock depend on who else is working.
    torch.set_num_threads(1)
    batch = timed(lambda: list(run(plan, [Spy()])), time.process_time)
    network = timed(lambda: [predictor.predict_frame(*inputs) for inputs in seen], time.process_time)
    job = timed(lambda: list(prepare(read(path), predictor).run()), time.process_time)
    return {
        "frames": frames,
        "batch / bare inference": round(batch / job, 3),
        "batch / network alone": round(batch / network, 3),
        "network alone [s a frame]": round(network / frames, 3),
    }


_RUN = """
import resource, sys, time
from pathlib import Path
from napari_cellforce.batch import BatchConfig, run_batch
folder, out, model, workers = sys.argv[1:]
times = []
for event in run_batch(BatchConfig(folder, out, (model,), workers=int(workers))):
    times.append(time.perf_counter())
assert event.complete, event
status = Path("/proc/self/status").read_text().splitlines()
peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
print(peak, times[-1] - times[0])
"""
"""Prints the peak memory in kB (Linux) and the seconds from the first event to the last."""


def in_its_own_process(folder: Path, out: Path, model: str, workers: int) -> tuple[int, float]:
    """Run a batch where nothing else has been; return its peak memory in kB and its duration in s."""
    command = [sys.executable, "-c", _RUN, str(folder), str(out), model, str(workers)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    peak, seconds = done.stdout.split()
    return int(peak), float(seconds)


def memory(folder: Path, lengths: tuple[int, int], side: int) -> dict[str, Any]:
    """Compare the peak memory of a long movie with that of a short one."""
    peaks = []
    for frames in lengths:
        inputs = folder / f"in{frames}"
        movie(inputs / "cell.tif", frames, side)
        peaks.append(in_its_own_process(inputs, folder / f"out{frames}", "adhesion-filter", 1)[0])
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
    seconds = {
        workers: in_its_own_process(folder / "in", folder / f"out{workers}", str(model), workers)[1]
        for workers in (1, 2)
    }
    return {
        "frames": 4 * frames,
        "one process / two": round(seconds[1] / seconds[2], 3),
        "seconds": {str(n): round(value, 1) for n, value in seconds.items()},
    }


def skipping(folder: Path) -> dict[str, Any]:
    """Time a run in which everything is finished: one input is predicted, the others are its copies."""
    source = movie(folder / "in" / "0000.tif", 1, 128)
    config = BatchConfig(str(folder / "in"), str(folder / "out"), ("adhesion-filter",))
    whole(config)
    receipt = Receipt.read(folder / "out", source.name, "adhesion-filter", "predict")
    if receipt is None:
        raise RuntimeError("the first input has no receipt")
    for n in range(1, INPUTS):
        name = f"{n:04d}"
        shutil.copy2(source, folder / "in" / f"{name}.tif")
        outputs = {key.replace("0000", name): size for key, size in receipt.outputs.items()}
        for old, new in zip(receipt.outputs, outputs, strict=True):
            shutil.copyfile(folder / "out" / old, folder / "out" / new)
        replace(receipt, name=f"{name}.tif", outputs=outputs).write(folder / "out")
    predictors = load(config)
    events: list[Any] = []
    plan = timed(lambda: make_plan(config, predictors))
    both = timed(lambda: events.extend(run(make_plan(config, predictors), predictors)))
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
