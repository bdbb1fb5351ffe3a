"""What can be computed from a field for the frame that is looked at, as arrays that napari slices."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from napari_cellforce.fields import BoolArray, FloatArray, to_numpy


class _LazyArray:
    """A ``(T, Y, X)`` array that is computed where it is indexed, by slices and integers.

    Takes no memory of its own, opens at once, and is always up to date with frames that still arrive.
    """

    ndim = 3

    def __init__(self, shape: tuple[int, int, int], dtype: npt.DTypeLike) -> None:
        self.shape = shape
        self.dtype = np.dtype(dtype)

    @property
    def size(self) -> int:
        """Number of elements."""
        return int(np.prod(self.shape))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> Any:
        """Return what is there, indexed as numpy understands ``[0]``, ``[0, 3:9]`` or ``[..., 7]``."""
        entries: tuple[Any, ...] = index if isinstance(index, tuple) else (index,)
        gap = next((i for i, entry in enumerate(entries) if entry is Ellipsis), len(entries))
        before, after = entries[:gap], entries[gap + 1 :]
        whole: tuple[Any, ...] = (slice(None),) * (self.ndim - len(before) - len(after))
        frames, y, x = before + whole + after
        return self._compute(frames, y, x)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        del copy
        return np.asarray(self[:], dtype=dtype)

    def _compute(self, frames: Any, y: Any, x: Any) -> Any:
        raise NotImplementedError


class Magnitude(_LazyArray):
    """Length of ``(T, 2, Y, X)`` vectors, float32.

    Parameters
    ----------
    vectors : (T, 2, Y, X) array
        Numpy, memory-mapped or dask.
    """

    def __init__(self, vectors: Any) -> None:
        super().__init__((vectors.shape[0], *vectors.shape[2:]), np.float32)
        self._vectors = vectors

    def _compute(self, frames: Any, y: Any, x: Any) -> FloatArray:
        # Both components at once: dask then reads them side by side.
        vectors = to_numpy(self._vectors[frames, :, y, x], np.float32)
        component = 1 if isinstance(frames, slice) else 0
        length: FloatArray = np.hypot(*np.moveaxis(vectors, component, 0))
        return length


class Edges(_LazyArray):
    """Pixels of masks that touch the outside: 1 there, else 0, uint8.

    Parameters
    ----------
    masks : (T, Y, X) bool array
        Numpy, memory-mapped or dask.
    """

    def __init__(self, masks: Any) -> None:
        super().__init__(tuple(masks.shape), np.uint8)
        self._masks = masks

    def _compute(self, frames: Any, y: Any, x: Any) -> npt.NDArray[np.uint8]:
        found: npt.NDArray[np.uint8] = edges(to_numpy(self._masks[frames], np.bool_))[..., y, x]
        return found


def edges(mask: BoolArray) -> npt.NDArray[np.uint8]:
    """Return 1 on the pixels of ``(..., Y, X)`` masks that touch the outside, else 0."""
    padded = np.pad(mask, [(0, 0)] * (mask.ndim - 2) + [(1, 1), (1, 1)])
    core = padded[..., :-2, 1:-1] & padded[..., 2:, 1:-1] & padded[..., 1:-1, :-2] & padded[..., 1:-1, 2:]
    return (mask & ~core).astype(np.uint8)
