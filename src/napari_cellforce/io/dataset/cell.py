"""Lazy reading of a cell in the authors' layout."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import ImageStack, Mask, PixelSize, VectorField
from napari_cellforce.io.dataset.folders import frame_number, frame_paths
from napari_cellforce.io.dataset.frames import lazy_frames, load_npy
from napari_cellforce.io.dataset.metadata import DatasetMetadata, read_metadata

_U, _F, _MASK, _PROTEINS = [1, 0], [3, 2], 4, 6
"""Channels of a frame: displacement and traction as (y, x), mask, and first protein."""
_NO_METADATA = DatasetMetadata(PixelSize.unknown())


@dataclass(frozen=True)
class MeasuredCell:
    """A cell with measured protein images and tractions.

    Attributes
    ----------
    image : ImageStack
        ``(T, C, Y, X)``, zyxin and, if stored, the other protein.
    traction : VectorField
        ``(T, 2, Y, X)`` in Pa.
    mask : Mask
        ``(T, Y, X)`` bool.
    displacement : VectorField or None
        ``(T, 2, Y, X)`` in µm; None if it was not stored.
    frame_numbers : tuple of T int
        Numbers in the names of the files.
    """

    image: ImageStack
    traction: VectorField
    mask: Mask
    displacement: VectorField | None = None
    frame_numbers: tuple[int, ...] = ()


def read_cell(
    path: str | os.PathLike[str],
    pixel_size: PixelSize | float | None = None,
    *,
    displacement_unit: Literal["µm", "pixel"] = "µm",
) -> MeasuredCell:
    """Open a cell in the authors' layout without loading it: all data are dask arrays.

    Parameters
    ----------
    path : path-like
        The cell's folder, or one frame.
    pixel_size : PixelSize or float, optional
        Pixel size in µm, which the frames do not contain. Default (and for `PixelSize.unknown`): that of the
        metadata file of the data set.
    displacement_unit : {"µm", "pixel"}
        Unit of u in the files. It is not documented: an assumption, recorded in the notes of the image;
        data sets with a metadata file are in µm.

    Raises
    ------
    CellForceError
        Without a pixel size (topic "pixel size"); if there are no frames, or they are damaged or differ.
    """
    metadata = read_metadata(path)
    size = _pixel_size(path, pixel_size, metadata)
    paths = frame_paths(path)
    frames = lazy_frames(paths)
    mask = frames[:, _MASK] != 0
    unit = "µm" if metadata else displacement_unit
    displacement = _displacement(frames, paths[0], size, unit)
    assumed = displacement is not None and not metadata
    assumptions = (f"the unit of the displacements is not documented: taken as {unit}",) if assumed else ()
    interval = (metadata or _NO_METADATA).frame_interval
    return MeasuredCell(
        _image(frames, path, size, metadata or _NO_METADATA, assumptions),
        VectorField(frames[:, _F], "traction", "Pa", size, interval, mask=mask, name=Path(path).stem),
        Mask(mask, source=str(path)),
        displacement,
        tuple(frame_number(frame) for frame in paths),
    )


def read_image(path: str | os.PathLike[str]) -> ImageStack:
    """Open the protein channels of a cell folder or frame; the pixel size is None without a metadata file."""
    metadata = read_metadata(path)
    size = metadata.pixel_size if metadata else None
    return _image(lazy_frames(frame_paths(path)), path, size, metadata or _NO_METADATA)


def _pixel_size(
    path: str | os.PathLike[str], given: PixelSize | float | None, metadata: DatasetMetadata | None
) -> PixelSize:
    size = PixelSize.square(given) if isinstance(given, (int, float)) else given
    if metadata and (size is None or not size.known):
        return metadata.pixel_size
    if size is None:
        raise CellForceError(
            f"{path} does not state its pixel size",
            "traction depends on it",
            "Specify it in µm; the published movies have 0.17 µm.",
            topic=Topic.PIXEL_SIZE,
        )
    return size


def _image(
    frames: Any,
    path: str | os.PathLike[str],
    size: PixelSize | None,
    metadata: DatasetMetadata,
    assumptions: tuple[str, ...] = (),
) -> ImageStack:
    proteins = frames[:, _PROTEINS:]
    names = metadata.proteins[: proteins.shape[1]]
    name = Path(path).stem
    return ImageStack(proteins, names, size, metadata.frame_interval, name, str(path), assumptions)


def _displacement(
    frames: Any, first: Path, size: PixelSize, unit: Literal["µm", "pixel"]
) -> VectorField | None:
    """Return the displacements in µm; None if those of the first frame are all 0, that is, not stored."""
    if not load_npy(first)[_U].any():
        return None
    u = frames[:, _U]
    if unit == "pixel":
        u = u * np.array([size.y, size.x], np.float32)[:, None, None]
    return VectorField(u, "displacement", "µm", size, name=first.parent.name)
