"""``cellforce scan``: one property of a drawn cell changed step by step, and what predictors say of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from napari_cellforce.cli.console import frame_progress, output, print_error
from napari_cellforce.cli.options import Given, with_settings
from napari_cellforce.config_io import read_settings
from napari_cellforce.errors import CellForceError
from napari_cellforce.files import disk_errors

if TYPE_CHECKING:
    from napari_cellforce.scan import ScanConfig, ScanStep
    from napari_cellforce.synthetic import CellConfig


@with_settings(
    "napari_cellforce.scan:ScanConfig", only=("low", "high", "steps", "cells", "models", "as_movie")
)
def scan(
    parameter: Annotated[
        str,
        typer.Argument(help="area, aspect, length, width, intensity, density, number or distance."),
    ],
    given: Given,
    shape: Annotated[
        str, typer.Option(help="Shape of the cell: circle, ellipse, square, spread, blob ...")
    ] = ("spread"),
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", help="Another setting of the cell: adhesions.length=5; repeat for several."),
    ] = None,
    cell: Annotated[Path | None, typer.Option(help="Settings of the cell as JSON, as a scan saves them.")] = (
        None
    ),
    seed: Annotated[int, typer.Option(min=0, help="Seed of the first cell.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    out: Annotated[Path, typer.Option(help="Output folder.")] = Path("cellforce-scan"),
) -> None:
    """Scan a property of a drawn cell: writes a table, the trends, a figure and the drawn cells."""
    from napari_cellforce.scan import PARAMETERS, Drawing, ScanConfig
    from napari_cellforce.scan.drawing import find_parameter

    find_parameter(parameter)
    usual = PARAMETERS[parameter]
    base = ScanConfig(parameter, usual.low, usual.high)
    config: ScanConfig = replace(
        given.build(base), drawing=Drawing(_cell_config(cell, shape, setting or []), seed)
    )
    _write(config, _run(config, device, out), out)


def _cell_config(file: Path | None, shape: str, settings: list[str]) -> CellConfig:
    from napari_cellforce.synthetic import CellConfig, replace_setting

    config = CellConfig() if file is None else read_settings(file, CellConfig)
    if file is None:
        config = replace_setting(config, "shape.kind", shape)
    for entry in settings:
        name, _, value = entry.partition("=")
        config = replace_setting(config, name, _number(entry, value))
    return config


def _number(entry: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise CellForceError(
            f"--set is {entry!r}", "it is the path of a setting, =, and a number", "Write adhesions.length=5."
        ) from None


def _run(config: ScanConfig, device: str, out: Path) -> list[ScanStep]:
    """Run the scan with a bar; Ctrl-C keeps what is done."""
    from napari_cellforce.scan import ScanStep, scan

    steps: list[ScanStep] = []
    with frame_progress(f"scan of {config.scanned.title}", "cells") as update:
        try:
            for record in scan(config, device=device):
                if isinstance(record, ScanStep):
                    if not steps:
                        # A folder that cannot be is refused now, not when all cells are done.
                        with disk_errors(out):
                            out.mkdir(parents=True, exist_ok=True)
                    steps.append(record.without_fields())
                    update("", len(steps), config.n_cells)
                else:
                    update(record.what, record.done, record.total)
        except KeyboardInterrupt:
            print_error(f"stopped after {len(steps)} of {config.n_cells} cells; what is done is written")
    for step in steps:
        for problem in step.problems:
            print_error(problem)
    return steps


def _write(config: ScanConfig, steps: list[ScanStep], out: Path) -> None:
    from napari_cellforce.scan import scan_table, trends
    from napari_cellforce.scan.output import write_scan

    paths = write_scan(out, config, steps)
    summary = trends(scan_table(config, steps), config.scanned.column)
    output.print(summary.to_string(index=False, float_format="{:.3g}".format))
    for path in paths:
        output.print(str(path))
