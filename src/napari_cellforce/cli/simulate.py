"""``cellforce simulate``: data sets of synthetic cells whose traction is known."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from napari_cellforce.cli.console import frame_progress, output, print_error
from napari_cellforce.cli.options import Given, with_settings
from napari_cellforce.cli.predict import SOME_FAILED


@with_settings("napari_cellforce.simulate:SimulateConfig")
def simulate(
    out: Annotated[Path, typer.Option(help="Output folder; becomes a data set in the authors' layout.")],
    given: Given,
    workers: Annotated[int | None, typer.Option(help="Number of processes; one per core by default.")] = None,
) -> None:
    """Simulate cells with known traction; resumes an interrupted run."""
    from napari_cellforce.simulate import SimulateConfig, simulate_cells

    config: SimulateConfig = given.build()
    outcomes: Counter[str] = Counter()
    with frame_progress(str(out), "cells") as update:
        for report in simulate_cells(config, out, workers):
            outcomes[report.outcome] += 1
            update("", report.done, report.total)
            if report.outcome == "failed":
                print_error(f"{report.name} cannot be made: {report.reason}")
    counts = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())
    output.print(f"{out}: {counts}")
    if outcomes["failed"]:
        raise typer.Exit(2 if outcomes["failed"] == config.cells else SOME_FAILED)
