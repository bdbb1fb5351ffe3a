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
HOME = "error on the usual cells at the best scale"


def main() -> None:
    """Draw error against number of cells, on each other microscope and, after that, on the usual cells."""
    path = ROOT / "benchmarks/results/how_many_cells.json"
    microscopes = json.loads(path.read_text(encoding="utf-8"))["results"]["microscopes"]
    panels = [(f"{name}, in Pa", runs, "error") for name, runs in microscopes.items()]
    panels += [(f"usual cells, after\n{name}", runs, HOME) for name, runs in microscopes.items()]
    figure, axes = plt.subplots(1, len(panels), figsize=(3.6 * len(panels), 3.2), sharey=True)
    for axis, (title, runs, key) in zip(axes, panels, strict=True):
        axis.axhline(runs[0][key], color="black", linestyle="--", label="before")
        for way, (words, colour, marker) in WAYS.items():
            own = [run for run in runs if run["what changed"] == way and run["cells"] <= 8]
            if own:
                numbers, errors = [run["cells"] for run in own], [run[key] for run in own]
                axis.plot(numbers, errors, color=colour, marker=marker, label=words)
        axis.set_title(title, fontsize=10)
        axis.set_xscale("log", base=2)
        axis.set_xticks([1, 2, 4, 8], ["1", "2", "4", "8"])
        axis.set_xlabel("cells to fine-tune on")
    axes[0].set_ylim(0, None)
    axes[0].set_ylabel("error, relative and squared")
    axes[-1].legend(frameon=False, fontsize=8, loc="upper right")
    figure.tight_layout()
    figure.savefig(ROOT / "docs/images/how-many-cells.png", dpi=110)


if __name__ == "__main__":
    main()
