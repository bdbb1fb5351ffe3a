"""Options that several commands have, each described once."""

from __future__ import annotations

from typing import Annotated

import typer

WHERE_IT_RUNS = "Where it runs"
"""Heading in the help."""

Channel = Annotated[
    list[str] | None,
    typer.Option("--channel", help="Channel of each protein, by name or number from 0; repeat for several."),
]
PixelSize = Annotated[
    float | None,
    typer.Option("--pixel-size", help="Side of a pixel in µm, if the files do not say or are wrong."),
]
Plane = Annotated[str | None, typer.Option("--z", help="For z-stacks: `max`, or a plane counted from 0.")]
AlreadyNormalised = Annotated[
    bool, typer.Option("--already-normalised", help="Intensities are normalised, not camera counts.")
]
Calibration = Annotated[
    float | None,
    typer.Option(
        "--calibration", help="Mean traction magnitude in Pa of comparable cells: gives results in Pa."
    ),
]
Sensitivity = Annotated[
    float, typer.Option("--sensitivity", help="Of finding the cell; above 1 gives a larger one.")
]
Samples = Annotated[
    int,
    typer.Option("--samples", min=0, help="Dropout passes for an uncertainty; 0 for one plain pass."),
]
Device = Annotated[
    str, typer.Option("--device", help="auto, cpu, cuda or mps.", rich_help_panel=WHERE_IT_RUNS)
]
Backend = Annotated[
    str,
    typer.Option(
        "--backend",
        help="What computes a network: auto, eager, openvino, compile or amp.",
        rich_help_panel=WHERE_IT_RUNS,
    ),
]
ModelFolder = Annotated[
    str, typer.Option("--model-folder", help="Folder of the models, if not the usual one.")
]
