"""``cellforce evaluate``: models against measured cells."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from napari_cellforce.cli.console import frame_progress, output, print_error
from napari_cellforce.cli.options import Given, with_settings
from napari_cellforce.cli.train import parse_pair
from napari_cellforce.errors import CellForceError

if TYPE_CHECKING:
    import pandas as pd


@with_settings("napari_cellforce.evaluate:EvaluateConfig", leave_out=("patterns", "run.model", "run.z"))
def evaluate(
    given: Given,
    out: Annotated[Path, typer.Option(help="Output folder.")] = Path("evaluation"),
    files: Annotated[
        list[str] | None,
        typer.Option("--files", metavar="WHAT=PATTERN", help="Names of the files, as for `cellforce train`."),
    ] = None,
) -> None:
    """Compare models, and three untrained baselines, with measured tractions."""
    from napari_cellforce.evaluate import (
        EvaluateConfig,
        Failure,
        FrameScore,
        Snapshot,
        model_table,
        write_evaluation,
    )
    from napari_cellforce.evaluate import evaluate as run

    patterns = dict(parse_pair(entry, "--files") for entry in files or ())
    config: EvaluateConfig = given.build(patterns=patterns)
    scores: list[FrameScore] = []
    snapshots: list[Snapshot] = []
    failures: list[Failure] = []
    with frame_progress("evaluate", "runs") as update:
        for record in run(config):
            if isinstance(record, FrameScore):
                scores.append(record)
            elif isinstance(record, Snapshot):
                snapshots.append(record)
            elif isinstance(record, Failure):
                failures.append(record)
                print_error(f"{record.cell}, {record.model}: {record.reason}")
            else:
                update(record.what, record.done, record.total)
    if not scores:
        raise CellForceError("no cell could be evaluated", "at least one is needed", "See the reasons above.")
    page = write_evaluation(out, config, scores, failures, snapshots)
    output.print(_summary(model_table(scores)))
    output.print(str(page))


def _summary(models: pd.DataFrame) -> Table:
    names = ("model", "cells", "|F| correlation", "angle error [°]", "vector R2", "R2, own scale")
    table = Table(*names)
    for row in models[list(names)].itertuples(index=False):
        table.add_row(*(f"{value:.3f}" if isinstance(value, float) else str(value) for value in row))
    return table
