"""An evaluation as files: tables, numbers, and a page with pictures."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path

import pandas as pd

from napari_cellforce import __version__, files
from napari_cellforce.evaluate.figures import force_time_course, gallery, overview
from napari_cellforce.evaluate.job import BASELINES, PICTURED, EvaluateConfig, Failure
from napari_cellforce.evaluate.scores import FrameScore
from napari_cellforce.evaluate.snapshots import Snapshot
from napari_cellforce.evaluate.tables import by_cell, cell_table, model_table, scales
from napari_cellforce.io import write_table


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
        "Pa of one unit": scales(scores),
        "failures": [dataclasses.asdict(failure) for failure in failures],
    }
    files.write_text(folder / "evaluation.json", json.dumps(content, indent=1, ensure_ascii=False))
    page = render(
        "evaluation.html.j2",
        models=_readable(models),
        cells=_readable(cells),
        baselines=BASELINES,
        figure=overview(cells),
        pictures=_pictures(snapshots, scales(scores)),
        courses=_courses(scores),
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
    for shot in snapshots:
        frames.setdefault((shot.cell, shot.frame), []).append(shot)
    return [(cell, frame, gallery(shots, scale)) for (cell, frame), shots in frames.items()]


def _courses(scores: Sequence[FrameScore]) -> list[tuple[str, str]]:
    """Return cell and plot of the first cells that are followed over time."""
    long = [(cell, own) for cell, own in by_cell(scores).items() if len({s.frame for s in own}) > 2]
    return [(cell, force_time_course(own, scales(scores))) for cell, own in long[:PICTURED]]


def _without_nan(table: pd.DataFrame) -> list[dict[str, object]]:
    """Return rows in which a number without meaning is null, as JSON wants it."""
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in rows]


def _readable(table: pd.DataFrame) -> list[dict[str, str]]:
    """Return a table's rows with numbers as people read them; what has no meaning as a dash."""

    def told(value: object) -> str:
        if isinstance(value, float):
            return "–" if value != value else f"{value:.3g}"
        return str(value)

    return [{str(k): told(v) for k, v in row.items()} for row in table.to_dict("records")]
