"""The tables of throughput in the how-to of clusters, from ``benchmarks/results/batch_throughput.json``.

Run with ``python docs/figures/throughput.py``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "benchmarks" / "results" / "batch_throughput.json"
TABLES = ROOT / "docs" / "tables"

FRAMES, CARDS = 1_000_000, 32
SUSTAINED = 2.0
"""Assumed: 10^12 operations a second that a card really does in a small U-Net."""

DISK = 500.0
"""Assumed: MB a second that the shared disk reads and writes for all cards together."""

_BACKENDS = {"eager": "PyTorch", "auto": "OpenVINO"}


def table(record: dict[str, Any]) -> str:
    """Return the table as Markdown, with where and when it was measured."""
    if not record["results"]["rows"]:
        return "(Not measured yet on a quiet machine.)\n"
    lines = [
        "| computed by | frame | frames | processes | frames a second | all, with the start [s] |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for row in record["results"]["rows"]:
        backend, side = _BACKENDS[row["backend"]], row["side"]
        counts = f"{row['frames']} | {row['processes']} | {row['frames a second']:.2f} | {row['seconds']:.0f}"
        lines.append(f"| {backend} | {side} × {side} | {counts} |")
    machine = record["machine"]
    where = f"{machine['processor']}, {machine['cores']} cores, load {machine['load']} at the end"
    quick = ", shortened" if record["results"]["quick"] else ""
    return "\n".join(lines) + f"\n\nMeasured on {record['date'][:10]}: {where}{quick}.\n"


def million(record: dict[str, Any]) -> str:
    """Return what a million frames would take, with all that is assumed."""
    frame = record["results"]["one frame"]
    operations, writing = frame["operations of the network [1e9]"], frame["writing [processor s]"]
    size = frame["image, one channel [MB]"] + frame["result on disk [MB]"]
    hours = {
        "network": FRAMES / CARDS * operations / (SUSTAINED * 1e3) / 3600,
        "compressing": FRAMES / CARDS * writing / 3600,
        "disk": FRAMES * size / DISK / 3600,
    }
    slowest = max(hours, key=lambda name: hours[name])
    total = FRAMES * size / 1e6
    side = frame["side"]
    cells = {
        f"the network, on {CARDS} cards": (
            f"{operations:g} · 10⁹ operations a frame (counted); "
            f"{SUSTAINED:g} · 10¹² a second and card (**assumed**)",
            hours["network"],
        ),
        f"compressing the results, on {CARDS} cores": (
            f"{writing:g} s a frame (measured)",
            hours["compressing"],
        ),
        "the shared disk, for all together": (
            f"{size:.1f} MB a frame, read and written (measured), {total:.1f} TB; {DISK:g} MB a second "
            "(**assumed**)",
            hours["disk"],
        ),
    }
    rows = "\n".join(f"| {what} | {source} | {hour:.2f} |" for what, (source, hour) in cells.items())
    side = frame["side"]
    return f"""\
No graphics card was at hand: this is an estimate from numbers that were measured without one, and from two
that are assumed. It is for {FRAMES:,} frames of {side} × {side} pixels with one channel, and the U-Net
of the published example configuration.

| what | from | hours |
| --- | --- | ---: |
{rows}

These overlap, so the slowest counts: here it is the {slowest}, with about {hours[slowest]:.1f} hours. Finding
the cells, measuring their brightness and joining the parts read and write the data once more, without the
network: count twice the disk. Quicker cards would change little; a quicker disk, or copies on the disks of
the nodes, would.
"""


if __name__ == "__main__":
    measured = json.loads(SOURCE.read_text(encoding="utf-8"))
    TABLES.mkdir(exist_ok=True)
    (TABLES / "throughput.txt").write_text(table(measured), encoding="utf-8")
    (TABLES / "million.txt").write_text(million(measured), encoding="utf-8")
