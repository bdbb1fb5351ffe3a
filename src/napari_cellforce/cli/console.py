"""What the command line prints: one-line errors, progress and tables, on the error stream."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

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

from napari_cellforce.errors import CellForceError, CellForceWarning

errors = Console(stderr=True, soft_wrap=True)
output = Console(soft_wrap=True)

_OPTIONS = {
    "pixel size": "--pixel-size",
    "mask": "--mask",
    "channel": "--channel",
    "z": "--z",
    "calibration": "--calibration",
    "samples": "--samples",
    "device": "--device",
    "output": "--out",
}


def complain(text: str) -> None:
    """Print an error as one line."""
    errors.print(f"[bold red]Error:[/] {escape(' '.join(text.split()))}", highlight=False)


def with_option(error: CellForceError) -> str:
    """Return an error with the option that mends it, where there is one."""
    option = _OPTIONS.get(error.topic or "")
    return f"{error} Option: {option}." if option and option not in str(error) else str(error)


def warn_in_one_line(message: Warning | str, category: type[Warning]) -> None:
    """Print a warning if it is one of ours."""
    if issubclass(category, CellForceWarning):
        errors.print(f"[yellow]Warning:[/] {escape(' '.join(str(message).split()))}", highlight=False)


@contextlib.contextmanager
def frame_progress(title: str, counted: str = "frames") -> Iterator[Callable[[str, int, int], None]]:
    """Show a bar that counts frames (or what else is `counted`); yields ``update(what, done, total)``.

    Only on a terminal: in a log file a bar is noise.
    """
    columns = (
        TextColumn("{task.fields[file]}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(counted),
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
