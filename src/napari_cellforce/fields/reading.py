"""Arrays that are read on demand, from any thread."""

from __future__ import annotations

from typing import Any, TypeVar, overload

import numpy as np
import numpy.typing as npt

Number = TypeVar("Number", bound=np.generic)


@overload
def in_memory(array: Any) -> npt.NDArray[Any]: ...


@overload
def in_memory(array: Any, dtype: type[Number]) -> npt.NDArray[Number]: ...


def in_memory(array: Any, dtype: type[Any] | None = None) -> npt.NDArray[Any]:
    """Return an array as numpy, also where dask has yet to read it.

    By itself dask calls whatever was registered with it in the process. napari registers a cache that is
    not made for two threads: it fails with a KeyError while a frame is shown and another one is predicted.

    Parameters
    ----------
    array : array
        Of numpy, of dask, or anything that numpy takes.
    dtype : data type, optional
    """
    if hasattr(array, "compute"):
        array = array.compute(scheduler="threads", callbacks=())
    return np.asarray(array, dtype=dtype)
