"""Writing fields, images, masks and tables: whole or not at all, lossless, with units."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import os
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt

from napari_cellforce import files
from napari_cellforce.errors import CellForceWarning
from napari_cellforce.fields import (
    BoolArray,
    FloatArray,
    ImageStack,
    Mask,
    PixelSize,
    Provenance,
    Quantity,
    ScalarField,
    Unit,
    VectorField,
)
from napari_cellforce.io.field import NAMESPACE, record
from napari_cellforce.io.ometiff import OmeImage, PlaneWriter, ome_xml, storable
from napari_cellforce.io.scalar_writer import ScalarWriter

if TYPE_CHECKING:
    import pandas as pd

_MASK = "mask"
_BYTES_PER_PIXEL = 9
"""Two components and a mask."""
_BYTES_PER_FRAME_NUMBER = 8
_FRAMES_IF_UNKNOWN = 8192


class FieldWriter:
    """Writes a vector field frame by frame, while it is being computed.

    A context manager. When the block ends, be it by an error or a stop, the frames appended so far become
    a valid OME-TIFF at `path`, which says which frames it holds; without any, no file appears and a former
    one stays. Memory does not grow with the number of frames, but for a kilobyte or so a mask.

    Parameters
    ----------
    path : path-like
        An ``.ome.tif``.
    quantity : {"traction", "displacement"}
    unit : {"Pa", "normalised", "µm"}
    pixel_size : PixelSize
    shape : tuple of int
        Height and width.
    frame_interval : float, optional
        Minutes between frames.
    name : str
    provenance : Provenance, optional
        May be set again, as `provenance`, until the block ends.
    n_frames : int, optional
        How many are expected; up to 4 GB a classic TIFF is written then, which more programs read.

    Raises
    ------
    CellForceError
        If the disk is full, read-only or not the user's. What was appended before is kept.

    Examples
    --------
    >>> with FieldWriter(path, quantity="traction", unit="Pa", pixel_size=size, shape=(960, 960)) as writer:
    ...     for result in results:
    ...         writer.append(result.frame, result.traction, result.mask)
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
        self._masks: list[bytes] = []
        self._n_frames = n_frames
        none_yet = np.empty((0, 2, *shape), np.float32)
        self._field = VectorField(none_yet, quantity, unit, pixel_size, frame_interval, name=name)

    def __enter__(self) -> Self:
        room = len(self._xml(n_masks=1)) + _BYTES_PER_FRAME_NUMBER * (self._n_frames or _FRAMES_IF_UNKNOWN)
        n_bytes = self._n_frames and self._n_frames * _BYTES_PER_PIXEL * math.prod(self._shape)
        self._atomic = files.atomic_path(self.path)
        self._planes = PlaneWriter(self._atomic.__enter__(), self._field.pixel_size, n_bytes, room)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(_NothingToKeep), contextlib.ExitStack() as stack:
            stack.push(self._atomic)
            if not self.frames:
                raise _NothingToKeep
            self._planes.finish(self._xml(self._append_masks()))

    def append(self, frame: int, data: FloatArray, mask: BoolArray | None = None) -> None:
        """Write one frame, all of it or nothing.

        Parameters
        ----------
        frame : int
            Its index in the input; greater than those before.
        data : (2, Y, X) float32 array
            (y, x), in the writer's unit.
        mask : (Y, X) bool array, optional
            Either every frame has one or none.
        """
        data = np.asarray(data, dtype=np.float32)
        self._check(frame, data, mask)
        kept = f" (the {len(self.frames)} before it are kept)" if self.frames else ""
        with files.disk_errors(f"frame {frame} of {self.path}{kept}"):
            self._planes.append(data)
        self.frames.append(int(frame))
        if mask is not None:
            self._masks.append(zlib.compress(np.packbits(mask).tobytes()))

    @property
    def _shape(self) -> tuple[int, int]:
        height, width = self._field.data.shape[2:]
        return int(height), int(width)

    def _check(self, frame: int, data: FloatArray, mask: BoolArray | None) -> None:
        if data.shape != (2, *self._shape) or (mask is not None and mask.shape != self._shape):
            raise ValueError(f"expected (2, Y, X) with Y, X = {self._shape}, got {data.shape}")
        if self.frames and frame <= self.frames[-1]:
            raise ValueError(f"frame {frame} after frame {self.frames[-1]}")
        if self.frames and (mask is None) == bool(self._masks):
            raise ValueError("either every frame has a mask or none")

    def _append_masks(self) -> int:
        """Write the masks as a second image, one for all frames if they are the same; return their number."""
        masks = self._masks[:1] if len(set(self._masks)) == 1 else self._masks
        try:
            self._planes.append(_unpacked(mask, self._shape) for mask in masks)
        except OSError as error:
            warnings.warn(
                f"the masks are not in {self.path}: {error.strerror}", CellForceWarning, stacklevel=3
            )
            return 0
        return len(masks)

    def _xml(self, n_masks: int) -> bytes:
        """Describe the frames appended so far (or one, where there is none yet)."""
        frames = tuple(self.frames) or (0,)
        shape = (len(frames), 2, *self._shape)
        held = dataclasses.replace(
            self._field, data=np.broadcast_to(np.float32(0), shape), frames=frames, provenance=self.provenance
        )
        images = [_ome_image(held)]
        if n_masks:
            images.append(OmeImage(_MASK, (n_masks, 1, *self._shape), np.uint8, (_MASK,), held.pixel_size))
        return ome_xml(images, (NAMESPACE, record(held, masked=n_masks > 0)))


