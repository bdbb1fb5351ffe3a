"""Reading of images and masks in the formats of microscopes, Fiji and the authors."""

from __future__ import annotations

import contextlib
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_cellforce.errors import CellForceError, CellForceWarning, Topic
from napari_cellforce.fields import ImageStack, Mask, ZChoice
from napari_cellforce.io import bioio_reader, frame_folder, omezarr, tiff
from napari_cellforce.io.dataset import is_dataset, load_npy, read_image
from napari_cellforce.io.field import refuse_field
from napari_cellforce.io.paths import VENDOR_SUFFIXES, existing_path, format_shape, split
from napari_cellforce.io.raw_image import RawImage
from napari_cellforce.io.tiff import TiffPlanes

_MOST_LABELS = 50


def read(path: str | os.PathLike[str], *, z: ZChoice = None) -> ImageStack:
    """Open a movie without loading it.

    Parameters
    ----------
    path : path-like
        TIFF, OME-TIFF, ImageJ hyperstack; OME-Zarr; a folder with one TIFF per frame; ``.nd2``, ``.czi`` or
        ``.lif``, if bioio and its package for the format are installed; a frame (``.npy``) or cell folder in
        the authors' layout. One of several images in a file is ``movie.lif/2``, see `images_in`.
    z : "max", int or None
        Maximum projection, or the index of one plane, for files with several planes.

    Returns
    -------
    ImageStack
        ``(T, C, Y, X)``, a dask array with one chunk per plane; pixel size (µm) and frame interval (minutes)
        are None if the file does not state them. ``notes`` describes conversions and omissions.

    Raises
    ------
    CellForceError
        If the file is missing, incomplete, not an image or a colour image, has several planes and no `z`
        (topic "z"), or contains several images of which none is chosen.
    """
    path = existing_path(path)
    if path.suffix.lower() == ".npy" or (path.is_dir() and not omezarr.is_zarr(path) and is_dataset(path)):
        return read_image(path)
    refuse_field(split(path)[0])
    return _raw_image(path).stack(z)


def images_in(path: str | os.PathLike[str]) -> tuple[Path, ...]:
    """Return the images in a file or folder, each as a path for `read`.

    Usually this is `path` itself; for an OME-TIFF with several series, an OME-Zarr with several images or a
    ``.lif`` with several positions it is one path for each, ``movie.lif/0``, ``movie.lif/1`` and so on.

    Raises
    ------
    CellForceError
        If it cannot be opened.
    """
    path = existing_path(path)
    if split(path)[1]:
        return (path,)
    if path.suffix.lower() in VENDOR_SUFFIXES:
        return bioio_reader.images_in(path)
    if omezarr.is_zarr(path):
        return omezarr.images_in(path)
    if path.is_dir() or path.suffix.lower() == ".npy":
        return (path,)
    return tiff.images_in(path)


def _raw_image(path: Path) -> RawImage:
    """Open an image of any format except the authors' layout."""
    container, _ = split(path)
    if container.suffix.lower() in VENDOR_SUFFIXES:
        return bioio_reader.open_image(path)
    if omezarr.is_zarr(path):
        return omezarr.open_image(path)
    if path.is_dir():
        return frame_folder.open_image(path)
    return tiff.open_image(path)


def read_mask(
    path: str | os.PathLike[str],
    *,
    shape: tuple[int, int],
    frames: int,
    label: int | None = None,
    every_frame: bool = False,
) -> Mask:
    """Read the mask of a cell from a TIFF, OME-Zarr or ``.npy``; 0 is background.

    Parameters
    ----------
    path : path-like
        ``(Y, X)``, which applies to all frames, or ``(T, Y, X)``.
    shape : tuple of int
        Height and width of the image it belongs to.
    frames : int
        Number of frames of that image.
    label : int, optional
        Label of the cell in a label image; by default all pixels other than 0 belong to the cell.
    every_frame : bool
        Frames without a mask take that of the nearest frame; see `Mask.in_every_frame`.

    Returns
    -------
    Mask

    Raises
    ------
    CellForceError
        With topic "mask", if it does not match the image, or is empty.

    Warns
    -----
    CellForceWarning
        If it has several labels of which none is chosen, or frames take the mask of another frame.
    """
    path = existing_path(path)
    values = _mask_values(path)
    _check_fit(values, path.name, shape, frames)
    inside = np.nan_to_num(values) != 0 if label is None else values == label
    if not inside.any():
        raise _empty_mask(values, path.name, label)
    if label is None:
        _warn_of_labels(values, path.name)
    mask = Mask(inside.reshape(-1, *shape), source=str(path))
    return mask.in_every_frame() if every_frame else mask


def _mask_values(path: Path) -> npt.NDArray[Any]:
    """Read all values, without axes of length 1."""
    if path.suffix.lower() == ".npy":
        return np.squeeze(np.asarray(load_npy(path)))
    if omezarr.is_zarr(path):
        return np.squeeze(np.asarray(omezarr.open_image(path).data[...]))
    with contextlib.closing(TiffPlanes(path)) as planes:
        return planes[...]


def _check_fit(values: npt.NDArray[Any], name: str, shape: tuple[int, int], frames: int) -> None:
    if values.shape in ((*shape, 3), (*shape, 4)):
        raise CellForceError(
            f"the mask {name} is a colour (RGB) image",
            "a mask has one value per pixel",
            "In Fiji use Image > Type > 8-bit, and save it.",
            topic=Topic.MASK,
        )
    if values.shape[-2:] != shape or values.ndim > 3:
        raise CellForceError(
            f"the mask {name} is {format_shape(values.shape)} pixels",
            f"the image is {format_shape(shape)}",
            "Choose the mask of this image.",
            topic=Topic.MASK,
        )
    if values.ndim == 3 and values.shape[0] not in (1, frames):
        raise CellForceError(
            f"the mask {name} has {values.shape[0]} frames",
            f"the image has {frames}",
            f"Provide one mask for all frames, or {frames} masks.",
            topic=Topic.MASK,
        )


def _warn_of_labels(values: npt.NDArray[Any], name: str) -> None:
    """Warn if several labels are taken as one cell; many values are a blurred edge instead."""
    labels = np.unique(values[values != 0]) if values.dtype.kind in "iu" else np.empty(0)
    if 2 <= len(labels) <= _MOST_LABELS:
        listed = ", ".join(str(label) for label in labels[:5]) + (" ..." if len(labels) > 5 else "")
        warnings.warn(
            f"the mask {name} has the labels {listed}: all are taken as one cell. Choose one label.",
            CellForceWarning,
            stacklevel=4,
        )


def _empty_mask(values: npt.NDArray[Any], name: str, label: int | None) -> CellForceError:
    present = np.unique(values[values != 0])
    if label is None or not present.size:
        found, remedy = "is 0 everywhere", "Draw the cell, or choose another mask."
    else:
        listed = ", ".join(str(n) for n in present[:20])
        found, remedy = f"has no pixel of value {label}", f"Choose one of its values: {listed}."
    return CellForceError(f"the mask {name} {found}", "it must mark the cell", remedy, topic=Topic.MASK)
