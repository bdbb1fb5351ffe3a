"""Draw ``docs/images/how-many-cells.png`` from what ``benchmarks/how_many_cells.py`` measured."""

from __future__ import annotations

import json
from pathlib import Path

import matplotlib.pyplot as plt

ROOT = Path(__file__).resolve().parents[2]
WAYS = {
    "scale": ("the scale in Pa only", "#7a7a7a", "s"),
    "head": ("the last layer", "#e08a00", "^"),
    "all": ("all layers", "#2196d3", "o"),
}


def main() -> None:
    """Draw error against number of cells, on the other microscope and on the usual cells."""
    path = ROOT / "benchmarks/results/how_many_cells.json"
    runs = json.loads(path.read_text(encoding="utf-8"))["results"]["runs"]
    (before,) = (run for run in runs if run["cells"] == 0)
    panels = {
        "other microscope, in Pa": "error",
        "usual cells, at the best scale": "error on the usual cells at the best scale",
    }
    figure, axes = plt.subplots(1, 2, figsize=(8, 3.2), sharey=True, layout="constrained")
    for axis, (title, key) in zip(axes, panels.items(), strict=True):
        axis.axhline(before[key], color="black", linestyle="--", label="before")
        for way, (words, colour, marker) in WAYS.items():
            own = [run for run in runs if run["what changed"] == way]
            axis.plot(
                [r["cells"] for r in own], [r[key] for r in own], color=colour, marker=marker, label=words
            )
        axis.set_title(title, fontsize=10)
        axis.set_xscale("log", base=2)
        axis.set_xticks([1, 2, 4, 8], ["1", "2", "4", "8"])
        axis.set_xlabel("cells to fine-tune on")
    axes[0].set_ylim(0, None)
    axes[0].set_ylabel("relative error of the vectors")
    axes[1].legend(frameon=False, fontsize=8, loc="lower right")
    figure.savefig(ROOT / "docs/images/how-many-cells.png", dpi=110)


if __name__ == "__main__":
    main()
