"""Temporary arrays for the frames of long movies: in memory, or in a file above a size limit."""

from __future__ import annotations

import dataclasses
import errno
import os
import tempfile
from collections.abc import Iterator, Mapping
from typing import IO, Any, TypeVar

import numpy as np
import numpy.typing as npt

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import FloatArray

MEMORY_LIMIT = 512 * 1024**2
"""Size limit in bytes of an array in memory."""
MEMORY_LIMIT_EACH = 64 * 1024**2
"""The same limit for each of about a dozen simultaneous arrays."""


def allocate(
    shape: tuple[int, ...], dtype: npt.DTypeLike = np.float32, *, memory_limit: int = MEMORY_LIMIT
) -> Any:
    """Return an array of zeros.

    Parameters
    ----------
    shape : tuple of int
    dtype : dtype
    memory_limit : int
        Limit in bytes; a larger array is stored in a temporary file, deleted with the array.

    Raises
    ------
    CellForceError
        If there is not enough space in the temporary folder.
    """
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    if size <= memory_limit:
        return np.zeros(shape, dtype)
    with tempfile.TemporaryFile(prefix="cellforce-") as file:
        _reserve(file, size)
        return np.memmap(file, dtype, "r+", shape=shape)


def _reserve(file: IO[bytes], size: int) -> None:
    """Reserve the space at once: a disk that is full while an array is filled crashes the process."""
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)
        else:
            file.truncate(size)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT):
            raise
        raise CellForceError(
            f"the temporary folder {tempfile.gettempdir()} has no space for {size / 1e9:.3g} GB",
            "the frames of a long movie are stored there during the computation",
            "Free some space there, or set the environment variable TMPDIR to another folder.",
            topic=Topic.OUTPUT,
        ) from error


T = TypeVar("T")


class FrameStore:
    """Keeps the arrays of dataclasses, one a frame; on disk where they are large.

    Parameters
    ----------
    n_frames : int
    """

    def __init__(self, n_frames: int) -> None:
        self._n_frames = n_frames
        self._arrays: dict[tuple[type, str], Any] = {}

    def store(self, index: int, record: T) -> T:
        """Return a record whose arrays are kept here, in place of those kept for this frame before.

        Parameters
        ----------
        index : int
            Of the frame.
        record : dataclass
            Its arrays have the same shape in every frame.
        """
        arrays = {
            f.name: self._place(type(record), f.name, index, getattr(record, f.name))
            for f in dataclasses.fields(record)  # type: ignore[arg-type]
            if isinstance(getattr(record, f.name), np.ndarray)
        }
        return dataclasses.replace(record, **arrays)  # type: ignore[type-var]

    def _place(self, kind: type, name: str, index: int, values: np.ndarray[Any, Any]) -> Any:
        if (kind, name) not in self._arrays:
            shape = (self._n_frames, *values.shape)
            self._arrays[kind, name] = allocate(shape, values.dtype, memory_limit=MEMORY_LIMIT_EACH)
        place = self._arrays[kind, name][index]
        place[:] = values
        return place


class FrameAccumulator:
    """Takes named ``(Y, X)`` fields frame by frame and gives back ``(T, Y, X)``.

    Parameters
    ----------
    n_frames : int
    shape : tuple of int
        Height and width.
    """

    def __init__(self, n_frames: int, shape: tuple[int, int]) -> None:
        self._shape = (n_frames, *shape)
        self._fields: dict[str, FloatArray] = {}
        self._done = 0

    def append(self, scalars: Mapping[str, FloatArray]) -> None:
        """Take the fields of the next frame."""
        for name, values in scalars.items():
            if name not in self._fields:
                self._fields[name] = allocate(self._shape, memory_limit=MEMORY_LIMIT_EACH)
            self._fields[name][self._done] = values
        self._done += 1

    def fields(self) -> Iterator[tuple[str, FloatArray]]:
        """Yield every field by name, with the frames taken so far, ``(T, Y, X)``."""
        for name, values in self._fields.items():
            yield name, values[: self._done]
