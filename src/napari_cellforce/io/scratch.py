"""Room for the frames of long movies while they are computed: in memory, or on disk where they are many."""

from __future__ import annotations

import errno
import os
import tempfile
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from napari_cellforce.errors import CellForceError

KEPT_IN_MEMORY = 512 * 1024**2
"""Bytes."""
ONE_OF_MANY = 64 * 1024**2
"""The same, of an array that has a dozen others beside it."""


def allocate(
    shape: tuple[int, ...], dtype: npt.DTypeLike = np.float32, *, in_memory: int = KEPT_IN_MEMORY
) -> Any:
    """Return an array of zeros.

    Parameters
    ----------
    shape : tuple of int
    dtype : dtype
    in_memory : int
        Bytes; a larger array is kept in a temporary file, which vanishes with it.

    Raises
    ------
    CellForceError
        If the temporary folder has no room for it.
    """
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    if size <= in_memory:
        return np.zeros(shape, dtype)
    with tempfile.TemporaryFile(prefix="cellforce-") as file:
        _reserve(file, size)
        return np.memmap(file, dtype, "r+", shape=shape)


def _reserve(file: IO[bytes], size: int) -> None:
    """Take the room at once: what a disk lacks when an array is filled ends the whole program."""
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, size)
        else:
            file.truncate(size)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EFBIG, errno.EDQUOT):
            raise
        raise CellForceError(
            f"the temporary folder {tempfile.gettempdir()} has no room for {size / 1e9:.3g} GB",
            "the frames of a long movie are kept there while they are computed",
            "Free some space there, or name another folder in the environment variable TMPDIR.",
            topic="output",
        ) from error
