"""Reading of ``.npy`` files in the authors' layout, plane by plane."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_cellforce.errors import CellForceError, Topic

_N_CHANNELS = (7, 8)


def is_frame(path: str | os.PathLike[str]) -> bool:
    """Return whether a file is a frame in the authors' layout; reads only its header."""
    try:
        array = load_npy(path)
    except CellForceError:
        return False
    return _is_frame_shape(array.shape)


def load_npy(path: str | os.PathLike[str]) -> npt.NDArray[Any]:
    """Memory-map a ``.npy`` of numbers; nothing is unpickled.

    Raises
    ------
    CellForceError
        If it is missing, truncated, or contains Python objects.
    """
    try:
        array: npt.NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise _not_npy(path, str(error)) from error
    if array.dtype.kind not in "biuf":
        raise _not_npy(path, f"its values are of type {array.dtype}")
    return array


def lazy_frames(paths: Sequence[Path]) -> Any:
    """Return all channels of all frames, (T, 7 or 8, L, L) float32, as a dask array, one chunk per plane."""
    import dask.array as da  # takes 0.6 s to load

    shape = _common_shape(paths)
    chunks = ((1,) * len(paths), (1,) * shape[0], shape[1:2], shape[2:3])
    empty = np.empty((0, 0, 0, 0), np.float32)
    return da.map_blocks(
        _read_plane, [str(path) for path in paths], chunks=chunks, dtype=np.float32, meta=empty
    )


def _read_plane(paths: Sequence[str], block_info: Any = None) -> npt.NDArray[np.float32]:
    """Read one channel of one frame, (1, 1, L, L), as requested by dask."""
    t, channel, _, _ = block_info[None]["chunk-location"]
    return np.array(load_npy(paths[t])[channel], dtype=np.float32)[None, None]


def _common_shape(paths: Sequence[Path]) -> tuple[int, ...]:
    shapes = [load_npy(path).shape for path in paths]
    for path, shape in zip(paths, shapes, strict=True):
        if not _is_frame_shape(shape) or shape != shapes[0]:
            raise CellForceError(
                f"{path} has the shape {shape}",
                f"frames must be (7 or 8, height, width), and equal in a cell (the first is {shapes[0]})",
                "Check how it was exported: u_x, u_y, F_x, F_y, mask, forcemask, zyxin[, other protein].",
                topic=Topic.INPUT,
            )
    return shapes[0]


def _is_frame_shape(shape: tuple[int, ...]) -> bool:
    return len(shape) == 3 and shape[0] in _N_CHANNELS


def _not_npy(path: str | os.PathLike[str], why: str) -> CellForceError:
    return CellForceError(
        f"{path} is not an array of numbers ({why})",
        "a .npy with numbers is needed",
        "Write it again with numpy.save.",
        topic=Topic.INPUT,
    )
