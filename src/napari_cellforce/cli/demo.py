"""``cellforce demo``: a cell that the package draws itself, predicted, written and shown."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from napari_cellforce import zoo
from napari_cellforce.cli.console import output
from napari_cellforce.cli.predict import predict_one

DEMO_FRAMES = 5


def demo(
    out: Annotated[Path, typer.Option(help="Output folder.")] = Path("cellforce-demo"),
    show: Annotated[bool, typer.Option("--show", help="Open the result in napari.")] = False,
) -> None:
    """Draw a small cell, predict its traction, write the files, and with --show open them in napari."""
    from napari_cellforce.io import write_stack
    from napari_cellforce.predict import PredictConfig
    from napari_cellforce.synthetic import drawn_cell

    image = out / "drawn_cell.ome.tif"
    write_stack(image, drawn_cell(frames=DEMO_FRAMES).image)
    predictor = zoo.load_predictor(zoo.DEFAULT_MODEL)
    output.print(f"A drawn cell: {image}. Predicting it with {predictor.record.name}.")
    paths = predict_one(image, predictor, PredictConfig())
    output.print(_table(paths.summary))
    if show:
        _show(image, paths.traction)


def _table(summary: Path) -> str:
    import pandas as pd

    table = pd.read_csv(summary)
    kept = [name for name in table.columns if name.startswith(("frame", "area", "mean", "total"))]
    return table[kept].to_string(index=False, float_format="{:.4g}".format)


def _show(*paths: Path) -> None:
    import napari

    viewer = napari.Viewer(title="CellForce demo")
    viewer.open([str(path) for path in paths], plugin="napari-cellforce", stack=False)
    napari.run()
