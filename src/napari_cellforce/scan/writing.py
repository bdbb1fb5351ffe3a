"""A scan on disk: its table, trends, figure, cells, and the settings that repeat it."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from napari_cellforce import __version__
from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import ImageStack
from napari_cellforce.files import write_text
from napari_cellforce.io.write import write_stack, write_table
from napari_cellforce.scan.figure import save_figure
from napari_cellforce.scan.job import ScanConfig, ScanStep
from napari_cellforce.scan.table import scan_table, trends


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
            topic="scan",
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
    weights = {answer.model: answer.sha256 for step in steps for answer in step.answers if answer.sha256}
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
