"""Scalar fields as OME-TIFF: writing frame by frame, and reading."""

from __future__ import annotations

import json
import os
import re
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np

from napari_cellforce import files
from napari_cellforce.fields import FloatArray, Provenance, ScalarField
from napari_cellforce.io.field_record import not_a_field_error
from napari_cellforce.io.ometiff import OmeImage, PlaneWriter, ome_xml
from napari_cellforce.io.partial_writer import PartialWriter
from napari_cellforce.io.paths import existing_path
from napari_cellforce.io.tiff import TiffPlanes, closed_on_error, description
from napari_cellforce.io.tiff_metadata import annotation

SCALAR_NAMESPACE = "napari-cellforce/scalar"
"""Namespace of the OME comment annotation with the provenance of a scalar field."""


class ScalarWriter(PartialWriter):
    """Writer of a scalar field; a context manager like `napari_cellforce.io.FieldWriter`.

    When the block ends, also by an error or a stop, the frames appended so far become a valid OME-TIFF
    at `path`; without any, no file is created. Memory does not grow with the number of frames.

    Parameters
    ----------
    path : path-like
        Path of the ``.ome.tif``.
    like : ScalarField
        Provides name, unit, pixel size, frame interval, provenance, (Y, X), and T expected frames.

    Raises
    ------
    CellForceError
        If the disk is full, read-only or not writable for the user.
    """

    def __init__(self, path: str | os.PathLike[str], like: ScalarField) -> None:
        self.path = Path(path)
        self._like = like
        self._n_written = 0

    def _atomic(self) -> AbstractContextManager[Path]:
        return files.atomic_path(self.path)

    def _begin(self, temporary: Path) -> None:
        frames, height, width = self._like.data.shape
        n_bytes, room = 4 * frames * height * width, len(self._xml(frames))
        self._planes = PlaneWriter(temporary, self._like.pixel_size, n_bytes, room)

    def _finish(self) -> None:
        self._planes.finish(self._xml(self._written))

    @property
    def _written(self) -> int:
        return self._n_written

    def append(self, data: FloatArray) -> None:
        """Write one frame, ``(Y, X)`` in the unit of the field, atomically."""
        with files.disk_errors(self.path):
            self._planes.append([np.asarray(data, dtype=np.float32)])
        self._n_written += 1

    def _xml(self, frames: int) -> bytes:
        return ome_xml(*scalar_description(self._like, frames))


def scalar_description(like: ScalarField, frames: int) -> tuple[list[OmeImage], tuple[str, str]]:
    """Return the OME metadata of a scalar field with `frames` frames: the image, and its annotation."""
    name = f"{like.name} [{like.unit}]" if like.unit else like.name
    height, width = like.data.shape[1:]
    shape = (frames, 1, height, width)
    image = OmeImage(like.name, shape, np.float32, (name,), like.pixel_size, like.frame_interval)
    return [image], (SCALAR_NAMESPACE, json.dumps(json.loads(like.provenance.to_json())))


def is_scalar(path: str | os.PathLike[str]) -> bool:
    """Return whether a file is a scalar field written by this package; reads only its metadata."""
    return Path(path).is_file() and SCALAR_NAMESPACE in description(path)


def read_scalar(path: str | os.PathLike[str]) -> ScalarField:
    """Open a scalar field written by this package, such as an uncertainty, without loading it.

    Returns
    -------
    ScalarField
        ``(T, Y, X)`` float32, a dask array.

    Raises
    ------
    CellForceError
        If the file is missing, incomplete, or not written by this package.
    """
    with closed_on_error(TiffPlanes(existing_path(path))) as planes:
        entries = annotation(planes.tiff, SCALAR_NAMESPACE)
        stack = planes.raw_image().stack()
        if entries is None or stack.pixel_size is None:
            raise not_a_field_error(planes.path)
        provenance = Provenance.from_json(json.dumps(entries))
        name, unit = _name_and_unit(stack.channel_names[0])
        return ScalarField(stack.data[:, 0], name, unit, stack.pixel_size, stack.frame_interval, provenance)


def _name_and_unit(channel: str) -> tuple[str, str]:
    """Split the channel name of `scalar_description` into name and unit."""
    found = re.fullmatch(r"(.*?)(?: \[([^\[\]]+)\])?", channel, re.DOTALL)
    return (found[1], found[2] or "") if found else (channel, "")
