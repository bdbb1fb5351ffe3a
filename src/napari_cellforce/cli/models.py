"""``cellforce models``: which predictors there are, and getting them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from napari_cellforce import zoo
from napari_cellforce.cli.console import byte_progress, card, output

app = typer.Typer(help="List, download and import predictors.", no_args_is_help=True)


@app.command(name="list")
def list_models() -> None:
    """List the predictors, and whether each can be used at once."""
    table = Table("name", "reads", "pixel [µm]", "ready", "what it is")
    for entry in zoo.entries():
        ready = "yes" if zoo.is_available(entry.name) else "download"
        table.add_row(entry.name, ", ".join(entry.inputs), f"{entry.pixel_size:g}", ready, entry.card)
    output.print(table)


@app.command()
def info(name: Annotated[str, typer.Argument(help="Name of a model.")]) -> None:
    """Print the card of a model: what it is good for, where it comes from, its licence."""
    entry = zoo.entry(name)
    facts = {
        "title": entry.title,
        "what it is": entry.card,
        "reads": ", ".join(entry.inputs),
        "pixel size": f"{entry.pixel_size:g} µm",
        "output": entry.output,
        "training data": entry.training_data,
        "limits": entry.limits,
        "licence": entry.licence,
        "citation": entry.citation,
        "download": entry.url or "",
        "sha256": entry.sha256,
        "size": f"{entry.size / 1e6:.1f} MB" if entry.size else "",
        "file": str(entry.path()) if entry.has_weights and zoo.is_available(name) else "",
    }
    output.print(card(facts, entry.name), highlight=False)


@app.command()
def download(name: Annotated[str, typer.Argument(help="Name of a model.")]) -> None:
    """Download the weights of a model from their owner, and check their hash."""
    with byte_progress(name) as update:
        path = zoo.download(name, progress=update)
    output.print(path, highlight=False)


@app.command(name="import")
def import_file(
    file: Annotated[Path, typer.Argument(help="Weights: ours, or in one of the authors' formats.")],
    name: Annotated[str | None, typer.Option(help="What to call it; the file's name by default.")] = None,
) -> None:
    """Import a weights file that you already have, such as the authors' U-Net."""
    entry = zoo.import_checkpoint(file, name=name)
    output.print(f"{entry.name}: {entry.path()}", highlight=False)
