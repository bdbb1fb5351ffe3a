"""Detection and reading of folders of single frames."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.io.frame_folder.file_names import FrameFiles, folder_error, frame_files, missing_frames
from napari_cellforce.io.paths import format_shape
from napari_cellforce.io.raw_image import RawImage
from napari_cellforce.io.tiff import TiffPlanes, silence_tifffile


class FramePlanes:
    """Files of single frames as one array, read when indexed; usable as an array by dask.

    Parameters
    ----------
    grid : sequence of sequence of Path
        Files of each frame, by channel and then plane.
    inner_axes : str
        Axes of one file.
    lengths : (int, int)
        Number of channels and planes in separate files.
    inner_shape : tuple of int
        Shape of one file.
    dtype : numpy dtype
    """

    def __init__(
        self,
        grid: Sequence[Sequence[Path]],
        inner_axes: str,
        lengths: tuple[int, int],
        inner_shape: tuple[int, ...],
        dtype: np.dtype[Any],
    ) -> None:
        self._grid = grid
        self._lengths = lengths
        outer = "".join(axis for axis, length in zip("CZ", lengths, strict=True) if length > 1)
        self._outer = tuple(length for length in lengths if length > 1)
        self._inner = inner_shape
        self.axes = f"T{outer}{inner_axes}"
        self.shape = (len(grid), *self._outer, *inner_shape)
        self.ndim = len(self.shape)
        self.dtype = dtype

    def __getitem__(self, key: tuple[slice, ...]) -> npt.NDArray[Any]:
        frames = [self._frame(t, key[1:]) for t in range(len(self._grid))[key[0]]]
        return np.stack(frames) if frames else np.empty((0,) * self.ndim, self.dtype)

    def _frame(self, t: int, key: tuple[slice, ...]) -> npt.NDArray[Any]:
        outer, inner = key[: len(self._outer)], key[len(self._outer) :]
        selected = np.arange(len(self._grid[t])).reshape(self._outer or (1,))[outer or (slice(None),)]
        planes = [self._read(self._grid[t][int(index)])[inner] for index in selected.ravel()]
        stacked = np.stack(planes) if planes else np.empty((0, *self._inner), self.dtype)
        return stacked.reshape(*selected.shape[: len(self._outer)], *stacked.shape[1:])

    def _read(self, path: Path) -> npt.NDArray[Any]:
        with contextlib.closing(TiffPlanes(path)) as planes:
            _, shape = inner_axes(planes)
            values = planes[...]
        if values.size != int(np.prod(self._inner)) or shape != self._inner or values.dtype != self.dtype:
            raise mismatch_error(path, shape, values.dtype, self._inner, self.dtype)
        return values.reshape(self._inner)


def is_multifile_set(planes: TiffPlanes) -> bool:
    """Return whether one file refers to all, as in an OME-TIFF distributed over several files."""
    pages = planes.tiff.series[0].pages
    return any(page is not None and page.parent is not planes.tiff for page in pages)


def n_time_points(planes: TiffPlanes) -> int:
    """Return the number of frames in one file; unnamed axes may be time."""
    lengths = zip(planes.axes, planes.shape, strict=True)
    return int(np.prod([length for axis, length in lengths if axis not in "CZSYX"], initial=1))


def inner_axes(planes: TiffPlanes) -> tuple[str, tuple[int, ...]]:
    """Return axes and shape of the file of a frame without a time axis of length 1."""
    axes = [
        (a, n)
        for a, n in zip(planes.axes, planes.shape, strict=True)
        if a in "CZSYX" and (n > 1 or a in "YX")
    ]
    return "".join(axis for axis, _ in axes), tuple(length for _, length in axes)


def mismatch_error(
    path: Path, shape: tuple[int, ...], dtype: Any, first_shape: tuple[int, ...], first_dtype: Any
) -> CellForceError:
    """Return the error for a file that differs from the first one."""
    return CellForceError(
        f"{path} is {format_shape(shape)} pixels of {dtype}",
        f"all frames of a folder must be alike; the first is {format_shape(first_shape)} of {first_dtype}",
        "Move the files that do not belong to this movie to another folder.",
        topic=Topic.INPUT,
    )


def is_frame_folder(folder: Path, *, at_least: int = 2) -> bool:
    """Return whether a folder is certainly one movie of single frames, by names and the first header.

    ``t000.tif``, ``frame_12.tif`` or ``0001.tif`` are frames; ``cell_1.tif`` may be a separate cell, so a
    folder of such files is read as one movie only if it is explicitly opened as an image.

    Parameters
    ----------
    folder : Path
    at_least : int
        Minimum number of frames; 1 if more are expected and the first may be incomplete.
    """
    try:
        files = frame_files(folder)
        if not files.certain or len(files.frames) < at_least:
            return False
        with contextlib.closing(TiffPlanes(files.frames[0][0])) as planes:
            return is_multifile_set(planes) or n_time_points(planes) == 1
    except CellForceError as error:
        return at_least == 1 and "incomplete" in error.value
    except OSError:
        return False


def open_image(folder: Path) -> RawImage:
    """Open a folder of single frames; each file is read when its frame is requested.

    Raises
    ------
    CellForceError
        If files are missing, differ in shape or dtype, or are not single frames.
    """
    return open_frames(frame_files(folder))


def open_frames(files: FrameFiles) -> RawImage:
    """Open the frames in `files`; see `open_image`."""
    grid = _grid(files)
    first = TiffPlanes(grid[0][0])
    if is_multifile_set(first):
        return replace(first.raw_image(), path=files.folder)
    with contextlib.closing(first):
        if n_time_points(first) > 1:
            raise folder_error(
                files.folder, f"contains {grid[0][0].name} with {n_time_points(first)} frames in one file"
            )
        _check_consistent(grid, first)
        axes, shape = inner_axes(first)
        described = first.raw_image()
    outer = "T" + files.axes[1:]
    if set(outer) & set(axes):
        raise folder_error(files.folder, f"has axes {axes} in each file and {outer} in their names")
    planes = FramePlanes(tuple(grid), axes, files.lengths, shape, np.dtype(first.dtype))
    return RawImage(
        files.folder,
        planes,
        planes.axes,
        described.channel_names if "C" not in outer else (),
        described.pixel_size,
        described.frame_interval,
        missing_frames(files),
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
                "If it is still being recorded, wait; otherwise copy the missing file, or remove this frame.",
                topic=Topic.INPUT,
            )
    return list(frames)


def _check_consistent(grid: Sequence[Sequence[Path]], first: TiffPlanes) -> None:
    """Refuse files with pages that differ from the first; files of equal size are taken as consistent."""
    page = first.tiff.pages.first
    size = first.path.stat().st_size
    for path in itertools.chain.from_iterable(grid):
        if path.stat().st_size == size:
            continue
        shape, dtype = _header(path)
        if shape != page.shape or dtype != page.dtype:
            raise mismatch_error(path, shape, dtype, page.shape, page.dtype)


def _header(path: Path) -> tuple[tuple[int, ...], Any]:
    try:
        with silence_tifffile(), tifffile.TiffFile(path) as tiff:
            return tiff.pages.first.shape, tiff.pages.first.dtype
    except Exception:  # tifffile raises various errors on damaged files; `TiffPlanes` reports them
        with contextlib.closing(TiffPlanes(path)) as planes:
            return planes.shape, planes.dtype
