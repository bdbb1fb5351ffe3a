"""Telling a folder of single frames, and opening it."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from napari_cellforce.errors import CellForceError
from napari_cellforce.io.frame_folder.names import FrameFiles, frame_files, gaps, refusal
from napari_cellforce.io.frame_folder.planes import FramePlanes, inner_axes, is_set, pages_of_time, unlike
from napari_cellforce.io.opened import Opened
from napari_cellforce.io.quiet import quiet
from napari_cellforce.io.tiff import TiffPlanes


def is_frame_folder(folder: Path, *, at_least: int = 2) -> bool:
    """Tell whether a folder is certainly one movie of single frames, by names and the first file's header.

    ``t000.tif``, ``frame_12.tif`` or ``0001.tif`` are frames; ``cell_1.tif`` may as well be a cell of its
    own, so a folder of these is one movie only to who says so by opening it as an image.

    Parameters
    ----------
    folder : Path
    at_least : int
        Frames that must be there; 1 where others are expected, and the first may still be being written.
    """
    try:
        files = frame_files(folder)
        if not files.certain or len(files.frames) < at_least:
            return False
        with contextlib.closing(TiffPlanes(files.frames[0][0])) as planes:
            return is_set(planes) or pages_of_time(planes) == 1
    except CellForceError as error:
        return at_least == 1 and "incomplete" in error.value
    except OSError:
        return False


def open_image(folder: Path) -> Opened:
    """Open a folder of single frames; every file is read when its frame is asked for.

    Raises
    ------
    CellForceError
        If files are missing, unlike each other, or no single frames.
    """
    return open_frames(frame_files(folder))


def open_frames(files: FrameFiles) -> Opened:
    """Open the frames that `files` names; see `open_image`."""
    grid = _grid(files)
    first = TiffPlanes(grid[0][0])
    if is_set(first):
        return replace(first.opened(), path=files.folder)
    with contextlib.closing(first):
        if pages_of_time(first) > 1:
            raise refusal(
                files.folder, f"holds {grid[0][0].name} with {pages_of_time(first)} frames in one file"
            )
        _check_alike(grid, first)
        axes, shape = inner_axes(first)
        described = first.opened()
    outer = "T" + files.axes[1:]
    if set(outer) & set(axes):
        raise refusal(files.folder, f"has axes {axes} in each file and {outer} in their names")
    planes = FramePlanes(tuple(grid), axes, files.lengths, shape, np.dtype(first.dtype))
    return Opened(
        files.folder,
        planes,
        planes.axes,
        described.channel_names if "C" not in outer else (),
        described.pixel_size,
        described.frame_interval,
        gaps(files),
    )


def _grid(files: FrameFiles) -> list[tuple[Path, ...]]:
    """Return the files of each frame; all must have the same channels and planes."""
    frames = files.frames
    needed = {files.numbers[path][1:] for path in files.numbers}
    for frame in frames:
        missing = needed - {files.numbers[path][1:] for path in frame}
        if missing:
            channel, plane = sorted(missing)[0]
            raise CellForceError(
                f"{files.folder} has no file for channel {channel}, plane {plane} of the frame of "
                f"{frame[0].name}",
                "every frame needs a file for each channel and plane",
                "If it is still being recorded, wait; else copy the missing file, or move this frame away.",
                topic="input",
            )
    return list(frames)


def _check_alike(grid: Sequence[Sequence[Path]], first: TiffPlanes) -> None:
    """Refuse files with pages unlike the first one's; those of the same length are believed to be alike."""
    page = first.tiff.pages.first
    size = first.path.stat().st_size
    for path in itertools.chain.from_iterable(grid):
        if path.stat().st_size == size:
            continue
        shape, dtype = _header(path)
        if shape != page.shape or dtype != page.dtype:
            raise unlike(path, shape, dtype, page.shape, page.dtype)


def _header(path: Path) -> tuple[tuple[int, ...], Any]:
    try:
        with quiet(), tifffile.TiffFile(path) as tiff:
            return tiff.pages.first.shape, tiff.pages.first.dtype
    except Exception:  # whatever a broken file makes tifffile raise: `TiffPlanes` tells it in words
        with contextlib.closing(TiffPlanes(path)) as planes:
            return planes.shape, planes.dtype
