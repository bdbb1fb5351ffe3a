"""An evaluation as files: tables, numbers, and a page with pictures."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path

import pandas as pd

from napari_cellforce import __version__, files
from napari_cellforce.evaluate.figures import (
    force_time_course,
    gallery,
    histogram,
    overview_figure,
    preview_picture,
)
from napari_cellforce.evaluate.job import (
    BASELINES,
    MAX_PICTURED_CELLS,
    EvaluateConfig,
    Failure,
    frame_snapshot,
)
from napari_cellforce.evaluate.scores import FrameScore, cell_table, model_scales, model_table, scores_by_cell
from napari_cellforce.evaluate.snapshots import Snapshot
from napari_cellforce.io import write_table
from napari_cellforce.io.cell_index import CellSource, DatasetIndex, IndexRow, open_cell


def write_evaluation(
    folder: Path,
    config: EvaluateConfig,
    scores: Sequence[FrameScore],
    failures: Sequence[Failure],
    snapshots: Sequence[Snapshot] = (),
) -> Path:
    """Write ``models.csv``, ``cells.csv``, ``evaluation.json`` and ``evaluation.html``; return the page.

    Raises
    ------
    CellForceError
        If the folder cannot be written.
    """
    models, cells = model_table(scores), cell_table(scores)
    write_table(folder / "models.csv", models)
    write_table(folder / "cells.csv", cells)
    content = {
        "version": __version__,
        "config": dataclasses.asdict(config),
        "models": _without_nan(models),
        "cells": _without_nan(cells),
        "Pa of one unit": model_scales(scores),
        "failures": [dataclasses.asdict(failure) for failure in failures],
    }
    files.write_text(folder / "evaluation.json", json.dumps(content, indent=1, ensure_ascii=False))
    page = render(
        "evaluation.html.j2",
        models=_readable(models),
        cells=_readable(cells),
        baselines=BASELINES,
        figure=overview_figure(cells),
        pictures=_pictures(snapshots, model_scales(scores)),
        courses=_time_courses(scores),
        data=config.data,
        failures=failures,
    )
    return files.write_text(folder / "evaluation.html", page)


def render(template: str, **values: object) -> str:
    """Return a page made from one of the templates of this package."""
    from jinja2 import Environment, StrictUndefined

    text = resources.files("napari_cellforce.evaluate").joinpath(template).read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    return environment.from_string(text).render(version=__version__, **values)


def _pictures(snapshots: Sequence[Snapshot], scale: Mapping[str, float]) -> list[tuple[str, int, str]]:
    """Return cell, frame and picture of each frame that is shown."""
    frames: dict[tuple[str, int], list[Snapshot]] = {}
    for snapshot in snapshots:
        frames.setdefault((snapshot.cell, snapshot.frame), []).append(snapshot)
    return [(cell, frame, gallery(shots, scale)) for (cell, frame), shots in frames.items()]


def _time_courses(scores: Sequence[FrameScore]) -> list[tuple[str, str]]:
    """Return cell and plot of the first cells that are followed over time."""
    long = [(cell, own) for cell, own in scores_by_cell(scores).items() if len({s.frame for s in own}) > 2]
    return [(cell, force_time_course(own, model_scales(scores))) for cell, own in long[:MAX_PICTURED_CELLS]]


def _without_nan(table: pd.DataFrame) -> list[dict[str, object]]:
    """Return rows in which a number without meaning is null, as JSON wants it."""
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in rows]


def _readable(table: pd.DataFrame) -> list[dict[str, str]]:
    """Return a table's rows with numbers as people read them; what has no meaning as a dash."""

    def readable(value: object) -> str:
        if isinstance(value, float):
            return "–" if value != value else f"{value:.3g}"
        return str(value)

    return [{str(k): readable(v) for k, v in row.items()} for row in table.to_dict("records")]


MAX_DATASET_PICTURES = 24
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
        pictures=_cell_pictures(index),
        left_out=max(len(index.cells) - MAX_DATASET_PICTURES, 0),
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


def _cell_pictures(index: DatasetIndex) -> list[tuple[str, int, str]]:
    """Return cell, frame and picture of the first usable frame of each of the first cells."""
    shown = [source for source in index.sources if source.cell in index.cells][:MAX_DATASET_PICTURES]
    pictures = []
    for source in shown:
        frame = next(row.frame for row in index.usable if row.cell == source.cell)
        pictures.append(
            (source.cell, frame, preview_picture(frame_snapshot(open_cell(source), source.cell, frame)))
        )
    return pictures


def _rows(index: DatasetIndex, source: CellSource) -> list[IndexRow]:
    return [row for row in index.rows if row.cell == source.cell]
