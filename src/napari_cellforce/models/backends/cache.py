"""Compiled networks, kept on disk so that they are compiled once.

An entry is a file named by its key, a hash of everything it depends on; it begins with the hash of the rest.
One that is damaged, or of another version, is as good as none. Nothing here is needed: without a folder that
can be written, everything is compiled again.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

from torch import nn

from napari_cellforce import __version__
from napari_cellforce.errors import CellForceError
from napari_cellforce.resume import cache_key, content_hash, read_checked, write_checked

FOLDER_VARIABLE = "CELLFORCE_CACHE_DIR"
"""Environment variable that overrides the folder."""

_KEPT = 50
"""Entries of a few megabytes; those not used for longest go first."""


def folder() -> Path:
    """Return where compiled networks are kept; it need not exist yet."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    if chosen:
        return Path(chosen).expanduser().absolute()
    from platformdirs import user_cache_path

    return user_cache_path("napari-cellforce", appauthor=False) / "compiled"


def key(part: nn.Module, depends: Mapping[str, str]) -> str:
    """Return the key of a network under a backend: of its structure, its weights and all versions.

    Parameters
    ----------
    part : nn.Module
    depends : mapping of str to str
        What else the compiled network depends on: the backend's name and version, the processor ...
    """
    weights = {
        name: (
            str(tensor.dtype),
            tuple(tensor.shape),
            content_hash(tensor.detach().cpu().contiguous().numpy()),
        )
        for name, tensor in part.state_dict().items()
    }
    return cache_key(__version__, repr(part), dict(depends), weights)


def read(key: str) -> bytes | None:
    """Return what was kept under a key, or None if there is nothing, or nothing whole."""
    path = folder() / key
    with contextlib.suppress(OSError):
        os.utime(path)  # it was used now
    return read_checked(path)


def write(key: str, content: bytes) -> None:
    """Keep something under a key, if the folder can be written."""
    with contextlib.suppress(CellForceError, OSError):
        write_checked(folder() / key, content)
        _remove_oldest()


def _remove_oldest() -> None:
    """Remove the entries that were not used for longest."""
    entries = sorted(folder().iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in entries[_KEPT:]:
        old.unlink(missing_ok=True)
