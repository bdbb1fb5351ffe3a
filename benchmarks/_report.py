"""Measured claims as files: what was measured, where, with what."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
PACKAGES = ("napari-cellforce", "numpy", "scipy", "scikit-fem", "torch")


def interleaved(
    ways: Mapping[str, Callable[[], Any]], runs: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, float]:
    """Run every way in turn, `runs` times after one warm-up, and return each one's median time in seconds.

    In turn, so that whatever else the machine does slows all of them alike. For ways of very different length
    on a busy machine, let `clock` be `time.process_time`: the longer ones are interrupted more often.
    """
    times: dict[str, list[float]] = {name: [] for name in ways}
    for run in range(runs + 1):
        for name, way in ways.items():
            start = clock()
            way()
            if run:
                times[name].append(clock() - start)
    return {name: statistics.median(values) for name, values in times.items()}


def write(name: str, results: Mapping[str, Any]) -> Path:
    """Write the results of a benchmark to ``results/<name>.json``, print them, and return the path."""
    record = {
        "benchmark": name,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "machine": _machine(),
        "versions": _versions(),
        "results": dict(results),
    }
    text = json.dumps(record, indent=2, ensure_ascii=False)
    path = HERE / "results" / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text + "\n", encoding="utf-8")
    print(text)
    return path


def _commit() -> str:
    """Return the commit, with ``-dirty`` if files under version control differ from it."""
    command = ["git", "-C", str(HERE), "describe", "--always", "--abbrev=12", "--exclude=*", "--dirty"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def _machine() -> dict[str, Any]:
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "system": platform.platform(),
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _versions() -> dict[str, str]:
    return {"python": platform.python_version(), **{p: importlib.metadata.version(p) for p in PACKAGES}}
