"""Cells and frames in a folder in the authors' layout."""

from __future__ import annotations

import csv
import itertools
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from napari_cellforce import files
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.io.dataset.frames import is_frame
from napari_cellforce.io.paths import existing_path, several_images_error

INDEX = "dataset.csv"

_MAX_INSPECTED = 100
"""Maximum number of files inspected to detect the layout of a folder."""


def list_cells(folder: str | os.PathLike[str]) -> list[Path]:
    """Return the cell folders of a data set, in the order of its ``dataset.csv`` or sorted by name.

    A folder that contains frames itself is a data set of one cell.

    Raises
    ------
    CellForceError
        If there are none, or the index lists folders that do not exist.
    """
    root = existing_path(folder)
    _require(root.is_dir(), f"{root} is a file")
    index = _read_index(root)
    cells = [files.inside(root, name) for name in dict.fromkeys(row["folder"] for row in index)]
    for cell in cells:
        _require(cell.is_dir(), f"{root / INDEX} lists {cell.name}, which does not exist")
    cells = cells or (
        [root] if _npy_files(root) else [cell for cell in _subfolders(root) if _npy_files(cell)]
    )
    _require(bool(cells), f"{root} contains no cells")
    return cells


def frame_paths(path: str | os.PathLike[str]) -> list[Path]:
    """Return the frames of a cell, sorted by the last number in their names.

    If the parent folder has a ``dataset.csv`` that lists this folder, only the frames listed there. For a
    data set of a single cell, the frames of that cell.

    Raises
    ------
    CellForceError
        If there are no frames, or several cells; if the index is damaged, or lists files that do not exist.
    """
    path = existing_path(path)
    if path.is_file():
        return [path]
    rows = [row for row in _read_index(path.parent) if row["folder"] == path.name]
    frames = [files.inside(path, row["filename"]) for row in rows] or _npy_files(path)
    for frame in frames:
        _require(frame.is_file(), f"{path.parent / INDEX} lists {path.name}/{frame.name}, which is missing")
    if not frames and is_dataset(path) and (cell := _only_cell(path)) != path.resolve():
        return frame_paths(cell)
    _require(bool(frames), f"{path} contains no frames")
    return sorted(frames, key=_sort_key)


def is_dataset(folder: str | os.PathLike[str]) -> bool:
    """Return whether a folder or its subfolders contain ``.npy`` files, or an index; opens no file."""
    root = Path(folder)
    return (root / INDEX).is_file() or any(True for _ in _all_npy_files(root))


def contains_frames(folder: str | os.PathLike[str]) -> bool:
    """Return whether ``.npy`` files in a folder are in the authors' layout; reads some of the headers."""
    root = Path(folder)
    some = itertools.islice(_all_npy_files(root), _MAX_INSPECTED)
    return (root / INDEX).is_file() or any(is_frame(path) for path in some)


def _all_npy_files(root: Path) -> Iterator[Path]:
    for folder in (root, *_subfolders(root)):
        yield from _npy_files(folder)


def _only_cell(root: Path) -> Path:
    """Return the cell of a data set with a single cell."""
    first, *others = list_cells(root)
    if others:
        raise several_images_error(root, {cell.name: "" for cell in (first, *others)}, "cells")
    return first


def _npy_files(folder: Path) -> list[Path]:
    return [path for path in folder.glob("*.npy") if path.is_file()]


def _subfolders(folder: Path) -> list[Path]:
    return sorted((path for path in folder.iterdir() if path.is_dir()), key=_sort_key)


def frame_number(path: Path) -> int:
    """Return the last number in the name of a file, -1 if there is none."""
    digits = re.findall(r"\d+", path.stem)
    return int(digits[-1]) if digits else -1


def _sort_key(path: Path) -> tuple[int, str]:
    return frame_number(path), path.name


def _read_index(folder: Path) -> list[dict[str, str]]:
    """Read ``dataset.csv``; empty if there is none."""
    path = folder / INDEX
    if not path.is_file():
        return []
    rows = csv_rows(path, _index_error)
    if rows and not {"folder", "filename"} <= rows[0].keys():
        raise _index_error(f"{path} has the columns {', '.join(rows[0])}")
    for line, row in enumerate(rows, start=2):
        if not (row["folder"] and row["filename"]):
            raise _index_error(f"row {line} of {path} names no file")
    return rows


def _index_error(found: str) -> CellForceError:
    return CellForceError(
        found,
        "each frame needs folder and filename, in UTF-8 with commas",
        "Write one row per frame: folder,filename,frame.",
        topic=Topic.INPUT,
    )


def _require(condition: bool, found: str) -> None:
    if not condition:
        raise CellForceError(
            found,
            "a data set has one folder per cell with one .npy per frame",
            "Choose the folder of the data set.",
            topic=Topic.INPUT,
        )


def csv_rows(path: Path, bad: Callable[[str], CellForceError]) -> list[dict[str, str]]:
    """Return the rows of a CSV table in UTF-8 as mappings by column; missing entries are empty.

    Parameters
    ----------
    path : Path
    bad : callable
        Returns the error for a description of the problem.

    Raises
    ------
    CellForceError
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file, restval=""))
    except (UnicodeDecodeError, csv.Error) as error:
        raise bad(f"{path} cannot be read ({error})") from error