def write_field(path: str | os.PathLike[str], field: VectorField) -> Path:
    """Write a vector field as OME-TIFF; `read_field` gives back its equal.

    Raises
    ------
    CellForceError
        If it cannot be written there.
    """
    with FieldWriter(
        path,
        quantity=field.quantity,
        unit=field.unit,
        pixel_size=field.pixel_size,
        shape=field.data.shape[2:],
        frame_interval=field.frame_interval,
        name=field.name,
        provenance=field.provenance,
        n_frames=len(field.frames),
    ) as writer:
        for t, frame in enumerate(field.frames):
            writer.append(frame, field.data[t], None if field.mask is None else np.asarray(field.mask[t]))
    return Path(path)


def write_stack(path: str | os.PathLike[str], stack: ImageStack) -> Path:
    """Write an image stack as OME-TIFF, in its own type of number, or float32 where OME has none for it."""
    image = _ome_image(stack)
    return _write_image(path, image, lambda t: stack.data[t])


def write_mask(path: str | os.PathLike[str], mask: Mask, pixel_size: PixelSize | None = None) -> Path:
    """Write a mask as OME-TIFF of 0 and 255."""
    t, y, x = mask.data.shape
    image = OmeImage(_MASK, (t, 1, y, x), np.uint8, (_MASK,), pixel_size)
    return _write_image(path, image, lambda t: mask.frame(t)[None] * np.uint8(255))


def write_scalar(path: str | os.PathLike[str], field: ScalarField) -> Path:
    """Write a scalar field as OME-TIFF; its provenance is a comment annotation."""
    with ScalarWriter(path, field) as writer:
        for t in range(len(field.data)):
            writer.append(field.data[t])
    return Path(path)


def write_table(path: str | os.PathLike[str], table: pd.DataFrame) -> Path:
    """Write a table as CSV in UTF-8, without its index."""
    return files.write_text(path, table.to_csv(index=False, lineterminator="\n"))


class _NothingToKeep(Exception):
    """No frame was written: the temporary file goes."""


def _write_image(
    path: str | os.PathLike[str],
    image: OmeImage,
    frame: Callable[[int], npt.ArrayLike],
) -> Path:
    """Write an image of which `frame` gives the (C, Y, X) array at a time, whole or not at all."""
    xml = ome_xml([image])
    n_bytes = math.prod(image.shape) * np.dtype(image.dtype).itemsize
    with (
        files.atomic_path(path) as temporary,
        PlaneWriter(temporary, image.pixel_size, n_bytes, len(xml)) as planes,
    ):
        for t in range(image.shape[0]):
            planes.append(np.asarray(frame(t)).astype(image.dtype, copy=False))
        planes.finish(xml)
    return Path(path)


def _ome_image(source: VectorField | ImageStack) -> OmeImage:
    return OmeImage(
        source.name,
        source.data.shape,
        storable(source.data.dtype),
        source.channel_names,
        source.pixel_size,
        source.frame_interval,
    )


def _unpacked(mask: bytes, shape: tuple[int, int]) -> npt.NDArray[np.uint8]:
    bits = np.frombuffer(zlib.decompress(mask), np.uint8)
    return np.unpackbits(bits, count=math.prod(shape)).reshape(shape) * np.uint8(255)
