"""``cellforce models``: which predictors there are, and getting them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from napari_cellforce import zoo
from napari_cellforce.cli.console import byte_progress, card, output
from napari_cellforce.models import registry
from napari_cellforce.models.kinds import NetworkKind

app = typer.Typer(help="List, download, import, check and remove predictors.", no_args_is_help=True)

NameArgument = Annotated[str, typer.Argument(help="Name of a model.")]


@app.command(name="list")
def list_models() -> None:
    """List the predictors: whether each can be used at once, what it reads, what it is good for."""
    table = Table("name", "ready", "reads", "µm", "good for", box=None, pad_edge=False)
    for column in table.columns[:4]:
        column.no_wrap = True
    for entry in zoo.entries():
        purpose = entry.good_for or entry.card
        if entry.name == zoo.DEFAULT_MODEL:
            purpose = f"the default. {purpose}"
        proteins = ", ".join(entry.proteins) or "the mask"
        row = (entry.name, zoo.state(entry), proteins, f"{entry.pixel_size:g}", purpose)
        table.add_row(*row)
    output.print(table)


@app.command()
def kinds() -> None:
    """List the kinds of models: what each is, reads and shows, and settings to train one of your own."""
    table = Table(
        "kind", "what it is", "reads", "shows besides tractions", "recipe", box=None, pad_edge=False
    )
    table.columns[0].no_wrap = True
    for kind in registry.REGISTRY.values():
        recipe = kind.recipe if isinstance(kind, NetworkKind) else "is not trained"
        table.add_row(kind.name, kind.purpose, kind.inputs_text, ", ".join(kind.shown), recipe)
    output.print(table)


@app.command()
def info(name: NameArgument) -> None:
    """Print the card of a model: what it is good for, where it comes from, its licence."""
    entry = zoo.entry(name)
    state = zoo.state(entry)
    facts = {
        "title": entry.title,
        "kind": registry.title(entry.kind),
        "what it is": entry.card,
        "good for": entry.good_for,
        "reads": ", ".join(entry.inputs),
        "pixel size": f"{entry.pixel_size:g} µm",
        "output": entry.output,
        "training data": entry.training_data,
        "measured": entry.measured,
        "limits": entry.limits,
        "licence": entry.licence,
        "citation": entry.citation,
        "ready": state if state.ready else f"{state}. {entry.install_hint}",
        "download": entry.url or "",
        "sha256": entry.sha256,
        "size": f"{entry.size / 1e6:.1f} MB" if entry.size else "",
        "file": str(entry.path()) if entry.has_weights else "",
    }
    output.print(card(facts, entry.name))


@app.command()
def download(name: NameArgument) -> None:
    """Download the weights of a model from their owner, and check their hash."""
    with byte_progress(name) as update:
        path = zoo.download(name, progress=update)
    output.print(path)


@app.command(name="import")
def import_file(
    file: Annotated[Path, typer.Argument(help="Weights: ours, or in one of the authors' formats.")],
    name: Annotated[str | None, typer.Option(help="What to call it; the file's name by default.")] = None,
) -> None:
    """Import a weights file that you already have, such as the authors' U-Net."""
    entry = zoo.import_checkpoint(file, name=name)
    output.print(f"{entry.name}: {entry.path()}")


@app.command()
def check(
    names: Annotated[list[str] | None, typer.Argument(help="Names of models; all by default.")] = None,
) -> None:
    """Read the files of models whole, and compare their hashes; exit code 1 if one is damaged or gone."""
    broken = False
    for name in names or [entry.name for entry in zoo.entries()]:
        state = zoo.check(name)
        broken |= state in (zoo.ModelState.DAMAGED, zoo.ModelState.MISSING)
        output.print(f"{name}: {state}")
    if broken:
        raise typer.Exit(1)


@app.command()
def remove(
    name: NameArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Delete a downloaded or imported model; those of the package stay."""
    entry = zoo.entry(name)
    if not yes and zoo.is_removable(entry):
        typer.confirm(f"Delete {entry.path()}?", abort=True, err=True)
    zoo.remove(name)
    output.print(f"{name}: removed")
