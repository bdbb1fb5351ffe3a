"""Vectors on a grid in two files, one a component: ``.npy`` of pyTFM, and TIFF."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np

from napari_cellforce.errors import CellForceError
from napari_cellforce.io.dataset import load_npy
from napari_cellforce.io.measured._layout import RealArray
from napari_cellforce.io.paths import times
from napari_cellforce.io.tiff import TiffPlanes

PAIRS = (("tx.npy", "ty.npy"), ("u.npy", "v.npy"))
"""What pyTFM calls the x and y components of traction (Pa) and displacement (pixels)."""


def partner(path: Path) -> Path | None:
    """Return the other component's file of a pyTFM pair, given either."""
    for pair in PAIRS:
        for this, other in (pair, pair[::-1]):
            found = path.with_name(path.name.removesuffix(this) + other)
            if path.name.endswith(this) and found.exists():
                return found
    return None


def is_traction(path: Path) -> bool | None:
    """Tell from the name whether a pyTFM file holds traction; None for other names."""
    for pair, traction in zip(PAIRS, (True, False), strict=True):
        if path.name.endswith(pair):
            return traction
    return None


def read_pair(first: Path, second: Path) -> RealArray:
    """Return ``(T, 2, Y, X)`` from a file for each component, in that order.

    Raises
    ------
    CellForceError
        If they differ in shape, or have too many axes.
    """
    parts = [_values(path) for path in (first, second)]
    shapes = [times(part.shape) for part in parts]
    if parts[0].shape != parts[1].shape:
        raise CellForceError(
            f"{first.name} holds {shapes[0]} values, {second.name} {shapes[1]}",
            "both components must be on one grid",
            "Choose the files that belong together.",
            topic="input",
        )
    if parts[0].ndim not in (2, 3) or min(parts[0].shape) < 1:
        raise CellForceError(
            f"{first.name} holds {shapes[0]} values",
            "a component is (Y, X) or (T, Y, X)",
            "Export one file a component.",
            topic="input",
        )
    stacked: RealArray = np.stack([part.reshape(-1, *part.shape[-2:]) for part in parts], axis=1)
    return stacked


def _values(path: Path) -> RealArray:
    if path.suffix.lower() == ".npy":
        return np.asarray(load_npy(path), dtype=np.float64)
    with contextlib.closing(TiffPlanes(path)) as planes:
        return np.asarray(planes[...], dtype=np.float64)
