"""``cellforce simulate``: data sets of synthetic cells whose traction is known."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from napari_cellforce.cli.console import frame_progress, output, print_error
from napari_cellforce.cli.predict import SOME_FAILED


def simulate(
    out: Annotated[Path, typer.Option(help="Output folder; becomes a data set in the authors' layout.")],
    cells: Annotated[int, typer.Option(help="How many cells.")] = 100,
    frames: Annotated[int, typer.Option(help="Frames a cell.")] = 1,
    seed: Annotated[int, typer.Option(help="The same seed makes the same files.")] = 0,
    mechanics: Annotated[
        str, typer.Option(help="What pulls: `sheet`, `fibres`, or `mixed`: both.")
    ] = "mixed",
    side: Annotated[int, typer.Option(help="Height and width of the images in pixels.")] = 256,
    pixel_size: Annotated[float, typer.Option(help="Side of a pixel in µm.")] = 0.68,
    measured: Annotated[
        bool,
        typer.Option("--measured", help="Store what an instrument would measure, with noise and blur."),
    ] = False,
    directed: Annotated[
        bool,
        typer.Option("--directed", help="Forces follow stress fibres, and need not point to the centre."),
    ] = False,
    interval: Annotated[float, typer.Option(help="Minutes from frame to frame.")] = 1.0,
    drug: Annotated[
        bool, typer.Option("--drug", help="Contractility is lowered from 30 to 60 min, then recovers.")
    ] = False,
    workers: Annotated[int | None, typer.Option(help="Processes; by default one a core.")] = None,
) -> None:
    """Simulate cells with known traction; takes up a run that was stopped."""
    from napari_cellforce.simulate import SimulateConfig, simulate_cells

    config = SimulateConfig(
        cells,
        frames,
        seed,
        mechanics,  # type: ignore[arg-type]  # the settings refuse other words
        side,
        pixel_size,
        measured,
        directed,
        interval,
        drug,
    )
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
