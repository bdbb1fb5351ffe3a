"""TIFF files as arrays, read plane by plane on demand."""

from __future__ import annotations

import contextlib
import logging
import os
import struct
import weakref
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.io import tiff_metadata
from napari_cellforce.io.paths import TIFF_SUFFIXES, existing_path, several_images_error, split
from napari_cellforce.io.raw_image import RawImage

_silenced: ContextVar[bool] = ContextVar("quiet", default=False)
"""State of this thread; the level of a logger would apply to all threads."""


@contextlib.contextmanager
def silence_tifffile() -> Iterator[None]:
    """Suppress the log messages of tifffile in this block."""
    token = _silenced.set(True)
    try:
        yield
    finally:
        _silenced.reset(token)


def _is_allowed(record: logging.LogRecord) -> bool:
    del record
    return not _silenced.get()


tifffile.logger().addFilter(_is_allowed)


SUFFIXES = TIFF_SUFFIXES
"""Suffixes of the files read by this module."""

_METADATA_TAGS = (270, 282, 283, 50838, 50839)
"""ImageDescription, X and YResolution, ImageJ metadata; tifffile omits tags it cannot read."""


class TiffPlanes:
    """One image series of a TIFF, read when indexed; usable as an array by dask.

    The file stays open during the lifetime of this object (or of an array created from it). The object can
    be pickled: the copy opens the file again.

    Parameters
    ----------
    path : path-like
    series : int
        Index of the image in the file.

    Attributes
    ----------
    path : Path
    tiff : tifffile.TiffFile
        Open file, for reading metadata.
    n_series : int
        Number of images in the file.
    axes : str
        One letter per axis, as named by tifffile; axes of length 1 are omitted.
    shape, dtype, ndim
        Attributes of an array.

    Raises
    ------
    CellForceError
        If the file is missing, empty, truncated or not a TIFF, or does not contain `series`.
    """

    def __init__(self, path: str | os.PathLike[str], series: int = 0) -> None:
        self.path = Path(path)
        self._index = series
        self.tiff = _open(self.path)
        self._close = weakref.finalize(self, self.tiff.close)
        try:
            with _unreadable(self.path):
                self._read_layout(series)
        except CellForceError:
            self.close()
            raise

    def _read_layout(self, index: int) -> None:
        import zarr  # takes 0.4 s to load, and is needed only here

        series = _series(self.tiff, index)
        _check_complete(self.tiff, series)
        self.n_series = len(self.tiff.series)
        self.axes = series.axes
        self.shape = tuple(int(n) for n in series.shape)
        self.ndim = len(self.shape)
        self.dtype = np.dtype(series.dtype)
        self._array: Any = zarr.open(series.aszarr(level=0, chunkmode="page"), mode="r")

    def __getitem__(self, key: Any) -> npt.NDArray[Any]:
        with _unreadable(self.path):
            return np.asarray(self._array[key])

    def __reduce__(self) -> tuple[Any, ...]:
        return TiffPlanes, (self.path, self._index)

    def close(self) -> None:
        """Close the file; nothing more can be read."""
        self._close()

    def raw_image(self, path: Path | None = None) -> RawImage:
        """Return the image with the metadata of the file; `path` is the path shown to the user."""
        lengths = dict(zip(self.axes, self.shape, strict=True))
        n_channels = lengths.get("C", lengths.get("S", 1))
        return RawImage(
            path or self.path,
            self,
            self.axes,
            tiff_metadata.channel_names(self.tiff, n_channels, self._index),
            tiff_metadata.pixel_size(self.tiff, self._index),
            tiff_metadata.frame_interval(self.tiff, self._index),
        )


@contextlib.contextmanager
def closed_on_error(planes: TiffPlanes) -> Iterator[TiffPlanes]:
    """Close the file if the block fails; otherwise it stays open for later reading."""
    try:
        yield planes
    except BaseException:
        planes.close()
        raise


def open_image(path: Path) -> RawImage:
    """Open the image of a TIFF, or one of several by its own path (``movie.ome.tif/1``).

    Raises
    ------
    CellForceError
        If the file is damaged, or contains several images of which none is chosen.
    """
    file, which = split(path)
    with closed_on_error(TiffPlanes(file, int(which or 0))) as planes:
        if planes.n_series > 1 and not which:
            raise several_images_error(file, _images(planes.tiff))
        return planes.raw_image(path)


def images_in(path: Path) -> tuple[Path, ...]:
    """Return the paths of all images in a TIFF: the file itself, or one path per image.

    Raises
    ------
    CellForceError
        If it cannot be opened.
    """
    with contextlib.closing(TiffPlanes(path)) as planes:
        if planes.n_series == 1:
            return (path,)
        return tuple(path / which for which in _images(planes.tiff))


