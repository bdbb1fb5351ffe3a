"""Displacements from bead images: speed and memory beside OpenPIV; the cost of choosing a regularisation.

Run with ``python benchmarks/piv_speed.py``; OpenPIV (GPL, only here and in tests) takes a minute and 13 GB
for the pair of 2048 x 2048. Each way runs in a process of its own, which tells its peak memory (with the
interpreter and the images). OpenPIV does one pass.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import scipy.fft

sys.path.insert(0, str(Path(__file__).resolve().parent))
from _report import interleaved, write

SIDE, WINDOW, OVERLAP = 2048, 64, 56


def pair(side: int) -> tuple[np.ndarray, np.ndarray]:
    """Return two images of beads, the second moved by a smooth field of up to 4 pixels."""
    from napari_cellforce.synthetic.beads import BeadConfig, bead_pair

    y, x = np.indices((side, side)) / side
    moved = 0.7 * np.stack([np.sin(2 * np.pi * x) * np.cos(3 * y), np.cos(2 * np.pi * y) * x])
    beads = bead_pair(moved, BeadConfig(), seed=1)
    return beads.reference, beads.loaded


def run(way: str, side: int) -> dict[str, float]:
    """Measure one way in this process: seconds, and peak memory above that of the images in GB."""
    reference, loaded = pair(side)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    if way == "OpenPIV":
        from openpiv.pyprocess import extended_search_area_piv

        start = time.perf_counter()
        extended_search_area_piv(
            reference.astype(np.int32),
            loaded.astype(np.int32),
            window_size=WINDOW,
            overlap=OVERLAP,
            search_area_size=WINDOW,
            sig2noise_method="peak2peak",
        )
    else:
        from napari_cellforce.physics.displacement import DisplacementConfig, displacement_field

        windows = (WINDOW,) if way == "one pass" else (WINDOW, WINDOW, WINDOW)
        start = time.perf_counter()
        displacement_field(reference, loaded, DisplacementConfig(windows, OVERLAP))
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "seconds": round(seconds, 2),
        "peak GB": round(peak / 2**20, 2),
        "before GB": round(before / 2**20, 2),
    }


def measure_piv(side: int) -> dict[str, Any]:
    """Run all ways, each in a new process."""
    results: dict[str, Any] = {"side": side, "window": WINDOW, "overlap": OVERLAP}
    for way in ("one pass", "three passes", "OpenPIV"):
        command = [sys.executable, __file__, way, str(side)]
        results[way] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        print(side, way, results[way], flush=True)
    for way in ("one pass", "three passes"):
        ratio = results["OpenPIV"]["seconds"] / results[way]["seconds"]
        results[f"OpenPIV over {way}"] = round(ratio, 2)
    return results


def measure_regularisation() -> dict[str, Any]:
    """Compare choosing lambda on 256 x 256 with the Fourier transforms of that field."""
    from napari_cellforce.physics.halfspace import halfspace_kernel
    from napari_cellforce.physics.regularisation import choose_regularisation, displacement_spectrum

    kernel = halfspace_kernel((256, 256), 0.5, 8000.0, 0.48)
    traction = np.random.default_rng(0).normal(size=(2, 256, 256))
    field = kernel.displacement(traction) + 1e-4 * np.random.default_rng(1).normal(size=traction.shape)
    y, x = np.indices((256, 256)) - 128
    outside = y**2 + x**2 > 100**2
    ways = {"FFT": lambda: scipy.fft.fft2(field[0])}
    for criterion in ("evidence", "gcv", "l-curve"):
        ways[criterion] = lambda c=criterion: choose_regularisation(displacement_spectrum(field, kernel), c)
    ways["evidence, noise outside"] = lambda: choose_regularisation(
        displacement_spectrum(field, kernel, outside), "evidence"
    )
    seconds = interleaved(ways, 51, time.process_time)
    return {
        "milliseconds": {name: round(1e3 * value, 3) for name, value in seconds.items()},
        "in FFTs": {name: round(value / seconds["FFT"], 1) for name, value in seconds.items()},
    }


def one_thread() -> dict[str, Any]:
    """Measure the regularisation in a process that computes in one thread, as its transforms do."""
    command = [sys.executable, __file__, "regularisation"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return json.loads(done.stdout)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps(run(sys.argv[1], int(sys.argv[2]))))
    elif len(sys.argv) == 2:
        print(json.dumps(measure_regularisation()))
    else:
        sides = [measure_piv(side) for side in (1024, SIDE)]
        write("piv_speed", {"PIV": sides, "regularisation": one_thread()})
