"""Scalar fields of a movie, kept on disk while they are made: their number is not known beforehand."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from napari_cellforce.fields import FloatArray


class Spool:
    """A context manager that takes named ``(Y, X)`` fields frame by frame and gives back ``(T, Y, X)``.

    Parameters
    ----------
    n_frames : int
    shape : tuple of int
        Height and width.
    """

    def __init__(self, n_frames: int, shape: tuple[int, int]) -> None:
        self._shape = (n_frames, *shape)
        self._fields: dict[str, np.memmap[Any, np.dtype[np.float32]]] = {}
        self._done = 0

    def __enter__(self) -> Spool:
        self._folder = tempfile.TemporaryDirectory(prefix="cellforce-explain-")
        return self

    def __exit__(self, *_: object) -> None:
        self._fields.clear()
        self._folder.cleanup()

    def append(self, scalars: Mapping[str, FloatArray]) -> None:
        """Take the fields of the next frame."""
        for name, values in scalars.items():
            if name not in self._fields:
                path = Path(self._folder.name) / f"{len(self._fields)}.bin"
                self._fields[name] = np.memmap(path, np.float32, "w+", shape=self._shape)
            self._fields[name][self._done] = values
        self._done += 1

    def fields(self) -> Iterator[tuple[str, FloatArray]]:
        """Yield every field by name, with the frames taken so far, ``(T, Y, X)``."""
        for name, values in self._fields.items():
            yield name, values[: self._done]
