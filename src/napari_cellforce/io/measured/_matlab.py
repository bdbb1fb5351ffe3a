"""Matlab files: structures with ``pos`` and ``vec`` written by TFM programs; versions 5 and 7.3.

According to their public sources, u-inferforce (Danuser lab) saves ``displField`` (pixels) and ``forceField``
(Pa), one entry per frame, with ``pos`` and ``vec``, (N, 2) in x, y; Easy-to-use TFM (Sabass lab) reads
``input_data.displacement`` of that structure, and saves ``TFM_results`` with ``pos`` and ``traction`` (Pa).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.io.measured._tables import Table

_HDF5 = b"\x89HDF"
_UNITS = {"displfield": "px", "displacement": "px", "forcefield": "Pa", "traction": "Pa", "tfm_results": "Pa"}
_VECTORS = ("traction", "vec")
"""Names of the vectors at ``pos``; the first existing one is used."""


def read_mat(path: Path) -> list[Table]:
    """Return the vectors of every frame of the first field with positions and vectors in a Matlab file.

    Raises
    ------
    CellForceError
        If there is none, or the file is damaged.
    """
    for name, frames in _structures(path):
        tables = [_table(frame, name) for frame in frames]
        if tables:
            return [table for table in tables if table is not None]
    raise CellForceError(
        f"{path.name} has no vectors in a supported structure",
        "it needs a structure with pos and vec, each N x 2, as u-inferforce and Easy-to-use TFM write",
        "Export the field as a text table x, y, u, v instead.",
        topic=Topic.INPUT,
    )


def _structures(path: Path) -> Iterator[tuple[str, list[Any]]]:
    """Yield the name and the frames of every structure that has ``pos`` and vectors."""
    try:
        with path.open("rb") as file:
            head = file.read(520)
        content = _from_hdf5(path) if _HDF5 in head else _from_version_5(path)
    except (OSError, ValueError, NotImplementedError, scipy.io.matlab.MatReadError) as error:
        raise CellForceError(
            f"{path.name} cannot be read ({error})",
            "it must be a Matlab file",
            "Save it again.",
            topic=Topic.INPUT,
        ) from error
    yield from _walk("", content)


def _walk(name: str, content: Any) -> Iterator[tuple[str, list[Any]]]:
    frames = content if isinstance(content, list) else [content]
    with_vectors = [f for f in frames if isinstance(f, dict) and "pos" in f and f.keys() & set(_VECTORS)]
    if with_vectors:
        yield name, with_vectors
        return
    for frame in frames:
        if isinstance(frame, dict):
            for key, value in frame.items():
                if "noise" not in key.lower():
                    yield from _walk(key, value)


def _table(frame: dict[str, Any], name: str) -> Table | None:
    vectors = next(key for key in _VECTORS if key in frame)
    pos, vec = (np.asarray(frame[key], dtype=np.float64) for key in ("pos", vectors))
    if pos.ndim != 2 or pos.shape != vec.shape or pos.shape[1] < 2:
        return None
    return Table(pos[:, 0], pos[:, 1], vec[:, :2].T, _UNITS.get(name.lower()))


def _from_version_5(path: Path) -> dict[str, Any]:
    loaded = scipy.io.loadmat(path, simplify_cells=True)
    return {key: _as_lists(value) for key, value in loaded.items() if not key.startswith("__")}


def _as_lists(value: Any) -> Any:
    """Return structure arrays as lists; `loadmat` makes object arrays of them."""
    if isinstance(value, dict):
        return {key: _as_lists(entry) for key, entry in value.items()}
    if isinstance(value, (list, np.ndarray)) and np.asarray(value, dtype=object).dtype == object:
        if isinstance(value, np.ndarray) and value.dtype != object:
            return value
        return [_as_lists(entry) for entry in np.ravel(np.asarray(value, dtype=object))]
    return value


def _from_hdf5(path: Path) -> dict[str, Any]:
    import h5py  # takes 0.2 s to load, and is needed only here

    with h5py.File(path, "r") as file:
        return {key: _from_group(file[key], file) for key in file if not key.startswith("#")}


def _from_group(item: Any, file: Any) -> Any:
    """Return a structure as a dict, a structure array as a list of dicts; Matlab stores arrays transposed."""
    import h5py

    if isinstance(item, h5py.Dataset):
        if item.dtype == h5py.ref_dtype:
            return [_from_group(file[reference], file) for reference in item[()].ravel()]
        return np.asarray(item[()]).T
    fields = {key: _from_group(item[key], file) for key in item}
    lengths = {len(value) for value in fields.values() if isinstance(value, list)}
    if len(lengths) == 1 and all(isinstance(value, list) for value in fields.values()):
        return [{key: value[i] for key, value in fields.items()} for i in range(lengths.pop())]
    return fields
