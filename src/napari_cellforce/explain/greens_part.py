"""Green's functions of a model as tables and figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from napari_cellforce.explain.config import Written
from napari_cellforce.explain.figures import COLOURS, save
from napari_cellforce.explain.greens import RECIPE, GreensFunction, read_greens, require_gfnn
from napari_cellforce.io.write import write_table
from napari_cellforce.models.record import ModelRecord


def write_greens(module: object, record: ModelRecord, folder: Path) -> Iterator[Written]:
    """Write profiles, lengths and figures of a GFNN's Green's functions.

    Raises
    ------
    CellForceError
        If the model is no GFNN.
    """
    functions = read_greens(require_gfnn(module, record.name), record.pixel_size)
    stem = folder / f"{record.name}_greens"
    profiles = pd.concat([_profile(function) for function in functions])
    yield Written("greens", write_table(stem.with_name(f"{stem.name}_profiles.csv"), profiles))
    yield Written("greens", write_table(stem.with_name(f"{stem.name}.csv"), lengths_table(functions)))
    for path in save(greens_figure(functions), stem):
        yield Written("greens", path)


def lengths_table(functions: tuple[GreensFunction, ...]) -> pd.DataFrame:
    """Return reach and anisotropy of each function, with the recipe of the reach."""
    rows = [
        {"potential": f.name, "reach [µm]": f.reach, "anisotropy": f.anisotropy, "recipe": RECIPE}
        for f in functions
    ]
    return pd.DataFrame(rows)


def _profile(function: GreensFunction) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "potential": function.name,
            "radius [µm]": function.radius,
            "mean": function.mean,
            "spread": function.spread,
            "rescaled": function.rescaled,
        }
    )


def greens_figure(functions: Sequence[GreensFunction]) -> Figure:
    """Draw each Green's function in space, and its mean over rings with the spread and the reach."""
    figure = Figure(figsize=(3.2 * len(functions), 5.6), layout="constrained")
    above, below = figure.subplots(2, len(functions), squeeze=False)
    for i, function in enumerate(functions):
        half = len(function.values) / 2 * function.pixel_size
        limit = np.percentile(np.abs(function.values), 99.8)
        shown = above[i].imshow(
            function.values, "RdBu_r", vmin=-limit, vmax=limit, extent=(-half, half, half, -half)
        )
        above[i].set(title=f"G of {function.name}", xlabel="x [µm]", ylabel="y [µm]")
        figure.colorbar(shown, ax=above[i], shrink=0.7)
        axes, colour = below[i], COLOURS[i % len(COLOURS)]
        axes.plot(function.radius, function.mean, color=colour)
        low, high = function.mean - function.spread, function.mean + function.spread
        axes.fill_between(function.radius, low, high, color=colour, alpha=0.25, linewidth=0)
        if np.isfinite(function.reach):
            axes.axvline(function.reach, color="k", linestyle="--", linewidth=1)
            axes.set_title(f"a tenth at {function.reach:.1f} µm", fontsize="medium")
        axes.set(xlabel="distance [µm]", ylabel="mean over rings ± spread")
    return figure
