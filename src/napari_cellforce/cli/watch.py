"""``cellforce watch``: a folder that a microscope writes to, predicted frame by frame as it grows."""

from __future__ import annotations

import contextlib
import json
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from napari_cellforce.cli.console import errors, output, print_error
from napari_cellforce.cli.options import Given, with_settings
from napari_cellforce.cli.predict import SOME_FAILED
from napari_cellforce.text import pluralise

if TYPE_CHECKING:
    from napari_cellforce.watch import WatchEvent


@with_settings("napari_cellforce.watch:WatchConfig", leave_out=("folder", "out"))
def watch(
    folder: Annotated[Path, typer.Argument(help="Folder the microscope writes to.")],
    out: Annotated[Path, typer.Option(help="Output folder; run again on it to continue.")],
    given: Given,
    until_idle: Annotated[
        float | None, typer.Option(help="Stop when nothing new has come for so many seconds.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per frame.")] = False,
) -> None:
    """Predict new frames as they are written, until Ctrl-C; what is finished by then is kept."""
    from napari_cellforce.watch import WatchConfig, load
    from napari_cellforce.watch import watch as follow

    config: WatchConfig = given.build(folder=str(folder), out=str(out))
    predictor = load(config)
    errors.print(f"Following {escape(str(folder))}; Ctrl-C ends it, and keeps what is finished.")
    failed = False
    with _ended_by_ctrl_c() as stop:
        for event in _until_idle(follow(config, predictor, stop), until_idle, stop):
            failed = failed or event.state == "failed"
            _print_event(event, as_json)
    raise typer.Exit(SOME_FAILED if failed else 0)


@contextlib.contextmanager
def _ended_by_ctrl_c() -> Iterator[threading.Event]:
    """Give an event that Ctrl-C (or the end of a cluster's job) sets; a second Ctrl-C ends at once."""
    stop = threading.Event()

    def end(number: int, frame: object) -> None:
        del frame
        stop.set()
        signal.signal(number, former[signal.Signals(number)])

    former = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _until_idle(
    events: Iterator[WatchEvent], seconds: float | None, stop: threading.Event
) -> Iterator[WatchEvent]:
    """Pass events on; set `stop` when there has been nothing but idleness for so many seconds."""
    since = time.monotonic()
    for event in events:
        if event.state != "idle":
            since = time.monotonic()
            yield event
        elif seconds is not None and time.monotonic() - since > seconds:
            stop.set()


def _print_event(event: WatchEvent, as_json: bool) -> None:
    if event.state == "failed":
        where = f"frame {event.frame}: " if event.frame >= 0 else ""
        print_error(f"{event.name}: {where}{event.reason}")
    elif event.state == "found":
        errors.print(f"{escape(event.name)}: begins with frame {event.frame}")
    elif event.state == "frame" and as_json:
        typer.echo(json.dumps({"name": event.name, **event.row}, ensure_ascii=False))
    elif event.state == "frame":
        force = next(name for name in event.row if name.startswith("total force"))
        line = f"{event.name}: frame {event.frame}, {force} {event.row[force]:.4g}"
        output.print(line)
    elif event.state == "written" and event.paths is not None:
        errors.print(f"{escape(str(event.paths.traction))}: {pluralise(event.frames, 'frame')}")
