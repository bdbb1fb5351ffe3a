"""A data set as a page: how many cells and frames, how strong they pull, what is wrong, how they look."""

from __future__ import annotations

from pathlib import Path

from napari_cellforce import files
from napari_cellforce.evaluate.figures import histogram, preview
from napari_cellforce.evaluate.job import snapshot_of
from napari_cellforce.evaluate.writing import render
from napari_cellforce.io.index import CellSource, DatasetIndex, IndexRow, open_cell

PICTURED = 24
"""Cells that are shown in pictures."""


def write_dataset_page(path: Path, index: DatasetIndex) -> Path:
    """Write what is in a data set, and what is wrong with it, as one HTML file.

    Parameters
    ----------
    path : Path
    index : DatasetIndex

    Raises
    ------
    CellForceError
        If it cannot be written.
    """
    groups: dict[str, list[CellSource]] = {}
    for source in index.sources:
        groups.setdefault(source.dataset, []).append(source)
    page = render(
        "dataset.html.j2",
        datasets=[_dataset(folder, sources, index) for folder, sources in groups.items()],
        cells=[_cell(source, _rows(index, source)) for source in index.sources],
        pictures=_pictures(index),
        left_out=max(len(index.cells) - PICTURED, 0),
        notes=index.notes,
    )
    return files.write_text(path, page)


def _dataset(folder: str, sources: list[CellSource], index: DatasetIndex) -> dict[str, object]:
    """Return the statistics of the cells in one folder."""
    names = {source.cell for source in sources}
    part = DatasetIndex(tuple(sources), tuple(row for row in index.rows if row.cell in names))
    numbers = part.statistics()
    means = [row.mean_traction for row in part.usable]
    return {
        "folder": folder,
        "cells": f"{numbers['cells']} of {len(sources)}",
        "frames": f"{numbers['frames']} of {len(part.rows)}",
        "mean": f"{numbers['mean |F| [Pa]']:.4g} Pa" if means else "–",
        "histogram": histogram(means, "mean |F| of a frame [Pa]") if means else "",
    }


def _cell(source: CellSource, rows: list[IndexRow]) -> dict[str, str]:
    good = [row.mean_traction for row in rows if not row.problems]
    problems = dict.fromkeys(problem for row in rows for problem in row.problems)
    return {
        "cell": source.cell,
        "frames": f"{len(good)} of {len(rows)}",
        "pixel [µm]": f"{rows[0].pixel_size:.4g}",
        "mean |F| [Pa]": f"{sum(good) / len(good):.4g}" if good else "–",
        **{name: value for name, value in source.columns.items() if name},
        "problems": "; ".join(problems),
    }


def _pictures(index: DatasetIndex) -> list[tuple[str, int, str]]:
    """Return cell, frame and picture of the first usable frame of each of the first cells."""
    shown = [source for source in index.sources if source.cell in index.cells][:PICTURED]
    pictures = []
    for source in shown:
        frame = next(row.frame for row in index.usable if row.cell == source.cell)
        pictures.append((source.cell, frame, preview(snapshot_of(open_cell(source), source.cell, frame))))
    return pictures


def _rows(index: DatasetIndex, source: CellSource) -> list[IndexRow]:
    return [row for row in index.rows if row.cell == source.cell]
