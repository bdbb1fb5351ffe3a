"""The length of a vector field, computed for the frame that is looked at."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_cellforce.fields import FloatArray, X, Y


class Magnitude:
    """``(T, Y, X)`` view of ``(T, 2, Y, X)`` vectors, for napari to slice.

    Half the memory of storing it, and always up to date with the vectors, which may still arrive.

    Parameters
    ----------
    vectors : (T, 2, Y, X) array
        Numpy, memory-mapped or dask.
    """

    def __init__(self, vectors: Any) -> None:
        self._vectors = vectors
        self.shape: tuple[int, int, int] = (vectors.shape[0], *vectors.shape[2:])
        self.dtype = np.dtype(np.float32)
        self.ndim = 3

    @property
    def size(self) -> int:
        """Number of elements."""
        return int(np.prod(self.shape))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> FloatArray:
        frames, *rest = self._of_every_axis(index)
        components = [np.asarray(self._vectors[(frames, c, *rest)], dtype=np.float32) for c in (Y, X)]
        length: FloatArray = np.hypot(*components)
        return length

    def _of_every_axis(self, index: Any) -> tuple[Any, ...]:
        """Return an index with one entry for each axis, as numpy understands ``[0]`` or ``[..., 0]``."""
        index = index if isinstance(index, tuple) else (index,)
        gap = next((i for i, entry in enumerate(index) if entry is Ellipsis), len(index))
        before, after = index[:gap], index[gap + 1 :]
        return (*before, *(slice(None),) * (self.ndim - len(before) - len(after)), *after)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        del copy
        return np.asarray(self[:], dtype=dtype)
