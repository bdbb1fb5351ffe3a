"""Writers of files that stay valid, with all complete frames, if writing stops early."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from napari_cellforce import files
from napari_cellforce.fields import (
    BoolArray,
    FloatArray,
    PixelSize,
    Provenance,
    Quantity,
    Unit,
    VectorField,
)


class PartialWriter(ABC):
    """Context manager that turns everything written in its block into a valid file.

    When the block ends, also by an error or a stop, the frames written become a valid file; if there are
    none, no file is created and an existing one is not replaced.
    """

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            self._begin(stack.enter_context(self._atomic()))
            self._ends = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(_NothingWritten), self._ends:
            if not self._written:
                raise _NothingWritten
            self._finish()

    @abstractmethod
    def _atomic(self) -> AbstractContextManager[Path]:
        """Return a context manager that yields a temporary path and renames it if its block succeeds."""

    @abstractmethod
    def _begin(self, temporary: Path) -> None:
        """Create the file."""

    @property
    @abstractmethod
    def _written(self) -> int:
        """Number of frames written."""

    @abstractmethod
    def _finish(self) -> None:
        """Write the metadata and close the file."""


class _NothingWritten(Exception):
    """No frame was written: the file is discarded."""


class BaseFieldWriter(PartialWriter):
    """Writer of a vector field, frame by frame; see `napari_cellforce.io.FieldWriter`.

    Attributes
    ----------
    path : Path
    provenance : Provenance
        May be changed until the end of the block.
    frames : list of int
        Indices of the frames written so far.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        quantity: Quantity,
        unit: Unit,
        pixel_size: PixelSize,
        shape: tuple[int, int],
        frame_interval: float | None = None,
        name: str = "",
        provenance: Provenance | None = None,
        n_frames: int | None = None,
    ) -> None:
        self.path = Path(path)
        self.provenance = provenance or Provenance()
        self.frames: list[int] = []
        self._n_frames = n_frames
        self._masked = False
        none_yet = np.empty((0, 2, *shape), np.float32)
        self._field = VectorField(none_yet, quantity, unit, pixel_size, frame_interval, name=name)

    @classmethod
    def like(cls, path: str | os.PathLike[str], field: VectorField, n_frames: int) -> Self:
        """Return a writer with the metadata of `field`."""
        return cls(
            path,
            quantity=field.quantity,
            unit=field.unit,
            pixel_size=field.pixel_size,
            shape=field.data.shape[2:],
            frame_interval=field.frame_interval,
            name=field.name,
            provenance=field.provenance,
            n_frames=n_frames,
        )

    def append(self, frame: int, data: FloatArray, mask: BoolArray | None = None) -> None:
        """Write one frame, atomically.

        Parameters
        ----------
        frame : int
            Index in the input; greater than those of previous frames.
        data : (2, Y, X) float32 array
            (y, x), in the writer's unit.
        mask : (Y, X) bool array, optional
            Either all frames have a mask or none.
        """
        data = np.asarray(data, dtype=np.float32)
        self._check(frame, data, mask)
        kept = f" (the {len(self.frames)} before it are kept)" if self.frames else ""
        with files.disk_errors(f"frame {frame} of {self.path}{kept}"):
            self._write(data, mask)
        self.frames.append(int(frame))
        self._masked = mask is not None

    @abstractmethod
    def _write(self, data: FloatArray, mask: BoolArray | None) -> None:
        """Append a frame; on failure, leave the file as it was."""

    @property
    def _written(self) -> int:
        return len(self.frames)

    @property
    def _shape(self) -> tuple[int, int]:
        height, width = self._field.data.shape[2:]
        return int(height), int(width)

    def _field_so_far(self) -> VectorField:
        """Return a field of zeros with the metadata of the frames written so far (of one frame if none)."""
        frames = tuple(self.frames) or (0,)
        zeros = np.broadcast_to(np.float32(0), (len(frames), 2, *self._shape))
        return dataclasses.replace(self._field, data=zeros, frames=frames, provenance=self.provenance)

    def _check(self, frame: int, data: FloatArray, mask: BoolArray | None) -> None:
        if data.shape != (2, *self._shape) or (mask is not None and mask.shape != self._shape):
            raise ValueError(f"expected (2, Y, X) with Y, X = {self._shape}, got {data.shape}")
        if self.frames and frame <= self.frames[-1]:
            raise ValueError(f"frame {frame} after frame {self.frames[-1]}")
        if self.frames and (mask is None) == self._masked:
            raise ValueError("either every frame has a mask or none")
