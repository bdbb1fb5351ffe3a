"""Fields stored as arrays: one file per component (pyTFM, TIFF), saenopy results, the authors' frames."""

from __future__ import annotations

import contextlib
import dataclasses
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import PixelSize, VectorField
from napari_cellforce.io.dataset import is_frame, load_npy, read_cell
from napari_cellforce.io.measured._layout import MeasuredLayout, RealArray
from napari_cellforce.io.paths import format_shape
from napari_cellforce.io.tiff import TiffPlanes

PAIRS = (("tx.npy", "ty.npy"), ("u.npy", "v.npy"))
"""File names in pyTFM of the x and y components of traction (Pa) and displacement (pixels)."""


def other_component(path: Path) -> Path | None:
    """Return the file of the other component of a pyTFM pair."""
    for pair in PAIRS:
        for this, other in (pair, pair[::-1]):
            found = path.with_name(path.name.removesuffix(this) + other)
            if path.name.endswith(this) and found.exists():
                return found
    return None


def is_traction(path: Path) -> bool | None:
    """Return from its name whether a pyTFM file contains traction; None for other names."""
    for pair, traction in zip(PAIRS, (True, False), strict=True):
        if path.name.endswith(pair):
            return traction
    return None


def read_pair(first: Path, second: Path) -> RealArray:
    """Return ``(T, 2, Y, X)`` from the files of the first and second component.

    Raises
    ------
    CellForceError
        If they differ in shape, or have too many axes.
    """
    parts = [_values(path) for path in (first, second)]
    shapes = [format_shape(part.shape) for part in parts]
    if parts[0].shape != parts[1].shape:
        raise CellForceError(
            f"{first.name} holds {shapes[0]} values, {second.name} {shapes[1]}",
            "both components must be on one grid",
            "Choose two files of the same field.",
            topic=Topic.INPUT,
        )
    if parts[0].ndim not in (2, 3) or min(parts[0].shape) < 1:
        raise CellForceError(
            f"{first.name} holds {shapes[0]} values",
            "a component is (Y, X) or (T, Y, X)",
            "Export one file per component.",
            topic=Topic.INPUT,
        )
    stacked: RealArray = np.stack([part.reshape(-1, *part.shape[-2:]) for part in parts], axis=1)
    return stacked


def _values(path: Path) -> RealArray:
    if path.suffix.lower() == ".npy":
        return np.asarray(load_npy(path), dtype=np.float64)
    with contextlib.closing(TiffPlanes(path)) as planes:
        return np.asarray(planes[...], dtype=np.float64)


SAENOPY = ".saenopy2d"


def is_authors(path: Path) -> bool:
    """Return whether a file is a frame in the authors' layout, or a folder contains one."""
    if path.is_dir():
        path = next(iter(sorted(path.glob("*.npy"))), path)
    return path.suffix.lower() == ".npy" and is_frame(path)


def read_authors(path: Path, layout: MeasuredLayout) -> VectorField:
    """Return the traction of a frame or cell in the authors' layout; the displacement if its unit is given.

    Raises
    ------
    CellForceError
        Without a pixel size, or if the displacement is requested but was not stored.
    """
    size = None if layout.pixel_size is None else PixelSize.square(layout.pixel_size, "typed")
    in_pixels = layout.unit is not None and layout.quantity(layout.unit)[0] == "displacement"
    cell = read_cell(path, size, displacement_unit="pixel" if layout.unit == "px" else "µm")
    field = cell.displacement if in_pixels else cell.traction
    if field is None:
        raise CellForceError(
            f"{path.name} contains no displacement",
            "all of its displacement channels are 0: only the traction was stored",
            "Do not specify a unit, to open the traction.",
            topic=Topic.UNIT,
        )
    given = dataclasses.replace(layout, swap=not layout.swap)  # y is first already
    turned = given.turned(np.moveaxis(np.asarray(field.data), 1, 0))
    return dataclasses.replace(field, data=np.moveaxis(turned, 0, 1).astype(np.float32))


def read_saenopy(path: Path, layout: MeasuredLayout) -> tuple[RealArray, str, float, float]:
    """Return vectors (x, y), their unit, the grid spacing and the pixel size of a saenopy 2-D result.

    According to its public source (``saenopy/gui/tfm2d/modules/result.py``): an npz with ``u``, ``v`` in
    pixels, ``tx``, ``ty`` in Pa, ``pixel_size`` in µm, and the shape of the image; missing entries are
    ``"__NONE__"``. The traction is returned, unless the unit of the layout is one of displacement.

    Raises
    ------
    CellForceError
        If it is not such a file, or the requested field was not computed.
    """
    entries = _npz(path)
    size = float(entries["pixel_size"])
    known = dataclasses.replace(layout, pixel_size=size)
    requested = None if layout.unit is None else known.quantity(layout.unit)[0]
    names = ("u", "v") if requested == "displacement" or not _computed(entries, "tx") else ("tx", "ty")
    if (requested == "traction" and names == ("u", "v")) or not _computed(entries, names[0]):
        raise CellForceError(
            f"{path.name} has no {requested or 'displacement'}",
            "the file contains only the fields computed by saenopy",
            "Compute it in saenopy and save again, or choose another unit.",
            topic=Topic.UNIT,
        )
    vectors = np.stack([np.asarray(entries[name], dtype=np.float64) for name in names])
    height = entries["shape/0"] if "shape/0" in entries else np.ravel(entries["shape"])[0]
    return vectors, "px" if names[0] == "u" else "Pa", float(height) / vectors.shape[1] * size, size


def _npz(path: Path) -> dict[str, Any]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            entries = {name: archive[name] for name in archive.files}
        float(entries["pixel_size"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise CellForceError(
            f"{path.name} cannot be read ({error})",
            "it must be a 2-D result of saenopy",
            "Save it again.",
            topic=Topic.INPUT,
        ) from error
    return entries


def _computed(entries: dict[str, Any], name: str) -> bool:
    return name in entries and np.asarray(entries[name]).ndim == 2
