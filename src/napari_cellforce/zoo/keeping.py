"""Is a model's file there and whole; taking it away; and writing into the model folder."""

from __future__ import annotations

import contextlib
import stat
import time
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

from napari_cellforce import files
from napari_cellforce.errors import CellForceError
from napari_cellforce.zoo.catalogue import (
    FOLDER_VARIABLE,
    RECORD_SUFFIX,
    PathLike,
    ZooEntry,
    entry,
    model_folder,
)

_ABANDONED = 3600.0
"""Seconds after which a half-written file has no writer: one that downloads gives up far sooner."""


class State(StrEnum):
    """Whether a model can be used, in words for people."""

    BUNDLED = "bundled"
    HERE = "here"
    TO_DOWNLOAD = "to download"
    DAMAGED = "damaged"
    MISSING = "missing"

    @property
    def ready(self) -> bool:
        """True if the model can be used at once."""
        return self in (State.BUNDLED, State.HERE)


def state(found: ZooEntry, folder: PathLike | None = None) -> State:
    """Say whether a model can be used at once.

    Only the file's size is looked at, which is quick; its hash is checked whenever it is loaded, and by
    `check`.
    """
    if not found.has_weights:
        return State.BUNDLED
    size = size_on_disk(found.path(folder))
    if size is None:
        return State.TO_DOWNLOAD if found.url else State.MISSING
    return _of_whole(found) if size == found.size else State.DAMAGED


def is_available(name: str, folder: PathLike | None = None) -> bool:
    """Say whether a model can be used at once; see `state`."""
    return state(entry(name, folder=folder), folder).ready


def check(name: str, folder: PathLike | None = None) -> State:
    """Say whether a model can be used, after reading its file whole and comparing its hash.

    Raises
    ------
    CellForceError
        If there is no such model, or its file may not be read.
    """
    found = entry(name, folder=folder)
    by_size = state(found, folder)
    if not (by_size.ready and found.has_weights):
        return by_size
    path = found.path(folder)
    try:
        digest = files.sha256(path)
    except OSError as error:
        raise CellForceError(
            f"{path} cannot be read",
            error.strerror or str(error),
            "Ask whom the file belongs to, or choose another model folder.",
            topic="model",
        ) from error
    return _of_whole(found) if digest == found.sha256 else State.DAMAGED


def can_be_removed(found: ZooEntry, folder: PathLike | None = None) -> bool:
    """Say whether a model has something in the model folder: a downloaded file, or an import."""
    return found.imported or (found.in_model_folder and size_on_disk(found.path(folder)) is not None)


def remove(name: str, folder: PathLike | None = None) -> None:
    """Delete a downloaded or imported model from the model folder.

    A downloaded one can be downloaded again; of an imported one the list forgets that it was there.

    Raises
    ------
    CellForceError
        If the model came with the package, is not there, or may not be deleted.
    """
    found = entry(name, folder=folder)
    if not can_be_removed(found, folder):
        raise CellForceError(
            f"{name} cannot be removed",
            "it is not on this computer" if found.in_model_folder else "it is part of the package",
            "Only downloaded and imported models can be removed.",
            topic="model",
        )
    path = found.path(folder)
    with model_folder_errors(path):
        path.unlink(missing_ok=True)
        if found.imported:  # last: a record without a file can be removed again, a file without one is lost
            (model_folder(folder) / f"{found.name}{RECORD_SUFFIX}").unlink()


@contextlib.contextmanager
def model_folder_errors(path: Path) -> Iterator[None]:
    """Tell of refusals to write `path` as of the model folder, which can be another one."""
    try:
        with files.disk_errors(path):
            yield
    except CellForceError as error:
        if error.topic != "output":
            raise
        remedy = f"Choose another model folder, in napari's preferences or by {FOLDER_VARIABLE}."
        raise CellForceError(error.value, error.rule, remedy, topic="model") from error


def size_on_disk(path: Path) -> int | None:
    """Return the size of a file in bytes; None if there is none, or it lies where one may not look."""
    with contextlib.suppress(OSError):
        status = path.stat()
        if stat.S_ISREG(status.st_mode):
            return status.st_size
    return None


def clear_leftovers(folder: Path) -> None:
    """Throw away what a download left behind that was killed; another process may be at work right now."""
    for leftover in folder.glob(".*.partial"):
        with contextlib.suppress(OSError):
            if time.time() - leftover.stat().st_mtime > _ABANDONED:
                leftover.unlink()


def _of_whole(found: ZooEntry) -> State:
    return State.HERE if found.in_model_folder else State.BUNDLED
