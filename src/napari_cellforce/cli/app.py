"""The ``cellforce`` command: its subcommands, and how errors reach the shell."""

from __future__ import annotations

import sys
import warnings
from typing import TextIO

import typer

from napari_cellforce import __version__
from napari_cellforce.cli import (
    batch,
    compare,
    demo,
    evaluate,
    explain,
    info,
    models,
    predict,
    scan,
    simulate,
    tfm,
    train,
    watch,
)
from napari_cellforce.cli.console import escape_unencodable, print_error, print_warning
from napari_cellforce.cli.hints import with_option
from napari_cellforce.cli.options import SettingsGroup
from napari_cellforce.errors import CellForceError

app = typer.Typer(
    name="cellforce",
    cls=SettingsGroup,
    help="Traction forces from images of adhesion proteins.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(name="predict")(predict.predict)
app.command(name="batch")(batch.batch)
app.command(name="watch")(watch.watch)
app.add_typer(models.app, name="models")
app.command(name="info")(info.info)
app.command(name="scan")(scan.scan)
app.command(name="simulate")(simulate.simulate)
app.command(name="train")(train.train)
app.command(name="finetune")(train.finetune)
app.command(name="evaluate")(evaluate.evaluate)
app.command(name="tfm")(tfm.tfm)
app.command(name="compare")(compare.compare)
app.command(name="explain")(explain.explain)
app.command(name="demo")(demo.demo)


@app.callback(invoke_without_command=True)
def version(version: bool = typer.Option(False, "--version", help="Print the version and exit.")) -> None:
    """Traction forces from images of adhesion proteins."""
    if version:
        typer.echo(__version__)
        raise typer.Exit


def main() -> None:
    """Run the command line: bad input is one line and exit code 2, Ctrl-C is exit code 130."""
    escape_unencodable()
    warnings.showwarning = _show_warning
    try:
        app()
    except CellForceError as error:
        print_error(with_option(error))
        sys.exit(2)
    except MemoryError as error:
        print_error(f"Memory ran out ({error}). Close other programs, or crop the image to the cell.")
        sys.exit(2)


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Show our own warnings as a line for people; leave out those of libraries."""
    del filename, lineno, file, line
    print_warning(message, category)
