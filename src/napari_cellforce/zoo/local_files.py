"""Model files on this computer: their state, integrity and removal, and errors of the model folder."""

from __future__ import annotations

import contextlib
import stat
import time
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

from napari_cellforce import files
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.zoo.registry import (
    FOLDER_VARIABLE,
    RECORD_SUFFIX,
    PathLike,
    ZooEntry,
    entry,
    model_folder,
)

_STALE_AFTER = 3600.0
"""Age in seconds of a partial file that counts as abandoned; a download times out much sooner."""


class ModelState(StrEnum):
    """State of the file of a model, as shown to the user."""

    BUNDLED = "bundled"
    HERE = "here"
    TO_DOWNLOAD = "to download"
    DAMAGED = "damaged"
    MISSING = "missing"

    @property
    def ready(self) -> bool:
        """True if the model can be used without a download or import."""
        return self in (ModelState.BUNDLED, ModelState.HERE)


def state(model: ZooEntry, folder: PathLike | None = None) -> ModelState:
    """Return the state of a model.

    Only the size of the file is compared, which is fast; its hash is verified whenever it is loaded, and
    by `check`.
    """
    if not model.has_weights:
        return ModelState.BUNDLED
    size = size_on_disk(model.path(folder))
    if size is None:
        return ModelState.TO_DOWNLOAD if model.url else ModelState.MISSING
    return _intact_state(model) if size == model.size else ModelState.DAMAGED


def is_available(name: str, folder: PathLike | None = None) -> bool:
    """Return whether a model can be used without a download or import; see `state`."""
    return state(entry(name, folder=folder), folder).ready


def check(name: str, folder: PathLike | None = None) -> ModelState:
    """Return the state of a model after comparing the hash of its file.

    Raises
    ------
    CellForceError
        If there is no such model, or its file cannot be read.
    """
    model = entry(name, folder=folder)
    by_size = state(model, folder)
    if not (by_size.ready and model.has_weights):
        return by_size
    path = model.path(folder)
    try:
        digest = files.sha256(path)
    except OSError as error:
        raise CellForceError(
            f"{path} cannot be read",
            error.strerror or str(error),
            "Ask the owner of the file for permission, or choose another model folder.",
            topic=Topic.MODEL,
        ) from error
    return _intact_state(model) if digest == model.sha256 else ModelState.DAMAGED


def is_removable(model: ZooEntry, folder: PathLike | None = None) -> bool:
    """Return whether a model is in the model folder: downloaded or imported."""
    return model.imported or (model.in_model_folder and size_on_disk(model.path(folder)) is not None)


def remove(name: str, folder: PathLike | None = None) -> None:
    """Delete a downloaded or imported model from the model folder.

    A downloaded model stays listed and can be downloaded again; an imported one is no longer listed.

    Raises
    ------
    CellForceError
        If the model is part of the package, does not exist, or cannot be deleted.
    """
    model = entry(name, folder=folder)
    if not is_removable(model, folder):
        raise CellForceError(
            f"{name} cannot be removed",
            "it is not on this computer" if model.in_model_folder else "it is part of the package",
            "Only downloaded and imported models can be removed.",
            topic=Topic.MODEL,
        )
    path = model.path(folder)
    with model_folder_errors(path):
        path.unlink(missing_ok=True)
        if (
            model.imported
        ):  # last: a record without a file can still be removed, a file without a record cannot
            (model_folder(folder) / f"{model.name}{RECORD_SUFFIX}").unlink()


@contextlib.contextmanager
def model_folder_errors(path: Path) -> Iterator[None]:
    """Convert errors on writing `path` into errors about the model folder."""
    try:
        with files.disk_errors(path):
            yield
    except CellForceError as error:
        if error.topic != Topic.OUTPUT:
            raise
        remedy = f"Choose another model folder (napari preferences, or {FOLDER_VARIABLE})."
        raise CellForceError(error.value, error.rule, remedy, topic=Topic.MODEL) from error


def size_on_disk(path: Path) -> int | None:
    """Return the size of a file in bytes; None if it does not exist or is not accessible."""
    with contextlib.suppress(OSError):
        status = path.stat()
        if stat.S_ISREG(status.st_mode):
            return status.st_size
    return None


def remove_partial_downloads(folder: Path) -> None:
    """Delete partial files of interrupted downloads, except recent ones (another process may be writing)."""
    for leftover in folder.glob(".*.partial"):
        with contextlib.suppress(OSError):
            if time.time() - leftover.stat().st_mtime > _STALE_AFTER:
                leftover.unlink()


def _intact_state(model: ZooEntry) -> ModelState:
    return ModelState.HERE if model.in_model_folder else ModelState.BUNDLED
