"""Conversion of arrays that are read on demand, safe in any thread."""

from __future__ import annotations

from typing import Any, TypeVar, overload

import numpy as np
import numpy.typing as npt

Number = TypeVar("Number", bound=np.generic)


@overload
def to_numpy(array: Any) -> npt.NDArray[Any]: ...


@overload
def to_numpy(array: Any, dtype: type[Number]) -> npt.NDArray[Number]: ...


def to_numpy(array: Any, dtype: type[Any] | None = None) -> npt.NDArray[Any]:
    """Return an array as a numpy array; dask arrays are computed.

    By default dask calls all callbacks registered in the process. napari registers a cache that is not
    thread-safe: it raises a KeyError while one frame is displayed and another one is predicted.

    Parameters
    ----------
    array : array
        A numpy array, a dask array, or anything that numpy can convert.
    dtype : data type, optional
    """
    if hasattr(array, "compute"):
        array = array.compute(scheduler="threads", callbacks=())
    return np.asarray(array, dtype=dtype)
