"""Movies in a folder, growing or complete, and their state on disk."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from napari_cellforce.batch.config import EVERY_IMAGE
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import ImageStack, ZChoice
from napari_cellforce.io import omezarr, read_partial
from napari_cellforce.io.field import is_field
from napari_cellforce.io.frame_folder import frame_files, is_frame_folder, open_frames
from napari_cellforce.io.paths import TIFF_SUFFIXES, VENDOR_SUFFIXES, stem
from napari_cellforce.resume import file_state

FileState = tuple[int, ...]
"""Sizes and modification times; changes whenever something is written."""

_IMAGES = (*TIFF_SUFFIXES, *VENDOR_SUFFIXES)


@dataclass(frozen=True)
class Source:
    """A movie in the watched folder.

    Attributes
    ----------
    path : Path
        Path of the file, or of the folder of single frames.
    name : str
        Name shown to people; the results' names start with it.
    """

    path: Path
    name: str

    def state(self) -> FileState:
        """Return a value that changes whenever something is written.

        Raises
        ------
        OSError
            If it is gone.
        """
        if not self.path.is_dir():
            return file_state(self.path)
        newest = _newest(self.path)
        return len(newest), *max(newest, default=(0, 0))

    def open(self, z: ZChoice, names: Sequence[str] = ()) -> tuple[ImageStack, tuple[str, ...], set[str]]:
        """Open the frames that are there; see `napari_cellforce.io.read_partial` for errors.

        Parameters
        ----------
        z : "max", int or None
        names : sequence of str
            For single frames, the files of predicted frames: they keep their positions.

        Returns
        -------
        ImageStack, tuple of str, set of str
            The movie; for single frames, the name of each frame's file, and the names of files that came
            too late to have a position.
        """
        if not self.path.is_dir() or omezarr.is_zarr(self.path):
            return read_partial(self.path, z=z), (), set()
        there = frame_files(self.path).without_incomplete_frame()
        files = there.continued_from(names)
        return open_frames(files).stack(z), files.names, set(there.names) - set(files.names)


def find_sources(folder: Path, out: Path, pattern: str, known: Collection[Path] = ()) -> list[Source]:
    """Return the movies in a folder, by name; itself, if it holds the single frames of one.

    Left out are hidden files, the output folder, and traction fields written by this package. Folders in it
    are movies too: single frames, or OME-Zarr. Those that are `known` are not looked into again.

    Raises
    ------
    CellForceError
        If the folder is not there.
    """
    if not folder.is_dir():
        raise CellForceError(
            f"{folder} is no folder",
            "it is where the microscope writes",
            "Choose a folder, or make it before the acquisition starts.",
            topic=Topic.FOLDER,
        )
    if folder in known:
        return []
    if omezarr.is_zarr(folder) or is_frame_folder(folder, at_least=1):
        return [Source(folder, _name(folder))]
    found = [path for path in _entries(folder) if path != out and _fits(path.name, pattern)]
    return [Source(path, _name(path)) for path in sorted(found) if path not in known and _is_movie(path)]


def _entries(folder: Path) -> Iterator[Path]:
    with contextlib.suppress(OSError):  # a network drive that is away for a moment
        yield from (Path(entry) for entry in os.scandir(folder) if not entry.name.startswith("."))


def _name(path: Path) -> str:
    return path.name if path.is_dir() and not omezarr.is_zarr(path) else stem(path)


def _fits(name: str, pattern: str) -> bool:
    return pattern == EVERY_IMAGE or fnmatch(name, pattern)


def _is_movie(path: Path) -> bool:
    if path.is_dir():
        return not is_field(path) and (omezarr.is_zarr(path) or is_frame_folder(path, at_least=1))
    return path.suffix.lower() in _IMAGES and not (path.name.endswith(".ome.tif") and is_field(path))


def _newest(folder: Path) -> list[tuple[int, int]]:
    """Return time of change and size of all files below a folder."""
    found = []
    for here, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):  # renamed or removed meanwhile
                found.append(file_state(Path(here) / name)[::-1])
    return found
