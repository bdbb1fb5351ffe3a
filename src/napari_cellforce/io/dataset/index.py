"""Which cells and frames a folder in the authors' layout holds."""

from __future__ import annotations

import csv
import os
import re
from pathlib import Path

from napari_cellforce import files
from napari_cellforce.errors import CellForceError
from napari_cellforce.io.paths import existing_path

INDEX = "dataset.csv"


def list_cells(folder: str | os.PathLike[str]) -> list[Path]:
    """Return the cell folders of a data set, in the order of its ``dataset.csv``, or else by name.

    A folder that holds frames itself is its own only cell.

    Raises
    ------
    CellForceError
        If there are none, or if the index names what is not there.
    """
    root = existing_path(folder)
    index = _read_index(root)
    cells = [files.inside(root, name) for name in dict.fromkeys(row["folder"] for row in index)]
    for cell in cells:
        _require(cell.is_dir(), f"{root / INDEX} names the folder {cell.name}, which is not there")
    cells = cells or (
        [root] if _npy_files(root) else [cell for cell in _subfolders(root) if _npy_files(cell)]
    )
    _require(bool(cells), f"{root} holds no cells")
    return cells


def frame_paths(path: str | os.PathLike[str]) -> list[Path]:
    """Return the frames of a cell, sorted by the number at the end of their names.

    If the folder above has a ``dataset.csv`` that names this one, only the frames listed there.
    """
    path = existing_path(path)
    if path.is_file():
        return [path]
    rows = [row for row in _read_index(path.parent) if row["folder"] == path.name]
    frames = [files.inside(path, row["filename"]) for row in rows] or _npy_files(path)
    for frame in frames:
        _require(frame.is_file(), f"{path.parent / INDEX} names {path.name}/{frame.name}, which is not there")
    _require(bool(frames), f"{path} holds no frames")
    return sorted(frames, key=_number_and_name)


def is_dataset(folder: str | os.PathLike[str]) -> bool:
    """Tell whether a folder has frames, cell folders or an index; opens no file."""
    root = Path(folder)
    return (
        (root / INDEX).is_file()
        or bool(_npy_files(root))
        or any(_npy_files(sub) for sub in _subfolders(root))
    )


def _npy_files(folder: Path) -> list[Path]:
    return [path for path in folder.glob("*.npy") if path.is_file()]


def _subfolders(folder: Path) -> list[Path]:
    return sorted((path for path in folder.iterdir() if path.is_dir()), key=_number_and_name)


def number(path: Path) -> int:
    """Return the last number in a file's name, -1 if there is none."""
    digits = re.findall(r"\d+", path.stem)
    return int(digits[-1]) if digits else -1


def _number_and_name(path: Path) -> tuple[int, str]:
    return number(path), path.name


def _read_index(folder: Path) -> list[dict[str, str]]:
    """Read ``dataset.csv``; empty where there is none."""
    path = folder / INDEX
    if not path.is_file():
        return []
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    if rows and not {"folder", "filename"} <= rows[0].keys():
        raise CellForceError(
            f"{path} has the columns {', '.join(rows[0])}",
            "folder and filename are needed",
            "Write one row a frame: folder,filename,frame.",
            topic="input",
        )
    return rows


def _require(condition: bool, found: str) -> None:
    if not condition:
        raise CellForceError(
            found,
            "a data set has one folder a cell and in it one .npy a frame",
            "Choose the folder that holds them.",
            topic="input",
        )
