"""Cache of compiled networks on disk.

An entry is a file named by its key, a hash of all dependencies; it starts with the hash of its content.
Damaged entries and entries of other versions are ignored. The cache is optional: without a writable folder,
networks are compiled again.
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
"""Environment variable for the folder of the cache."""

_KEPT = 50
"""Maximum number of entries, of a few megabytes each; the least recently used are removed first."""


def folder() -> Path:
    """Return the folder of the cache, which need not exist."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    if chosen:
        return Path(chosen).expanduser().absolute()
    from platformdirs import user_cache_path

    return user_cache_path("napari-cellforce", appauthor=False) / "compiled"


def key(part: nn.Module, depends: Mapping[str, str]) -> str:
    """Return the key of a network for a backend: a hash of structure, weights and all versions.

    Parameters
    ----------
    part : nn.Module
    depends : mapping of str to str
        Other dependencies of the compiled network: name and version of the backend, processor ...
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
    """Return the entry of a key, or None if there is none or it is damaged."""
    path = folder() / key
    with contextlib.suppress(OSError):
        os.utime(path)  # it was used now
    return read_checked(path)


def write(key: str, content: bytes) -> None:
    """Write the entry of a key, if the folder is writable."""
    with contextlib.suppress(CellForceError, OSError):
        write_checked(folder() / key, content)
        _remove_oldest()


def _remove_oldest() -> None:
    """Remove the least recently used entries."""
    entries = sorted(folder().iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in entries[_KEPT:]:
        old.unlink(missing_ok=True)
