"""Folders written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from napari_cellforce.files import disk_errors


@contextlib.contextmanager
def atomic_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary folder beside `path`; rename it to `path` if the block succeeds, remove it if not.

    What was at `path` before is moved aside first and removed last, for no system call exchanges two
    folders everywhere; a computer that fails between the two renames leaves it as a hidden folder
    ``.NAME.former``.

    Raises
    ------
    CellForceError
        If the disk is full, read-only or not the user's.
    """
    target = Path(path)
    temporary = target.parent / f".{uuid.uuid4().hex}.partial"
    try:
        with disk_errors(target):
            temporary.mkdir(parents=True)
            yield temporary
            _replace(temporary, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _replace(new: Path, target: Path) -> None:
    if not target.exists():
        new.rename(target)
        return
    former = target.parent / f".{target.name}.former"
    _remove(former)
    target.rename(former)
    try:
        new.rename(target)
    except OSError:
        former.rename(target)
        raise
    _remove(former)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