def description(path: str | os.PathLike[str]) -> str:
    """Return the description of the first page; empty if there is none or the file is not a TIFF."""
    try:
        with silence_tifffile(), tifffile.TiffFile(path) as tiff:
            return str(tiff.pages.first.description)
    except Exception:  # tifffile raises various errors on damaged files; opening the image reports them
        return ""


def _open(path: Path) -> tifffile.TiffFile:
    existing_path(path)
    try:
        with _unreadable(path):
            tiff = tifffile.TiffFile(path)
            if not _is_written_page_by_page(tiff):
                return tiff
            tiff.close()
            return tifffile.TiffFile(path, is_shaped=False)
    except CellForceError as error:
        if not isinstance(error.__cause__, tifffile.TiffFileError):
            raise
        raise CellForceError(
            f"{path} is not a TIFF file",
            "images are read from TIFF, OME-TIFF and ImageJ files",
            "Open it in Fiji and save it as TIFF (File > Save As > Tiff...).",
            topic=Topic.INPUT,
        ) from error


def _is_written_page_by_page(tiff: tifffile.TiffFile) -> bool:
    """Return whether tifffile reads every page as a separate image because it wrote them one by one."""
    if not tiff.is_shaped or len(tiff.series) == 1:
        return False
    kinds = {(series.shape, series.dtype) for series in tiff.series}
    return len(kinds) == 1 and len(tiff.series[0].shape) == 2


def _images(tiff: tifffile.TiffFile) -> dict[str, str]:
    return {str(index): name for index, name in enumerate(tiff_metadata.series_names(tiff))}


def _series(tiff: tifffile.TiffFile, index: int) -> tifffile.TiffPageSeries:
    if not tiff.series:
        raise CellForceError(
            f"{tiff.filehandle.path} contains no image",
            "a TIFF must have at least one page",
            "Copy or export it again.",
            topic=Topic.INPUT,
        )
    if index >= len(tiff.series):
        raise CellForceError(
            f"image {index} is not in {tiff.filehandle.path}",
            f"it contains {len(tiff.series)}, counted from 0",
            "Choose one of these.",
            topic=Topic.INPUT,
        )
    return tiff.series[index]


def _check_complete(tiff: tifffile.TiffFile, series: tifffile.TiffPageSeries) -> None:
    """Refuse truncated files, by comparing offsets: nothing is decoded."""
    size = tiff.filehandle.size
    if series.dataoffset is not None:
        missing = series.dataoffset + series.nbytes > size
    else:
        pages = [page for page in series.pages if page is not None]
        own = [page for page in pages if page.parent is tiff and page.dataoffsets]
        ends = (page.dataoffsets[-1] + page.databytecounts[-1] for page in own)
        missing = len(pages) < len(series.pages) or any(end > size for end in ends)
    if missing or _chain_is_broken(tiff) or metadata_is_lost(tiff):
        raise CellForceError(
            f"{tiff.filehandle.path} is incomplete (part of it is missing)",
            "a file must contain all planes that it declares",
            "If it is still being recorded or copied, wait; otherwise copy it again with all its files. "
            "If it opens completely in Fiji, save it from there.",
            topic=Topic.INPUT,
        )


def _chain_is_broken(tiff: tifffile.TiffFile) -> bool:
    """Return whether the last page refers to a further page beyond the end of the file."""
    position = tiff.pages.next_page_offset
    if position is None:
        return False
    tiff.filehandle.seek(position)
    pointer = tiff.filehandle.read(tiff.tiff.offsetsize)
    return len(pointer) < tiff.tiff.offsetsize or any(pointer)


def metadata_is_lost(tiff: tifffile.TiffFile) -> bool:
    """Return whether the first page declares a description or resolution beyond the end of the file."""
    page, layout = tiff.pages.first, tiff.tiff
    tiff.filehandle.seek(page.offset)
    (n_tags,) = struct.unpack(layout.tagnoformat, tiff.filehandle.read(layout.tagnosize))
    entries = tiff.filehandle.read(n_tags * layout.tagsize)
    starts = range(0, len(entries), layout.tagsize)
    announced = {struct.unpack_from(f"{layout.byteorder}H", entries, start)[0] for start in starts}
    return any(code in announced and code not in page.tags for code in _METADATA_TAGS)


@contextlib.contextmanager
def _unreadable(path: Path) -> Iterator[None]:
    """Convert any exception of tifffile and its codecs on damaged files into a `CellForceError`."""
    try:
        with silence_tifffile():
            yield
    except CellForceError:
        raise
    except Exception as error:
        raise CellForceError(
            f"{path} cannot be read ({type(error).__name__}: {error})",
            "its planes must be intact and in a supported compression",
            "Copy it again, or open it in Fiji and save it as TIFF.",
            topic=Topic.INPUT,
        ) from error
