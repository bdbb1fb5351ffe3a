"""What ``napari.yaml`` names: readers, writers, sample data and menu entries, a few lines each.

Imports nothing heavy: napari loads this module at start-up of the first use.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_cellforce.layers import LayerTuple

Reader = Callable[[str | Sequence[str]], "list[LayerTuple]"]


def get_reader(path: str | Sequence[str]) -> Reader | None:
    """Return a reader if `path` is an image, field, frame or data set that we know, else None."""
    from napari_cellforce.io import kind

    paths = [path] if isinstance(path, str) else list(path)
    return read_layers if paths and all(kind(p) for p in paths) else None
