"""A scan on disk: its table, trends, figure, cells, and the settings that repeat it."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from napari_cellforce import __version__
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import ImageStack
from napari_cellforce.files import atomic_path, write_text
from napari_cellforce.io.write import write_stack, write_table
from napari_cellforce.scan.evaluate_cell import QUANTITIES
from napari_cellforce.scan.job import ScanConfig, ScanStep
from napari_cellforce.scan.table import column_unit, find_column, mean_curve, scan_table, trends

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


def needs_relative(table: pd.DataFrame, quantity: str) -> bool:
    """Say whether models give a quantity in different units, so that only relative curves compare."""
    columns = (find_column(own, quantity) for _, own in table.groupby("model"))
    return len({column_unit(column) for column in columns if column}) > 1


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
    shown = [quantity for quantity in QUANTITIES if find_column(table, quantity)]
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
            topic=Topic.OUTPUT,
        )
    with atomic_path(target) as temporary:
        scan_figure(table, parameter).savefig(temporary, format=target.suffix[1:].lower(), dpi=150)
    return target


def _draw(axes: Axes, table: pd.DataFrame, parameter: str, quantity: str) -> None:
    divided = needs_relative(table, quantity)
    for i, (model, own) in enumerate(table.groupby("model", sort=False)):
        means = mean_curve(own, parameter, quantity)
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
    column = find_column(table, quantity) or quantity
    axes.set_ylabel(f"{quantity}, relative" if divided else column)
    axes.set_xlabel(parameter)
    axes.set_ylim(bottom=0)


def write_scan(
    folder: str | os.PathLike[str], config: ScanConfig, steps: Sequence[ScanStep]
) -> tuple[Path, ...]:
    """Write table and trends (CSV), figure (PNG), cells (OME-TIFF) and settings (JSON) of a scan.

    Returns
    -------
    tuple of Path
        Of the files, in this order.

    Raises
    ------
    CellForceError
        If no model had an answer, or the folder cannot be written.
    """
    table = scan_table(config, steps)
    if table.empty:
        problems = [problem for step in steps for problem in step.problems]
        raise CellForceError(
            "the scan has no result",
            problems[0] if problems else "no cell was finished",
            "Change the range or the cell." if problems else "Let it run longer.",
            topic=Topic.SCAN,
        )
    stem = Path(folder) / f"scan_{config.parameter}"
    column = config.scanned.column
    return (
        write_table(stem.with_suffix(".csv"), table),
        write_table(Path(f"{stem}_trends.csv"), trends(table, column)),
        save_figure(stem.with_suffix(".png"), table, column),
        write_stack(Path(f"{stem}_cells.ome.tif"), drawn_cells(config, steps)),
        write_text(
            stem.with_suffix(".json"), json.dumps(_settings(config, steps), indent=1, ensure_ascii=False)
        ),
        write_text(Path(f"{stem}_cell.json"), config.drawing.config.to_json()),
    )


def drawn_cells(config: ScanConfig, steps: Sequence[ScanStep]) -> ImageStack:
    """Return the cells of a scan as one stack, a frame a cell; those that could not be drawn are left out."""
    cells = [step.cell for step in steps if step.cell is not None]
    first = cells[0].image
    return ImageStack(
        np.concatenate([cell.image.data[:1] for cell in cells]),
        first.channel_names,
        first.pixel_size,
        name=f"scan of {config.scanned.title}",
    )


def _settings(config: ScanConfig, steps: Sequence[ScanStep]) -> dict[str, Any]:
    """Return what the scan was made with, for people to read."""
    drawing, gel = config.drawing, config.substrate
    weights = {
        evaluation.model: evaluation.sha256
        for step in steps
        for evaluation in step.evaluations
        if evaluation.sha256
    }
    return {
        "version": __version__,
        "parameter": config.scanned.column,
        "values": config.values,
        "models": config.models,
        "SHA-256 of their weights": weights,
        "cells at each value": config.cells,
        "seed": drawing.seed,
        "brightness": "of all cells together" if config.as_movie else "each cell by its own",
        "gel of the strain energy": None if gel is None else dataclasses.asdict(gel),
        "outline by hand [µm]": None if drawing.outline is None else drawing.outline.points.tolist(),
        "adhesions by hand": None
        if drawing.adhesions is None
        else {name: values.tolist() for name, values in dataclasses.asdict(drawing.adhesions).items()},
    }
