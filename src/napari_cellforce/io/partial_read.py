"""Reading the complete frames of a movie that is still being written."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import struct
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
import tifffile

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import ImageStack, ZChoice
from napari_cellforce.io import frame_folder, omezarr, tiff_metadata
from napari_cellforce.io.paths import TIFF_SUFFIXES
from napari_cellforce.io.raw_image import RawImage
from napari_cellforce.io.read import read
from napari_cellforce.io.tiff import metadata_is_lost, silence_tifffile


def read_partial(path: str | os.PathLike[str], *, z: ZChoice = None) -> ImageStack:
    """Open the complete frames of a movie; parameters as for `napari_cellforce.io.read`.

    A TIFF may end in the middle of a page, with a description that announces more pages; in a folder of
    frames the last frame may lack a channel; an OME-Zarr may have been allocated for frames that are not
    written yet. The data of the newest frame may be incomplete: wait until the file no longer changes if
    this matters.

    Raises
    ------
    CellForceError
        If no frame can be opened.
    """
    path = Path(path)
    if omezarr.is_zarr(path):
        stack = read(path, z=z)
        return _first_frames(stack, omezarr.written_frames(path))
    if path.is_dir():
        return frame_folder.open_frames(frame_folder.frame_files(path).without_incomplete_frame()).stack(z)
    try:
        return read(path, z=z)
    except CellForceError as error:
        pages = _complete_pages(path) if path.suffix.lower() in TIFF_SUFFIXES else None
        if pages is None:
            raise error
        return pages.stack(z)


def _first_frames(stack: ImageStack, n_frames: int) -> ImageStack:
    if n_frames >= stack.n_frames:
        return stack
    if n_frames == 0:
        raise CellForceError(
            f"{stack.path} has no frame yet",
            "at least one frame must have been written",
            "Wait for the first frame.",
            topic=Topic.INPUT,
        )
    return dataclasses.replace(stack, data=stack.data[:n_frames])


class _Pages:
    """The complete pages of a TIFF that is being written, as (T, Z, C, Y, X) or (T, C, Z, Y, X)."""

    def __init__(self, path: Path, inner: tuple[int, int], pages: int, page: tifffile.TiffPage) -> None:
        self.path = path
        self.shape = (pages // (inner[0] * inner[1]), *inner, *page.shape)
        self.ndim = len(self.shape)
        self.dtype = page.dtype

    def __getitem__(self, key: tuple[slice, ...]) -> npt.NDArray[Any]:
        selected = np.arange(int(np.prod(self.shape[:3]))).reshape(self.shape[:3])[key[:3]]
        with silence_tifffile(), tifffile.TiffFile(self.path) as tiff:
            pages = [tiff.pages[int(index)].asarray()[key[3:]] for index in selected.ravel()]
        return np.stack(pages).reshape(*selected.shape, *pages[0].shape)


def _complete_pages(path: Path) -> RawImage | None:
    """Open the complete pages of a TIFF; None if there is no complete frame."""
    try:
        with silence_tifffile(), tifffile.TiffFile(path) as tiff:
            if metadata_is_lost(tiff):  # the axes are defined at the end of the file
                return None
            axes, inner = _page_order(tiff)
            planes = _Pages(path, inner, _count_complete_pages(tiff), tiff.pages.first)
            described = (
                tiff_metadata.channel_names(tiff, dict(zip(axes, inner, strict=False)).get("C", 1)),
                tiff_metadata.pixel_size(tiff),
                tiff_metadata.frame_interval(tiff),
            )
    except Exception:  # tifffile raises various errors on incomplete files; the caller reports the problem
        return None
    if not planes.shape[0] or len(planes.shape) != 5:
        return None
    return RawImage(path, planes, f"T{axes}YX", *described)


def _count_complete_pages(tiff: tifffile.TiffFile) -> int:
    """Return the number of complete pages, from the first, with the same shape and dtype."""
    first, size = tiff.pages.first, tiff.filehandle.size
    count = 0
    with contextlib.suppress(IndexError, tifffile.TiffFileError, struct.error):  # incomplete header
        while True:
            page = tiff.pages[count]
            whole = bool(page.dataoffsets) and page.dataoffsets[-1] + page.databytecounts[-1] <= size
            if not whole or page.shape != first.shape or page.dtype != first.dtype:
                break
            count += 1
    return count


def _page_order(tiff: tifffile.TiffFile) -> tuple[str, tuple[int, int]]:
    """Return the axes of a frame, slowest first, and their lengths; pages must be ordered by time."""
    if tiff.ome_metadata:
        pixels = ElementTree.fromstring(tiff.ome_metadata).find("{*}Image/{*}Pixels")
        if pixels is None or not pixels.get("DimensionOrder", "").endswith("T"):
            raise ValueError("pages are not ordered by time")
        axes = pixels.get("DimensionOrder", "")[3:1:-1]
        first, second = (int(pixels.get(f"Size{axis}", 1)) for axis in axes)
        return axes, (first, second)
    imagej = tiff.imagej_metadata or {}
    return "ZC", (int(imagej.get("slices", 1)), int(imagej.get("channels", 1)))
