"""Model files on this computer: their state, integrity and removal, and errors of the model folder."""

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
"""Age in seconds of a partial file that counts as abandoned; a download times out much sooner."""


class State(StrEnum):
    """State of the file of a model, as shown to the user."""

    BUNDLED = "bundled"
    HERE = "here"
    TO_DOWNLOAD = "to download"
    DAMAGED = "damaged"
    MISSING = "missing"

    @property
    def ready(self) -> bool:
        """True if the model can be used without a download or import."""
        return self in (State.BUNDLED, State.HERE)


def state(found: ZooEntry, folder: PathLike | None = None) -> State:
    """Return the state of a model.

    Only the size of the file is compared, which is fast; its hash is verified whenever it is loaded, and
    by `check`.
    """
    if not found.has_weights:
        return State.BUNDLED
    size = size_on_disk(found.path(folder))
    if size is None:
        return State.TO_DOWNLOAD if found.url else State.MISSING
    return _of_whole(found) if size == found.size else State.DAMAGED


def is_available(name: str, folder: PathLike | None = None) -> bool:
    """Return whether a model can be used without a download or import; see `state`."""
    return state(entry(name, folder=folder), folder).ready


def check(name: str, folder: PathLike | None = None) -> State:
    """Return the state of a model after comparing the hash of its file.

    Raises
    ------
    CellForceError
        If there is no such model, or its file cannot be read.
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
            "Ask the owner of the file for permission, or choose another model folder.",
            topic="model",
        ) from error
    return _of_whole(found) if digest == found.sha256 else State.DAMAGED


def can_be_removed(found: ZooEntry, folder: PathLike | None = None) -> bool:
    """Return whether a model is in the model folder: downloaded or imported."""
    return found.imported or (found.in_model_folder and size_on_disk(found.path(folder)) is not None)


def remove(name: str, folder: PathLike | None = None) -> None:
    """Delete a downloaded or imported model from the model folder.

    A downloaded model stays listed and can be downloaded again; an imported one is no longer listed.

    Raises
    ------
    CellForceError
        If the model is part of the package, does not exist, or cannot be deleted.
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
        if (
            found.imported
        ):  # last: a record without a file can still be removed, a file without a record cannot
            (model_folder(folder) / f"{found.name}{RECORD_SUFFIX}").unlink()


@contextlib.contextmanager
def model_folder_errors(path: Path) -> Iterator[None]:
    """Convert errors on writing `path` into errors about the model folder."""
    try:
        with files.disk_errors(path):
            yield
    except CellForceError as error:
        if error.topic != "output":
            raise
        remedy = f"Choose another model folder (napari preferences, or {FOLDER_VARIABLE})."
        raise CellForceError(error.value, error.rule, remedy, topic="model") from error


def size_on_disk(path: Path) -> int | None:
    """Return the size of a file in bytes; None if it does not exist or is not accessible."""
    with contextlib.suppress(OSError):
        status = path.stat()
        if stat.S_ISREG(status.st_mode):
            return status.st_size
    return None


def clear_leftovers(folder: Path) -> None:
    """Delete partial files of interrupted downloads, except recent ones (another process may be writing)."""
    for leftover in folder.glob(".*.partial"):
        with contextlib.suppress(OSError):
            if time.time() - leftover.stat().st_mtime > _ABANDONED:
                leftover.unlink()


def _of_whole(found: ZooEntry) -> State:
    return State.HERE if found.in_model_folder else State.BUNDLED
