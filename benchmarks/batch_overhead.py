"""What a batch costs beyond the prediction itself, as ratios of runs on this machine.

Run with ``python benchmarks/batch_overhead.py [--quick]``. The cells are drawn here; the network is a U-Net
of the published example configuration with random weights, which takes as long as a trained one.

"batch / bare inference" at 960 x 960 must not exceed 1.1; bare inference reads the movie, finds the cell and
predicts, and writes nothing. It is measured with plain torch and with the quickest backend that is installed,
by the clock and in seconds of the processor, which say more on a busy machine.
"peak memory, long / short movie" must not exceed 1.1. "one process / two" must reach 1.6 on two idle cores;
as every process needs some seconds to import torch and to load the model, that ratio is lower for a short run
than the ratio of their pace, which is given too. 1000 finished inputs must be skipped in 5 s.
With --quick, movies are shorter.
"""

from __future__ import annotations

import os
import shutil
import statistics
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
from napari_cellforce.batch.completion import CompletionRecord
from napari_cellforce.fields import ImageStack, PixelSize
from napari_cellforce.io import read, write_stack
from napari_cellforce.models import checkpoint
from napari_cellforce.predict import PredictConfig, RunConfig, prepare
from unet_speed import example_network

MICRON = 0.17
RUNS = 3
"""Of everything whose seconds are compared; their median is taken."""

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


def run_with(backend: str) -> PredictConfig:
    """Return settings by which this backend computes."""
    return PredictConfig(run=RunConfig(backend=backend))


def overhead(folder: Path, model: Path, frames: int, backend: str) -> dict[str, Any]:
    """Compare a batch of one movie with its bare inference: read, find the cell, predict, write nothing."""
    path = movie(folder / "in" / "cell.tif", frames, 960)
    config = BatchConfig(str(folder / "in"), str(folder / "out"), (str(model),), predict=run_with(backend))
    (predictor,) = load(config)
    whole(replace(config, out=str(folder / "warm-up")))
    seconds: dict[str, list[float]] = {"batch": [], "bare": [], "batch, processor": [], "bare, processor": []}

    def measure(name: str, work: Any) -> None:
        before = time.process_time()
        seconds[name].append(timed(work))
        seconds[f"{name}, processor"].append(time.process_time() - before)

    for turn in range(RUNS):
        fresh = replace(config, out=str(folder / f"out{turn}"))
        measure("bare", lambda: list(prepare(read(path), predictor).run()))
        measure("batch", lambda fresh=fresh: whole(fresh))
    middle = {name: statistics.median(values) for name, values in seconds.items()}
    return {
        "backend": getattr(predictor, "backend", backend),
        "frames": frames,
        "batch / bare inference": round(middle["batch"] / middle["bare"], 3),
        "batch / bare inference, seconds of the processor": round(
            middle["batch, processor"] / middle["bare, processor"], 3
        ),
        "bare inference [s a frame]": round(middle["bare"] / frames, 3),
    }


_RUN = """
import sys, time
from pathlib import Path
from napari_cellforce.batch import BatchConfig, run_batch
from napari_cellforce.models.device import use_threads
from napari_cellforce.predict import PredictConfig, RunConfig
folder, out, model, workers, backend = sys.argv[1:]
use_threads(1)
begun, paces = None, []
predict = PredictConfig(run=RunConfig(backend=backend))
for event in run_batch(BatchConfig(folder, out, (model,), predict=predict, workers=int(workers))):
    begun = begun or time.perf_counter()
    if getattr(event, "what", "") == "Predicting":
        paces.append(time.perf_counter())
end = time.perf_counter()
assert event.complete, event
status = Path("/proc/self/status").read_text().splitlines()
peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
print(peak, end - begun, (len(paces) - 1) / (paces[-1] - paces[0]))
"""
"""Prints the peak memory in kB (Linux), the seconds from first event to last, and frames a second between."""


def in_its_own_process(
    folder: Path, out: Path, model: str, workers: int, backend: str = "eager"
) -> tuple[int, float, float]:
    """Run a batch where nothing else has been; return peak memory in kB, seconds, and frames a second."""
    command = [sys.executable, "-c", _RUN, str(folder), str(out), model, str(workers), backend]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    peak, seconds, pace = done.stdout.split()
    return int(peak), float(seconds), float(pace)


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
    runs = {
        workers: in_its_own_process(folder / "in", folder / f"out{workers}", str(model), workers)
        for workers in (1, 2)
    }
    seconds, paces = ({n: run[i] for n, run in runs.items()} for i in (1, 2))
    return {
        "frames": 4 * frames,
        "one process / two": round(seconds[1] / seconds[2], 3),
        "two processes / one, in frames a second once they are at it": round(paces[2] / paces[1], 3),
        "seconds": {str(n): round(value, 1) for n, value in seconds.items()},
        "frames a second": {str(n): round(value, 3) for n, value in paces.items()},
    }


def skipping(folder: Path) -> dict[str, Any]:
    """Time a run in which everything is finished: one input is predicted, the others are its copies."""
    source = movie(folder / "in" / "0000.tif", 1, 128)
    config = BatchConfig(str(folder / "in"), str(folder / "out"), ("adhesion-filter",))
    whole(config)
    record = CompletionRecord.read(folder / "out", source.name, "adhesion-filter", "predict")
    if record is None:
        raise RuntimeError("the first input has no completion record")
    for n in range(1, INPUTS):
        name = f"{n:04d}"
        shutil.copy2(source, folder / "in" / f"{name}.tif")
        outputs = {key.replace("0000", name): size for key, size in record.outputs.items()}
        for old, new in zip(record.outputs, outputs, strict=True):
            shutil.copyfile(folder / "out" / old, folder / "out" / new)
        replace(record, name=f"{name}.tif", outputs=outputs).write(folder / "out")
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
            "overhead": [
                overhead(root / "eager", model, 3 if quick else 10, "eager"),
                overhead(root / "auto", model, 10 if quick else 60, "auto"),
            ],
            "memory": memory(root / "memory", (20, 200) if quick else (50, 1000), 256),
            "processes": processes(root / "processes", model, 2 if quick else 10),
            "skipping": skipping(root / "skipping"),
        }
        write("batch_overhead", results)


if __name__ == "__main__":
    main("--quick" in sys.argv)
