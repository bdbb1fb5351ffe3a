"""What the command line prints: one-line errors, progress and tables, on the error stream."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Callable, Iterator, Mapping

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table

from napari_cellforce.errors import CellForceWarning

_ENDLESS = 10_000
"""Columns where there is no terminal: a table in a file or pipe keeps its paths and hashes in one piece."""

errors = Console(stderr=True, soft_wrap=True, emoji=False, highlight=False)
"""Takes rich's markup: what comes from a file is to be escaped."""

output = Console(
    soft_wrap=True,
    width=None if sys.stdout and sys.stdout.isatty() else _ENDLESS,
    markup=False,
    emoji=False,
    highlight=False,
)
"""Prints text as it is: a folder may be called [bold]."""


def escape_unencodable() -> None:
    """Let both streams take every letter: one that the terminal does not know is shown by its code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def print_error(text: str) -> None:
    """Print an error as one line."""
    errors.print(f"[bold red]Error:[/] {escape(' '.join(text.split()))}")


def print_warning(message: Warning | str, category: type[Warning]) -> None:
    """Print a warning if it is one of ours."""
    if issubclass(category, CellForceWarning):
        errors.print(f"[yellow]Warning:[/] {escape(' '.join(str(message).split()))}")


def card(facts: Mapping[str, str], title: str = "") -> Table:
    """Return facts in two columns, of which nothing is cut off; those that are empty are left out."""
    table = Table(show_header=False, box=None, title=title or None, title_justify="left")
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, fact in facts.items():
        if fact:
            table.add_row(name, fact)
    return table


@contextlib.contextmanager
def frame_progress(title: str, unit: str = "frames") -> Iterator[Callable[[str, int, int], None]]:
    """Show a bar that counts frames (or what else is `unit`); yields ``update(what, done, total)``.

    Only on a terminal: in a log file a bar is noise.
    """
    columns = (
        TextColumn("{task.fields[file]}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeRemainingColumn(),
        TextColumn("[dim]{task.description}"),
    )
    with Progress(*columns, console=errors, disable=not errors.is_terminal) as bar:
        task = bar.add_task("", file=escape(title), total=None)

        def update(what: str, done: int, total: int) -> None:
            bar.update(task, description=what, completed=done, total=total)

        yield update


@contextlib.contextmanager
def byte_progress(title: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar that counts bytes; yields ``update(done, total)``."""
    columns = (TextColumn(escape(title)), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=errors, disable=not errors.is_terminal) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
