"""One run at a time on an output folder."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from napari_cellforce import files
from napari_cellforce.errors import CellForceError, Topic

_PATIENCE = 1.0
"""Seconds in which whoever creates a lock has certainly written into it."""


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file `path` while the block runs.

    It says which process of which computer holds it, and when that process was born: a number of a process
    is used again, a pair of number and birth is not. A lock whose process is gone is taken over.

    Raises
    ------
    CellForceError
        If another process holds it, or it cannot be written.
    """
    with _no_folder_errors(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        while not _created(path):
            _refuse_if_held(path)
            _remove_stale(path)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def _no_folder_errors(folder: Path) -> Iterator[None]:
    """Turn every refusal to make or use a folder into words, those that `files` knows and others."""
    try:
        with files.disk_errors(folder):
            yield
    except OSError as error:
        raise CellForceError(
            f"cannot write to {folder}",
            error.strerror or str(error),
            "Choose another output folder.",
            topic=Topic.OUTPUT,
        ) from error


def _created(path: Path) -> bool:
    """Create the lock in one go; False if it is there."""
    entries = {
        "pid": os.getpid(),
        "born": _birth(os.getpid()),
        "host": socket.gethostname(),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(json.dumps(entries))
    except FileExistsError:
        return False
    return True


def _refuse_if_held(path: Path) -> None:
    holder = _holder(path)
    elsewhere = holder.get("host", socket.gethostname()) != socket.gethostname()
    if not elsewhere and (not holder or _birth(holder["pid"]) != holder["born"]):
        return
    where = f" on {holder['host']}" if elsewhere else ""
    raise CellForceError(
        f"another batch (process {holder['pid']}{where}, since {holder['started']}) writes to "
        f"{path.parent.parent}",
        "one run at a time may write to an output folder",
        f"Wait for it, or choose another output folder. If that computer is off, delete {path}."
        if elsewhere
        else "Wait for it, stop it, or choose another output folder.",
        topic=Topic.OUTPUT,
    )


def _holder(path: Path) -> dict[str, Any]:
    """Return who holds a lock; empty if it is gone, or was left by a process that died while writing it."""
    for attempt in range(2):
        with contextlib.suppress(OSError, ValueError):
            holder = json.loads(path.read_text(encoding="utf-8"))
            if isinstance(holder, dict) and {"pid", "born", "host", "started"} <= holder.keys():
                return holder
        if attempt == 0 and path.exists():
            time.sleep(_PATIENCE)
    return {}


def _remove_stale(path: Path) -> None:
    """Remove the lock of a process that is gone, unless somebody else has taken it over meanwhile."""
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        path.rename(aside)
        try:
            _refuse_if_held(aside)
        except CellForceError:
            aside.rename(path)
            raise
        aside.unlink()


def _birth(pid: int) -> float | None:
    """Return when a process was born, on a clock that nobody can set; None if there is no such process."""
    import psutil  # takes 0.05 s to load

    with contextlib.suppress(OSError, ValueError):
        # Ticks since the computer was started: field 22, the 20th after the name in brackets.
        fields = (
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        )
        return None if fields[0] == "Z" else float(fields[19])
    with contextlib.suppress(psutil.Error):
        return float(psutil.Process(pid).create_time())
    return None
