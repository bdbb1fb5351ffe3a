"""How many frames a batch predicts in a second on this machine, by size, number of frames and processes.

Run with ``python benchmarks/batch_throughput.py [--quick | --frame]``, then ``python
docs/figures/throughput.py`` for the table in the docs. Two movies of a drawn cell; a U-Net of the
published example configuration with random weights, which takes as long as a trained one; one thread a
process. The pace is that between the first frame and the last: what a process needs to start (importing
torch, loading the model) is given apart.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

sys.path.insert(0, str(Path(__file__).resolve().parent))
from _report import write
from batch_overhead import in_its_own_process, movie, whole
from napari_cellforce.batch import BatchConfig
from napari_cellforce.io import FieldWriter, read_field
from napari_cellforce.models import checkpoint
from unet_speed import example_network

RUNS = (
    ("eager", 960, 6, (1, 2)),
    ("auto", 256, 60, (1, 2)),
    ("auto", 512, 30, (1, 2)),
    ("auto", 960, 10, (1, 2)),
    ("auto", 960, 60, (1, 2)),
)
"""Backend, side in pixels, frames of each of the two movies, processes."""


def throughput(
    folder: Path, model: Path, backend: str, side: int, frames: int, workers: int
) -> dict[str, Any]:
    """Predict two movies, and return how fast that went."""
    inputs = folder / f"{side}-{frames}"
    if not inputs.exists():
        for n in range(2):
            movie(inputs / f"cell_{n}.tif", frames, side, seed=n)
    out = folder / f"out-{backend}-{side}-{frames}-{workers}"
    peak, seconds, pace = in_its_own_process(inputs, out, str(model), workers, backend)
    return {
        "backend": backend,
        "side": side,
        "frames": 2 * frames,
        "processes": workers,
        "frames a second": round(pace, 3),
        "seconds": round(seconds, 1),
        "seconds until the pace": round(seconds - 2 * frames / pace, 1),
        "peak memory of this process [MB]": round(peak / 1e3),
    }


def one_frame(folder: Path, module: torch.nn.Module, side: int) -> dict[str, Any]:
    """Return what one frame costs besides the network's time: its operations, and writing its result."""
    source = movie(folder / "one" / "cell.tif", 1, side)
    config = BatchConfig(str(source.parent), str(folder / "one-out"), ("adhesion-filter",))
    whole(config)
    path = folder / "one-out" / "adhesion-filter" / "cell_traction.ome.tif"
    field = read_field(path)
    data, mask = np.asarray(field.data[0]), np.asarray(field.mask[0])
    copies = 10
    start = time.process_time()
    with FieldWriter(
        folder / "copy.tif",
        quantity="traction",
        unit="Pa",
        pixel_size=field.pixel_size,
        shape=mask.shape,
        n_frames=copies,
    ) as writer:
        for t in range(copies):
            writer.append(t, data, mask)
    seconds = (time.process_time() - start) / copies
    counter = FlopCounterMode(display=False)
    with counter, torch.inference_mode():
        module(torch.zeros(1, 1, side, side))
    return {
        "side": side,
        "operations of the network [1e9]": round(counter.get_total_flops() / 1e9, 1),
        "writing [processor s]": round(seconds, 3),
        "image, one channel [MB]": round(2 * side * side / 1e6, 2),
        "result on disk [MB]": round((folder / "copy.tif").stat().st_size / copies / 1e6, 2),
    }


def main(quick: bool, runs: bool) -> None:
    """Measure all, or without the runs only what one frame costs."""
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        loaded = example_network()
        model = checkpoint.save(root / "example.safetensors", loaded.module, loaded.record)
        rows = [
            throughput(root, model, backend, side, max(2, frames // (6 if quick else 1)), n)
            for backend, side, frames, workers in RUNS
            for n in workers
            if runs
        ]
        frame = one_frame(root, loaded.module, 960)
        write("batch_throughput", {"quick": quick, "rows": rows, "one frame": frame})


if __name__ == "__main__":
    main("--quick" in sys.argv, runs="--frame" not in sys.argv)
