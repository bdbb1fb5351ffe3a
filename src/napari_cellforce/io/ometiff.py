"""OME-TIFF files written plane by plane; on failure, the planes written before remain valid."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

from napari_cellforce import __version__
from napari_cellforce.fields import PixelSize
from napari_cellforce.io.tiff import silence_tifffile

_CLASSIC_LIMIT = 4_000_000_000
"""Limit in bytes; a classic TIFF ends at 2**32, and deflate may lengthen incompressible data."""

_STORABLE = {"int8", "int16", "int32", "uint8", "uint16", "uint32", "float32", "float64"}
_ILLEGAL_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class OmeImage:
    """OME-XML metadata of one image in a file.

    Attributes
    ----------
    name : str
    shape : (T, C, Y, X)
    dtype : numpy dtype
    channel_names : tuple of C str
    pixel_size : PixelSize or None
    frame_interval : float or None
        Minutes between frames.
    """

    name: str
    shape: tuple[int, int, int, int]
    dtype: npt.DTypeLike
    channel_names: tuple[str, ...]
    pixel_size: PixelSize | None = None
    frame_interval: float | None = None

    @property
    def attributes(self) -> dict[str, Any]:
        """OME attributes of the image and its pixels."""
        entries: dict[str, Any] = {"Name": _xml_safe(self.name)}
        entries["Channel"] = {"Name": [_xml_safe(name) for name in self.channel_names]}
        if self.pixel_size is not None:
            for axis, micron in (("X", self.pixel_size.x), ("Y", self.pixel_size.y)):
                entries |= {f"PhysicalSize{axis}": float(micron), f"PhysicalSize{axis}Unit": "µm"}
        if self.frame_interval is not None:
            entries |= {"TimeIncrement": float(self.frame_interval), "TimeIncrementUnit": "min"}
        return entries


def ome_xml(images: Sequence[OmeImage], annotation: tuple[str, str] | None = None) -> bytes:
    """Return the OME-XML of the images of a file, whose planes are ordered with C fastest.

    Parameters
    ----------
    images : sequence of OmeImage
    annotation : (namespace, text), optional
        Stored as a comment annotation of the first image.

    Returns
    -------
    bytes
        OME-XML (2016-06) in UTF-8, without the optional random identifier of tifffile, so that equal
        content gives equal files.
    """
    xml = tifffile.OmeXml(Creator=f"napari-cellforce {__version__}")
    comment: dict[str, Any] = {}
    if annotation is not None:
        comment = {"CommentAnnotation": {"Namespace": annotation[0], "Value": annotation[1]}}
    for image in images:
        t, c, y, x = image.shape
        xml.addimage(
            image.dtype, image.shape, (t * c, 1, 1, y, x, 1), axes="TCYX", **image.attributes, **comment
        )
        comment = {}
    return re.sub(' UUID="[^"]*"', "", xml.tostring(declaration=True), count=1).encode()


def storable(dtype: npt.DTypeLike) -> np.dtype[Any]:
    """Return `dtype` if OME-TIFF supports it, else float32."""
    dtype = np.dtype(dtype)
    return dtype if dtype.name in _STORABLE else np.dtype(np.float32)


class PlaneWriter:
    """Appends planes to a TIFF whose number of planes is not known in advance.

    Every call of `append` is atomic: if it fails, the file is truncated to its previous content and can
    still be finished (or appended to again).

    Parameters
    ----------
    path : path-like
        File that may be overwritten; use `files.atomic_path`.
    pixel_size : PixelSize or None
        Pixel size for the resolution tags, which programs without OME support read.
    n_bytes : int or None
        Expected size, uncompressed; above 4 GB, or if unknown, a BigTIFF is written.
    description_bytes : int
        Space reserved for the description, so that it can be written even on a full disk.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        pixel_size: PixelSize | None,
        n_bytes: int | None,
        description_bytes: int,
    ) -> None:
        self._path = Path(path)
        self._bigtiff = not n_bytes or n_bytes > _CLASSIC_LIMIT
        self._resolution = _resolution(pixel_size)
        self._description_bytes = description_bytes
        self._n_planes = 0
        self._size = 0
        self._tiff: tifffile.TiffWriter | None = None

    def __enter__(self) -> PlaneWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def append(self, planes: Iterable[npt.NDArray[Any]]) -> None:
        """Write (Y, X) planes, all or none."""
        n_planes = 0
        try:
            for plane in planes:
                self._write(plane, first=self._n_planes + n_planes == 0)
                n_planes += 1
        except BaseException:
            self._truncate()
            raise
        self._n_planes += n_planes
        self._size = self._path.stat().st_size

    def finish(self, description: bytes) -> None:
        """Close the file and write its description."""
        self._close()
        tifffile.tiffcomment(self._path, comment=description)

    def _write(self, plane: npt.NDArray[Any], *, first: bool) -> None:
        if self._tiff is None:
            self._tiff = tifffile.TiffWriter(
                self._path, bigtiff=self._bigtiff and first, append=not first, ome=False, shaped=False
            )
        self._tiff.write(
            plane,
            photometric="minisblack",
            compression="zlib",
            contiguous=False,
            metadata=None,
            software=False,
            description=b" " * self._description_bytes if first else None,
            **self._resolution,
        )

    def _close(self) -> None:
        if self._tiff is not None:
            self._tiff.close()
            self._tiff = None

    def _truncate(self) -> None:
        """Discard everything written since the last complete `append`, and end the chain of pages there."""
        with contextlib.suppress(OSError):
            self._close()
        self._tiff = None
        os.truncate(self._path, self._size)
        if self._size == 0:
            return
        with silence_tifffile(), tifffile.TiffFile(self._path, mode="r+") as tiff:
            end = tiff.pages.next_page_offset
            assert end is not None
            tiff.filehandle.seek(end)
            tiff.filehandle.write(bytes(tiff.tiff.offsetsize))


def _resolution(pixel_size: PixelSize | None) -> dict[str, Any]:
    """Return the resolution for the TIFF: pixels per centimetre along x and y."""
    if pixel_size is None:
        return {}
    return {"resolution": (1e4 / pixel_size.x, 1e4 / pixel_size.y), "resolutionunit": "CENTIMETER"}


def _xml_safe(text: str) -> str:
    """Replace characters that are illegal in XML: control characters and surrogates."""
    return _ILLEGAL_IN_XML.sub("\ufffd", text)
