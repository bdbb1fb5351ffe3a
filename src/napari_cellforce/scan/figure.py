"""The curves of a scan as a figure."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from napari_cellforce.errors import CellForceError
from napari_cellforce.files import atomic_path
from napari_cellforce.scan.measures import QUANTITIES
from napari_cellforce.scan.table import column_of, curve, unit_of

# After Okabe & Ito (2008), the blue lighter so that it stands out from a dark background too. Markers tell
# the curves apart without colours.
COLOURS = ("#2196d3", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#8d6e63")
_MARKERS = "os^Dvp"
_NAMES_A_LINE = 5
_FORMATS = (".png", ".svg", ".pdf")


def curve_style(i: int) -> tuple[str, int, bool]:
    """Return the colour of curve number `i`, the number of its marker (0 to 5), and whether it is dashed.

    No two of the first 36 curves have colour and marker in common.
    """
    again = i // len(COLOURS)
    return COLOURS[i % len(COLOURS)], (i + again) % len(_MARKERS), again % 2 == 1


def relative(table: pd.DataFrame, quantity: str) -> bool:
    """Say whether models give a quantity in different units, so that only relative curves compare."""
    columns = (column_of(own, quantity) for _, own in table.groupby("model"))
    return len({unit_of(column) for column in columns if column}) > 1


def scan_figure(table: pd.DataFrame, parameter: str) -> Figure:
    """Draw every quantity against the scanned property, one panel each.

    Thin dots are single cells, the line is their mean. Where models give a quantity in different units,
    each is divided by its own value at the first step.

    Parameters
    ----------
    table : DataFrame
        See `scan_table`.
    parameter : str
        Column of the scanned property.
    """
    shown = [quantity for quantity in QUANTITIES if column_of(table, quantity)]
    columns = min(len(shown), 3)
    rows = -(-len(shown) // columns)
    figure = Figure(figsize=(3.4 * columns, 2.9 * rows), layout="constrained")
    for axes, quantity in zip(figure.subplots(rows, columns, squeeze=False).flat, shown, strict=False):
        _draw(axes, table, parameter, quantity)
    for axes in figure.axes[len(shown) :]:
        axes.set_visible(False)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside upper center", ncols=min(len(labels), _NAMES_A_LINE), frameon=False
    )
    return figure


def save_figure(path: str | os.PathLike[str], table: pd.DataFrame, parameter: str) -> Path:
    """Write `scan_figure` as PNG, SVG or PDF, by the name's ending.

    Raises
    ------
    CellForceError
        If the ending is another one, or the file cannot be written.
    """
    target = Path(path)
    if target.suffix.lower() not in _FORMATS:
        raise CellForceError(
            f"a figure is to be written as {target.name}",
            f"figures end in {', '.join(_FORMATS)}",
            "Change the name.",
            topic="output",
        )
    with atomic_path(target) as temporary:
        scan_figure(table, parameter).savefig(temporary, format=target.suffix[1:].lower(), dpi=150)
    return target


def _draw(axes: Axes, table: pd.DataFrame, parameter: str, quantity: str) -> None:
    divided = relative(table, quantity)
    for i, (model, own) in enumerate(table.groupby("model", sort=False)):
        means = curve(own, parameter, quantity)
        if means is None:
            continue
        scale = float(means.iloc[0]) if divided else 1.0
        colour, marker, dashed = curve_style(i)
        axes.plot(
            means.index,
            means / scale,
            "--" if dashed else "-",
            color=colour,
            marker=_MARKERS[marker],
            markersize=4,
            label=str(model),
        )
        axes.plot(own[parameter], own[str(means.name)] / scale, ".", color=colour, markersize=2, alpha=0.5)
    column = column_of(table, quantity) or quantity
    axes.set_ylabel(f"{quantity}, relative" if divided else column)
    axes.set_xlabel(parameter)
    axes.set_ylim(bottom=0)
