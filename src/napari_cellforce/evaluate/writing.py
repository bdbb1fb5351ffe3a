"""An evaluation as files: tables, numbers, and a page with pictures."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

import pandas as pd

from napari_cellforce import __version__, files
from napari_cellforce.evaluate.figures import overview
from napari_cellforce.evaluate.job import EvaluateConfig, Failure
from napari_cellforce.evaluate.scores import FrameScore
from napari_cellforce.evaluate.tables import cell_table, model_table
from napari_cellforce.io import write_table


def write_evaluation(
    folder: Path, config: EvaluateConfig, scores: Sequence[FrameScore], failures: Sequence[Failure]
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
        "models": models.to_dict("records"),
        "failures": [dataclasses.asdict(failure) for failure in failures],
    }
    files.write_text(folder / "evaluation.json", json.dumps(content, indent=1, ensure_ascii=False))
    return files.write_text(folder / "evaluation.html", _page(models, cells, config, failures))


def _page(
    models: pd.DataFrame, cells: pd.DataFrame, config: EvaluateConfig, failures: Sequence[Failure]
) -> str:
    from jinja2 import Environment, StrictUndefined

    template = resources.files("napari_cellforce.evaluate").joinpath("evaluation.html.j2")
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    return environment.from_string(template.read_text(encoding="utf-8")).render(
        models=_readable(models),
        cells=_readable(cells),
        figure=overview(cells),
        data=config.data,
        failures=failures,
        version=__version__,
    )


def _readable(table: pd.DataFrame) -> list[dict[str, str]]:
    """Return a table's rows with numbers as people read them; what has no meaning as a dash."""

    def told(value: object) -> str:
        if isinstance(value, float):
            return "–" if value != value else f"{value:.3g}"
        return str(value)

    return [{str(k): told(v) for k, v in row.items()} for row in table.to_dict("records")]
