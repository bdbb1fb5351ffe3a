"""Writing of fields, images, masks and tables: atomic, lossless, with units."""

from __future__ import annotations

import math
import os
import warnings
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

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
    ScalarField,
    VectorField,
    to_numpy,
)
from napari_cellforce.io import omezarr
from napari_cellforce.io.field_record import NAMESPACE, record_json
from napari_cellforce.io.ometiff import OmeImage, PlaneWriter, ome_xml, storable
from napari_cellforce.io.partial_writer import BaseFieldWriter
from napari_cellforce.io.paths import ZARR_SUFFIX
from napari_cellforce.io.scalar import ScalarWriter

if TYPE_CHECKING:
    import pandas as pd

_MASK = "mask"
_BYTES_PER_PIXEL = 9
"""Two float32 components and a mask."""
_BYTES_PER_FRAME_NUMBER = 8
_FRAMES_IF_UNKNOWN = 8192


class FieldWriter(BaseFieldWriter):
    """Writes a vector field frame by frame, during its computation.

    A context manager. When the block ends, also by an error or a stop, the frames appended so far become
    a valid OME-TIFF at `path`, which records their indices; without any, no file is created and an existing
    one is not replaced. Memory grows only by about a kilobyte per mask.

    Parameters
    ----------
    path : path-like
        Path of the ``.ome.tif``.
    quantity : {"traction", "displacement"}
    unit : {"Pa", "normalised", "µm"}
    pixel_size : PixelSize
    shape : tuple of int
        Height and width.
    frame_interval : float, optional
        Minutes between frames.
    name : str
    provenance : Provenance, optional
        May be changed, as the attribute `provenance`, until the end of the block.
    n_frames : int, optional
        Number of expected frames; up to 4 GB a classic TIFF is then written, which more programs read.

    Raises
    ------
    CellForceError
        If the disk is full, read-only or not writable for the user. Frames appended before are kept.

    Examples
    --------
    >>> with FieldWriter(path, quantity="traction", unit="Pa", pixel_size=size, shape=(960, 960)) as writer:
    ...     for result in results:
    ...         writer.append(result.frame, result.traction, result.mask)
    """

    _masks: list[bytes]

    def _atomic(self) -> AbstractContextManager[Path]:
        return files.atomic_path(self.path)

    def _begin(self, temporary: Path) -> None:
        self._masks = []
        room = len(self._xml(n_masks=1)) + _BYTES_PER_FRAME_NUMBER * (self._n_frames or _FRAMES_IF_UNKNOWN)
        n_bytes = self._n_frames and self._n_frames * _BYTES_PER_PIXEL * math.prod(self._shape)
        self._planes = PlaneWriter(temporary, self._field.pixel_size, n_bytes, room)

    def _finish(self) -> None:
        self._planes.finish(self._xml(self._append_masks()))

    def _write(self, data: FloatArray, mask: BoolArray | None) -> None:
        self._planes.append(data)
        if mask is not None:
            self._masks.append(zlib.compress(np.packbits(mask).tobytes()))

    def _append_masks(self) -> int:
        """Write the masks as a second image, one for all frames if they are equal; return their number."""
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
        """Return the OME-XML of the frames appended so far (of one frame if none)."""
        held = self._field_so_far()
        images = [_ome_image(held)]
        if n_masks:
            images.append(OmeImage(_MASK, (n_masks, 1, *self._shape), np.uint8, (_MASK,), held.pixel_size))
        return ome_xml(images, (NAMESPACE, record_json(held, masked=n_masks > 0)))


def field_writer(path: str | os.PathLike[str]) -> type[BaseFieldWriter]:
    """Return the writer for a field at `path`: `OmeZarrWriter` for ``.zarr``, else `FieldWriter`."""
    return omezarr.OmeZarrWriter if Path(path).suffix.lower() == ZARR_SUFFIX else FieldWriter


def write_field(path: str | os.PathLike[str], field: VectorField) -> Path:
    """Write a vector field as OME-TIFF, or as OME-Zarr (``.zarr``); `read_field` returns an equal field.

    Raises
    ------
    CellForceError
        If the file cannot be written.
    """
    with field_writer(path).like(path, field, len(field.frames)) as writer:
        for t, frame in enumerate(field.frames):
            writer.append(frame, field.data[t], None if field.mask is None else np.asarray(field.mask[t]))
    return Path(path)


def write_stack(path: str | os.PathLike[str], stack: ImageStack) -> Path:
    """Write an image stack as OME-TIFF in its dtype, or in float32 if OME does not support the dtype.

    As OME-Zarr if `path` ends in ``.zarr``.
    """
    if Path(path).suffix.lower() == ZARR_SUFFIX:
        return omezarr.write_stack(path, stack)
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
    """Write a table as CSV in UTF-8, without the index."""
    return files.write_text(path, table.to_csv(index=False, lineterminator="\n"))


def _write_image(
    path: str | os.PathLike[str],
    image: OmeImage,
    frame: Callable[[int], npt.ArrayLike],
) -> Path:
    """Write an image atomically; `frame` returns the (C, Y, X) array of a time point."""
    xml = ome_xml([image])
    n_bytes = math.prod(image.shape) * np.dtype(image.dtype).itemsize
    with (
        files.atomic_path(path) as temporary,
        PlaneWriter(temporary, image.pixel_size, n_bytes, len(xml)) as planes,
    ):
        for t in range(image.shape[0]):
            planes.append(to_numpy(frame(t)).astype(image.dtype, copy=False))
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
