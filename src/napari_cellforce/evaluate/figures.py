"""The pictures of an evaluation."""

from __future__ import annotations

import io

import pandas as pd
from matplotlib.figure import Figure

_SHOWN = ("|F| correlation", "angle error [°]", "vector R2", "R2, own scale")


def overview(cells: pd.DataFrame) -> str:
    """Return the main figures of every model, a point a cell and a bar at their mean, as SVG text."""
    figure = Figure(figsize=(12, 0.45 * cells["model"].nunique() + 1.6), layout="constrained")
    names = list(dict.fromkeys(cells["model"]))
    for axes, quantity in zip(figure.subplots(1, len(_SHOWN), sharey=True), _SHOWN, strict=True):
        for i, name in enumerate(names):
            values = cells.loc[cells["model"] == name, quantity].dropna()
            axes.plot(values, [i] * len(values), "o", color="#4fc3f7", alpha=0.7, markersize=5)
            if len(values):
                axes.plot([values.mean()] * 2, [i - 0.3, i + 0.3], color="black", linewidth=2)
        axes.set_title(quantity, fontsize=10)
        axes.grid(axis="x", alpha=0.3)
        axes.set_yticks(range(len(names)), names)
        axes.invert_yaxis() if axes is figure.axes[0] else None
    text = io.StringIO()
    figure.savefig(text, format="svg")
    svg = text.getvalue()
    return svg[svg.index("<svg") :]
