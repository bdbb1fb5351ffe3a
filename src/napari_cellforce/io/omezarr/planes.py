"""Zarr arrays, read plane by plane on demand, and their attributes."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.io.paths import ZARR_SUFFIX

_V3 = "zarr.json"
_V2_ATTRIBUTES = ".zattrs"
_MARKERS = (_V3, ".zgroup", ".zarray", _V2_ATTRIBUTES)


def is_zarr(path: str | os.PathLike[str]) -> bool:
    """Return whether a folder is a zarr group or array, from its name or marker files; reads nothing."""
    path = Path(path)
    return path.is_dir() and (
        path.suffix.lower() == ZARR_SUFFIX or any((path / name).is_file() for name in _MARKERS)
    )


def is_array(path: Path) -> bool:
    """Return whether a folder is a zarr array."""
    return (path / ".zarray").is_file() or _json(path / _V3).get("node_type") == "array"


def attributes(path: Path) -> dict[str, Any]:
    """Return the attributes of a group; those of OME-NGFF 0.5, under the key ``"ome"``, are merged.

    Raises
    ------
    CellForceError
        If they are damaged.
    """
    entries = _json(path / _V3).get("attributes", {}) or _json(path / _V2_ATTRIBUTES)
    ome = entries.get("ome")
    return {**entries, **ome} if isinstance(ome, dict) else entries


class ZarrPlanes:
    """A zarr array, read when indexed; usable as an array by dask. It can be pickled.

    Parameters
    ----------
    path : path-like

    Attributes
    ----------
    path : Path
    shape, dtype, ndim
        Attributes of the array.

    Raises
    ------
    CellForceError
        If it is missing or damaged; when indexed, if a chunk is damaged. A missing chunk is valid in zarr:
        it has the fill value.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        import zarr  # takes 0.4 s to load, and is needed only here

        self.path = Path(path)
        with _unreadable(self.path):
            self._array: Any = zarr.open_array(self.path, mode="r")
            self.shape = tuple(int(n) for n in self._array.shape)
            self.dtype = np.dtype(self._array.dtype)
        self.ndim = len(self.shape)

    def __getitem__(self, key: Any) -> npt.NDArray[Any]:
        with _unreadable(self.path):
            return np.asarray(self._array[key])

    def __reduce__(self) -> tuple[Any, ...]:
        return ZarrPlanes, (self.path,)

    def written(self, axes: str) -> int:
        """Return the length along the first axis up to the last existing chunk; all of it if not time."""
        if axes[0] != "T" or self._array.shards is not None:
            return self.shape[0]
        origin = self._array.metadata.encode_chunk_key((0,) * self.ndim)
        before = origin[: len(origin) - 2 * self.ndim + 1]  # "c/" of "c/0/0/0/0", nothing of "0.0.0.0"
        firsts = [chunk.name.partition(".")[0] for chunk in (self.path / before).glob("[0-9]*")]
        chunks = max((int(first) for first in firsts if first.isdigit()), default=-1) + 1
        return min(chunks * int(self._array.chunks[0]), self.shape[0])


def _json(path: Path) -> dict[str, Any]:
    """Return the content of a JSON file; empty if it does not exist."""
    if not path.is_file():
        return {}
    with _unreadable(path):
        entries = json.loads(path.read_text(encoding="utf-8"))
    return entries if isinstance(entries, dict) else {}


@contextlib.contextmanager
def _unreadable(path: Path) -> Iterator[None]:
    """Convert any exception of zarr and its codecs on damaged data into a `CellForceError`."""
    try:
        yield
    except Exception as error:
        raise CellForceError(
            f"{path} cannot be read ({type(error).__name__}: {error})",
            "an OME-Zarr must be complete and intact",
            "If it is still being written or copied, wait; otherwise copy it again.",
            topic=Topic.INPUT,
        ) from error
