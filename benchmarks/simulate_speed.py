"""100 simulated cells of 256 x 256 pixels, from settings to files, on two processes and on one.

usage: python benchmarks/simulate_speed.py [CELLS]
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import _report
from napari_cellforce.simulate import SimulateConfig, simulate_cells

GOAL = 120.0
"""Seconds for 100 cells on two cores."""


def run(config: SimulateConfig, workers: int) -> dict[str, object]:
    """Simulate into a folder that is thrown away, the start of the processes included."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        outcomes = Counter(report.outcome for report in simulate_cells(config, Path(folder), workers))
        seconds = time.perf_counter() - start
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    return {"seconds": round(seconds, 1), **outcomes, "MB": round(size / 1e6)}


def main(cells: int) -> None:
    """Time exact and measured tractions."""
    exact, measured = SimulateConfig(cells), SimulateConfig(cells, measured=True)
    _report.write(
        "simulate_speed",
        {
            "cells": cells,
            "frame": [exact.side, exact.side],
            "goal for 100 cells on 2 cores [s]": GOAL,
            "2 processes": run(exact, 2),
            "1 process": run(exact, 1),
            "2 processes, measured": run(measured, 2),
        },
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
