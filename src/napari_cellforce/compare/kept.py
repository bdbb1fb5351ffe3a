"""The arrays of all frames of a comparison, which may be more than memory holds."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar

import numpy as np

from napari_cellforce.io.scratch import ONE_OF_MANY, allocate

T = TypeVar("T")


class KeptFrames:
    """Keeps the arrays of dataclasses, one a frame; on disk where they are large.

    Parameters
    ----------
    n_frames : int
    """

    def __init__(self, n_frames: int) -> None:
        self._n_frames = n_frames
        self._arrays: dict[tuple[type, str], Any] = {}

    def keep(self, index: int, record: T) -> T:
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
            self._arrays[kind, name] = allocate(shape, values.dtype, in_memory=ONE_OF_MANY)
        place = self._arrays[kind, name][index]
        place[:] = values
        return place
