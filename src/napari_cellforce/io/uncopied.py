"""Arrays as dask that reads them where they lie."""

from __future__ import annotations

from typing import Any

import numpy as np


def uncopied(data: Any) -> Any:
    """Return data as a ``(T, Y, X)`` dask array of a frame a chunk; ``dask.array.from_array`` would copy it.

    Parameters
    ----------
    data : (T, Y, X) or (Y, X) array
        Of numpy, a memory-mapped file included, or anything that is indexed alike; dask keeps its chunks.
    """
    import dask.array as da  # takes 0.6 s to load

    if data.ndim == 2:
        data = data[None]
    if isinstance(data, da.Array):
        return data
    return da.from_array(_Where(data), chunks=(1, *data.shape[1:]), name=False)


class _Where:
    """An array that dask does not take for one of numpy's, and so does not copy first."""

    def __init__(self, data: Any) -> None:
        self._data = data
        self.shape, self.dtype, self.ndim = tuple(data.shape), data.dtype, data.ndim

    def __getitem__(self, index: Any) -> Any:
        return np.asarray(self._data[index])
