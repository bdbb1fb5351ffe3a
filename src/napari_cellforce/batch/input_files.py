"""Finding the inputs in a folder, the mask and measured field beside each, and its condition."""

from __future__ import annotations

import contextlib
import csv
import os
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path

from napari_cellforce.batch.config import EVERY_IMAGE, BatchConfig, absolute
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.io import images_in, is_field, is_scalar
from napari_cellforce.io.dataset.frames import is_frame
from napari_cellforce.io.frame_folder import is_frame_folder
from napari_cellforce.io.omezarr.planes import is_zarr
from napari_cellforce.io.paths import TIFF_SUFFIXES, VENDOR_SUFFIXES, ZARR_SUFFIX, split, stem

_SEVERAL = (*VENDOR_SUFFIXES, ZARR_SUFFIX, ".ome.tif", ".ome.tiff")
"""Endings of what may hold several images."""

_FRAME_SUFFIX = ".npy"


def find_inputs(config: BatchConfig) -> list[Path]:
    """Return the inputs below ``config.folder``, sorted by their path.

    Images, each of the images of a file that holds several, OME-Zarr folders, and folders of single frames.
    Left out are hidden files, the output folder, masks and measured fields that belong to another input, and
    fields written by this package. A link is followed, but no folder is entered twice, so a link
    that leads back ends there.

    Raises
    ------
    CellForceError
        If the folder is not there, or there is nothing in it that fits.
    """
    root, out = absolute(config.folder), absolute(config.out)
    if not root.is_dir():
        raise CellForceError(
            f"{root} is no folder", "it must hold the images", "Choose a folder.", topic=Topic.FOLDER
        )
    fitting = [path for path in _candidates(root, out, config.recursive) if _fits(path, root, config.pattern)]
    others = {beside(path, pattern) for path in fitting for pattern in (config.mask_pattern, config.compare)}
    images = (path for path in fitting if path not in others and not _is_result(path))
    inputs = sorted(image for path in images for image in _images(path))
    if inputs:
        return inputs
    where = "in it and its subfolders" if config.recursive else "in it (subfolders were not looked at)"
    raise CellForceError(
        f"{root} holds no images that fit {config.pattern!r}",
        f"there must be at least one {where}",
        "Correct the folder or the pattern, or include subfolders.",
        topic=Topic.PATTERN,
    )


def beside(path: Path, pattern: str) -> Path | None:
    """Return where the mask or measured field of an input is to be, there or not; None without a pattern."""
    return absolute(split(path)[0].parent / pattern.replace("*", stem(path))) if pattern else None


def read_conditions(table: str) -> dict[str, str]:
    """Read a table of conditions: from the name (or path below the input folder) of a file to its condition.

    Raises
    ------
    CellForceError
        If it is missing, or has not the columns ``file`` and ``condition``.
    """
    if not table:
        return {}
    try:
        with absolute(table).open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        return {row["file"].replace("\\", "/"): row["condition"] for row in rows}
    except (OSError, KeyError, UnicodeDecodeError, csv.Error, AttributeError) as error:
        raise CellForceError(
            f"the table of conditions {table} cannot be used ({error})",
            "it needs the columns file and condition",
            "Write one row per image: file,condition.",
            topic=Topic.CONDITIONS,
        ) from error


def condition_of(path: Path, root: Path, table: dict[str, str]) -> str:
    """Return the condition of an input: from the table, else the folder it lies in below `root`, else ""."""
    relative = path.relative_to(root)
    container, _ = split(relative)
    for name in (relative.as_posix(), container.name, stem(path)):
        if name in table:
            return table[name]
    return "" if table or len(container.parts) < 2 else container.parts[0]


def duplicate_stems(paths: Iterable[Path]) -> set[Path]:
    """Return the inputs that share folder and stem with another, whose results would have one name."""
    seen: dict[Path, list[Path]] = {}
    for path in paths:
        seen.setdefault(split(path)[0].parent / stem(path), []).append(path)
    return {path for group in seen.values() if len(group) > 1 for path in group}


def _candidates(root: Path, out: Path, recursive: bool) -> Iterator[Path]:
    """Yield image files and cell folders, the output folder and hidden ones left out."""
    entered: set[tuple[int, int]] = set()
    for folder, subfolders, names in os.walk(root, followlinks=True):
        here = Path(folder)
        if _entered_before(here, entered):
            subfolders.clear()
            continue
        if is_zarr(here) or _is_movie(here, names, is_root=here == root):
            yield here
            subfolders.clear()
            continue
        if _is_cell(here, names):
            yield here
        subfolders[:] = sorted(
            name for name in subfolders if not name.startswith(".") and not _same(here / name, out)
        )
        if not recursive and here != root:  # was entered only to see whether it is an input itself
            subfolders.clear()
            continue
        yield from (here / name for name in names if _is_image_name(name))


def _is_movie(folder: Path, names: list[str], *, is_root: bool) -> bool:
    """Return whether a folder is one movie of single frames.

    ``001.tif``, ``002.tif`` in the input folder itself are images of their own; in a folder below they are
    frames, as ``t001.tif`` is everywhere.
    """
    numbered = all(Path(name).stem.isdigit() for name in names if _is_image_name(name))
    return not (is_root and numbered) and is_frame_folder(folder)


def _is_cell(folder: Path, names: list[str]) -> bool:
    """Return whether a folder holds frames in the authors' layout, by the first of them."""
    frames = sorted(name for name in names if name.endswith(_FRAME_SUFFIX))
    return bool(frames) and is_frame(folder / frames[0])


def _entered_before(folder: Path, entered: set[tuple[int, int]]) -> bool:
    try:
        status = folder.stat()
    except OSError:  # gone meanwhile, or a link to nowhere
        return True
    identity = (status.st_dev, status.st_ino)
    if identity in entered:
        return True
    entered.add(identity)
    return False


def _same(folder: Path, other: Path) -> bool:
    return folder == other or folder.resolve() == other.resolve()


def _is_image_name(name: str) -> bool:
    return not name.startswith(".") and name.lower().endswith((*TIFF_SUFFIXES, *VENDOR_SUFFIXES))


def _fits(path: Path, root: Path, pattern: str) -> bool:
    name = path.relative_to(root).as_posix() if "/" in pattern else path.name
    return pattern == EVERY_IMAGE or fnmatch(name, pattern)


def _is_result(path: Path) -> bool:
    """Return whether a file is one of our own fields, which always have these suffixes."""
    return path.name.endswith((".ome.tif", ZARR_SUFFIX)) and (is_field(path) or is_scalar(path))


def _images(path: Path) -> tuple[Path, ...]:
    """Return the images in a file or folder; an unreadable file is reported as a whole."""
    if path.name.lower().endswith(_SEVERAL):
        with contextlib.suppress(Exception):  # of any library that reads some format
            return images_in(path)
    return (path,)
