"""Paths and shapes, as checked and as told to the user."""

from __future__ import annotations

import os
from pathlib import Path

from napari_cellforce.errors import CellForceError


def existing_path(path: str | os.PathLike[str]) -> Path:
    """Return `path`, refusing what is missing or empty.

    Raises
    ------
    CellForceError
    """
    path = Path(path)
    if not path.exists():
        raise CellForceError(f"{path} was not found", "it must exist", "Check the path.", topic="input")
    if path.is_file() and path.stat().st_size == 0:
        raise CellForceError(
            f"{path} is empty (0 bytes)", "it must hold an image", "Copy or export it again.", topic="input"
        )
    return path


def stem(path: str | os.PathLike[str]) -> str:
    """Return the name of a file without ``.tif``, ``.ome.tif`` and the like."""
    return Path(path).stem.removesuffix(".ome")


def times(shape: tuple[int, ...]) -> str:
    """Return a shape in words: ``"3 x 256 x 256"``."""
    return " x ".join(str(n) for n in shape)
