"""What computes the U-Net fastest on a CPU: torch as it is, our forms of it, and other programs.

usage: python benchmarks/backends.py [--runs N] [--side PIXELS] [--without NAME ...] [--cpu-time]

One frame of 960 x 960 pixels through the published example configuration, all ways in turn, so that their
ratios stand whoever else is working. ``--cpu-time`` counts seconds of the processor instead of those of the
clock, with one thread. Before that, how long each backend takes to be made ready, for the first time and
from the cache. ``compile`` takes minutes the first time.
"""

from __future__ import annotations

import argparse
import copy
import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

import _report
from napari_cellforce.models.backends import cache, find_backend, make_engine
from napari_cellforce.models.fold_batchnorm import fold_batchnorm
from unet_speed import SIDE, example_network

BACKENDS = ("openvino", "compile")
GOAL = 8.0
"""Plain torch over OpenVINO."""

CPU = torch.device("cpu")
Way = Callable[[Tensor], Tensor]


def ready(name: str) -> tuple[Way, dict[str, Any]]:
    """Make a backend ready twice, the second time from its cache."""
    module, seconds = example_network().module, []
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # a refusal is no result
        for _ in range(2):
            start = time.perf_counter()
            engine = make_engine(module, CPU, find_backend(name, CPU))
            seconds.append(round(time.perf_counter() - start, 2))
    about = {"version": engine.version, "ready [s]": {"first": seconds[0], "from the cache": seconds[1]}}
    return engine.module, about


def ways(without: list[str]) -> tuple[dict[str, Way], dict[str, Any]]:
    """Return all ways to compute the network, and what is known of the backends."""
    plain = example_network().module
    found: dict[str, Way] = {
        "plain": plain,
        "channels last": copy.deepcopy(plain).to(memory_format=torch.channels_last),
        "eager (fused)": fold_batchnorm(plain),
    }
    about = {}
    for name in BACKENDS:
        if name not in without:
            found[name], about[name] = ready(name)
    return {name: way for name, way in found.items() if name not in without}, about


@torch.inference_mode()
def times(found: dict[str, Way], image: Tensor, runs: int, clock: Callable[[], float]) -> dict[str, float]:
    """Return the median seconds of each way, all run in turn, after one run of each that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in found}
    for run in range(runs + 1):
        for name, way in found.items():
            start = clock()
            way(image)
            if run:
                seconds[name].append(clock() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


@torch.inference_mode()
def difference(way: Way, plain: Way, image: Tensor) -> float:
    """Return the largest difference over the largest value."""
    expected = plain(image)
    return float(f"{float((way(image) - expected).abs().max() / expected.abs().max()):.2g}")


def main(runs: int, side: int, without: list[str], cpu_time: bool) -> None:
    """Measure all ways and write the ratios."""
    if cpu_time:
        torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        os.environ[cache.FOLDER_VARIABLE] = folder
        found, about = ways(without)
    image = torch.rand(1, 1, side, side, generator=torch.Generator().manual_seed(0))
    seconds = times(found, image, runs, time.process_time if cpu_time else time.perf_counter)
    results = {
        "frame": [side, side],
        "threads": torch.get_num_threads(),
        "runs": runs,
        "seconds of": "the processor" if cpu_time else "the clock",
        "backends": about,
        "median [s]": {name: round(value, 3) for name, value in seconds.items()},
        "plain / it": {name: round(seconds["plain"] / value, 2) for name, value in seconds.items()},
        "largest difference from plain / largest value": {
            name: difference(way, found["plain"], image) for name, way in found.items()
        },
        "goal of openvino": GOAL,
    }
    _report.write("backends_cpu_time" if cpu_time else "backends", results)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--side", type=int, default=SIDE)
    parser.add_argument("--without", nargs="*", default=[], metavar="NAME")
    parser.add_argument("--cpu-time", action="store_true")
    given = parser.parse_args()
    main(given.runs, given.side, given.without, given.cpu_time)
