"""Single files as planes of one array."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_cellforce.errors import CellForceError
from napari_cellforce.io.paths import times
from napari_cellforce.io.tiff import TiffPlanes


class FramePlanes:
    """Files of single frames as one array, read when indexed; an array as far as dask is concerned.

    Parameters
    ----------
    grid : sequence of sequence of Path
        For each frame its files, by channel and then plane.
    inner_axes : str
        Of one file.
    lengths : (int, int)
        Number of channels and planes with files of their own.
    inner_shape : tuple of int
        Of one file.
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
        wanted = np.arange(len(self._grid[t])).reshape(self._outer or (1,))[outer or (slice(None),)]
        planes = [self._read(self._grid[t][int(index)])[inner] for index in wanted.ravel()]
        stacked = np.stack(planes) if planes else np.empty((0, *self._inner), self.dtype)
        return stacked.reshape(*wanted.shape[: len(self._outer)], *stacked.shape[1:])

    def _read(self, path: Path) -> npt.NDArray[Any]:
        with contextlib.closing(TiffPlanes(path)) as planes:
            _, shape = inner_axes(planes)
            values = planes[...]
        if values.size != int(np.prod(self._inner)) or shape != self._inner or values.dtype != self.dtype:
            raise unlike(path, shape, values.dtype, self._inner, self.dtype)
        return values.reshape(self._inner)


def is_set(planes: TiffPlanes) -> bool:
    """Tell whether one file stands for all, as in an OME-TIFF that is spread over several files."""
    pages = planes.tiff.series[0].pages
    return any(page is not None and page.parent is not planes.tiff for page in pages)


def pages_of_time(planes: TiffPlanes) -> int:
    """Return how many frames one file holds; axes without a name may be time."""
    lengths = zip(planes.axes, planes.shape, strict=True)
    return int(np.prod([length for axis, length in lengths if axis not in "CZSYX"], initial=1))


def inner_axes(planes: TiffPlanes) -> tuple[str, tuple[int, ...]]:
    """Return axes and shape of a frame's file without an axis of time of length 1."""
    kept = [
        (a, n)
        for a, n in zip(planes.axes, planes.shape, strict=True)
        if a in "CZSYX" and (n > 1 or a in "YX")
    ]
    return "".join(axis for axis, _ in kept), tuple(length for _, length in kept)


def unlike(
    path: Path, shape: tuple[int, ...], dtype: Any, first_shape: tuple[int, ...], first_dtype: Any
) -> CellForceError:
    """Return the error for a file that differs from the first."""
    return CellForceError(
        f"{path} is {times(shape)} pixels of {dtype}",
        f"all frames of a folder are alike, and the first is {times(first_shape)} of {first_dtype}",
        "Move the files that do not belong to this movie to another folder.",
        topic="input",
    )
