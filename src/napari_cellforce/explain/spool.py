"""Scalar fields of a movie, taken frame by frame: their number is not known beforehand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from napari_cellforce.fields import FloatArray
from napari_cellforce.io.scratch import ONE_OF_MANY, allocate


class Spool:
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
                self._fields[name] = allocate(self._shape, in_memory=ONE_OF_MANY)
            self._fields[name][self._done] = values
        self._done += 1

    def fields(self) -> Iterator[tuple[str, FloatArray]]:
        """Yield every field by name, with the frames taken so far, ``(T, Y, X)``."""
        for name, values in self._fields.items():
            yield name, values[: self._done]
