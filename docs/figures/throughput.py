"""The table of throughput in the how-to of clusters, from ``benchmarks/results/batch_throughput.json``.

Run with ``python docs/figures/throughput.py``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "benchmarks" / "results" / "batch_throughput.json"
TABLE = ROOT / "docs" / "tables" / "throughput.txt"

_BACKENDS = {"eager": "plain PyTorch", "auto": "the quickest installed"}


def table(record: dict[str, Any]) -> str:
    """Return the table as Markdown, with where and when it was measured."""
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


if __name__ == "__main__":
    TABLE.parent.mkdir(exist_ok=True)
    TABLE.write_text(table(json.loads(SOURCE.read_text(encoding="utf-8"))), encoding="utf-8")
