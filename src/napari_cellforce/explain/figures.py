"""Figures of an explanation, as SVG and PNG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from napari_cellforce.explain.greens import GreensFunction
from napari_cellforce.files import atomic_path
from napari_cellforce.models.symbolic import SymbolicFit

# Okabe & Ito (2008): told apart by people who do not see all colours.
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9")
_FORMATS = ("svg", "png")


def save(figure: Figure, stem: Path) -> tuple[Path, ...]:
    """Write a figure as SVG and PNG beside each other."""
    paths = tuple(stem.with_name(f"{stem.name}.{kind}") for kind in _FORMATS)
    for path in paths:
        with atomic_path(path) as temporary:
            figure.savefig(temporary, format=path.suffix[1:], dpi=150)
    return paths


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


def formula_figure(fit: SymbolicFit) -> Figure:
    """Draw the error on unseen cells against the number of terms, with the knee."""
    figure = Figure(figsize=(4.6, 3.4), layout="constrained")
    axes = figure.subplots()
    counts = list(fit.error)
    axes.errorbar(
        counts, list(fit.error.values()), list(fit.error_spread.values()), color=COLOURS[0], marker="o",
        markersize=3, capsize=2,
    )  # fmt: skip
    axes.axvline(fit.knee, color="k", linestyle="--", linewidth=1, label=f"knee: {fit.knee} terms")
    axes.set(xlabel="terms", ylabel="unexplained on unseen cells, 1 - R²", ylim=(0, None))
    axes.legend(frameon=False)
    return figure


def probes_figure(curves: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw the curves of the probes, one panel each; the first column is along x."""
    figure = Figure(figsize=(3.6 * len(curves), 3.2), layout="constrained")
    for axes, (title, table) in zip(
        figure.subplots(1, len(curves), squeeze=False).flat, curves.items(), strict=True
    ):
        along = table.columns[0]
        for colour, column in zip(COLOURS, table.columns[1:], strict=False):
            axes.plot(table[along], table[column], marker="o", markersize=3, color=colour, label=column)
        axes.set(xlabel=along, title=title)
        axes.legend(frameon=False, fontsize="small")
    return figure
