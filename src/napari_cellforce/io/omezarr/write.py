"""Writing of fields and images as OME-Zarr: OME-NGFF 0.5 (zarr v3), or 0.4 (zarr v2) on request."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from napari_cellforce.fields import BoolArray, FloatArray, ImageStack, PixelSize, to_numpy
from napari_cellforce.files import disk_errors
from napari_cellforce.io.field_record import NAMESPACE, record_json
from napari_cellforce.io.partial_writer import BaseFieldWriter

Version = Literal["0.4", "0.5"]
"""Versions of OME-NGFF."""

LEVEL = "0"
LABELS, MASK = "labels", "mask"
_MICROMETER, _MINUTE = "micrometer", "minute"


class OmeZarrWriter(BaseFieldWriter):
    """Writes a vector field frame by frame as OME-Zarr; parameters as for `napari_cellforce.io.FieldWriter`.

    A context manager. When the block ends, also by an error or a stop, the frames appended so far become
    a valid OME-Zarr at `path`, which records their indices; without any, none is created and an existing
    one is not replaced. One chunk is one component of one frame; the mask is a label image,
    ``labels/mask``.

    Raises
    ------
    CellForceError
        If the disk is full, read-only or not writable for the user. Frames appended before are kept.
    """

    version: ClassVar[Version] = "0.5"

    def _atomic(self) -> AbstractContextManager[Path]:
        return atomic_folder(self.path)

    def _begin(self, temporary: Path) -> None:
        self._folder = temporary
        self._data = _array(temporary, (0, 2, *self._shape), np.float32, self.version)
        self._mask: Any = None

    def _write(self, data: FloatArray, mask: BoolArray | None) -> None:
        t = len(self.frames)
        if mask is not None and self._mask is None:
            folder = self._folder / LABELS / MASK
            self._mask = _array(folder, (0, 1, *self._shape), np.uint8, self.version)
        for array, values in ((self._data, data), (self._mask, mask)):
            if values is not None:
                array.resize((t + 1, *array.shape[1:]))
                array[t] = np.reshape(values, array.shape[1:])

    def _finish(self) -> None:
        """Write the metadata of the frames written so far; remains of a failed append are removed."""
        held = self._field_so_far()
        for array in (self._data, self._mask):
            if array is not None:
                array.resize((len(self.frames), *array.shape[1:]))
        scales = (held.frame_interval, held.pixel_size)
        image = {
            "multiscales": _multiscales(held.name, *scales),
            "omero": _omero(held.channel_names, np.dtype(np.float32)),
        }
        own = {NAMESPACE: json.loads(record_json(held, masked=self._masked))}
        _describe(self._folder, image, self.version, own)
        if self._masked:
            label = {
                "multiscales": _multiscales(MASK, *scales),
                "image-label": {"source": {"image": "../../"}},
            }
            _describe(self._folder / LABELS / MASK, label, self.version)
            _describe(self._folder / LABELS, {"labels": [MASK]}, self.version)


def write_stack(path: str | os.PathLike[str], stack: ImageStack, *, version: Version = "0.5") -> Path:
    """Write an image stack as OME-Zarr, in its dtype, one chunk per plane, atomically.

    Raises
    ------
    CellForceError
        If it cannot be written.
    """
    with atomic_folder(path) as folder:
        array = _array(folder, stack.data.shape, stack.data.dtype, version)
        for t in range(stack.n_frames):
            array[t] = to_numpy(stack.data[t])
        image = {
            "multiscales": _multiscales(stack.name, stack.frame_interval, stack.pixel_size),
            "omero": _omero(stack.channel_names, np.dtype(stack.data.dtype)),
        }
        _describe(folder, image, version)
    return Path(path)


def _array(folder: Path, shape: Sequence[int], dtype: npt.DTypeLike, version: Version) -> Any:
    """Create the array of the only resolution, with one chunk per plane."""
    import zarr  # takes 0.4 s to load, and is needed only here

    v3 = version == "0.5"
    return zarr.create_array(
        folder / LEVEL,
        shape=tuple(shape),
        dtype=np.dtype(dtype),
        chunks=(1, 1, *shape[-2:]),
        fill_value=0,
        zarr_format=3 if v3 else 2,
        dimension_names=["t", "c", "y", "x"] if v3 else None,
        chunk_key_encoding={"name": "default" if v3 else "v2", "separator": "/"},
    )


def _describe(folder: Path, ome: dict[str, Any], version: Version, own: dict[str, Any] | None = None) -> None:
    """Write the attributes of a group: those of OME, and those of this package."""
    import zarr

    entries = own or {}
    if version == "0.5":
        zarr.create_group(folder, zarr_format=3, attributes={"ome": {"version": version, **ome}, **entries})
        return
    versioned = {
        "multiscales": [{**scale, "version": version} for scale in ome.get("multiscales", [])],
        "image-label": {**ome.get("image-label", {}), "version": version},
    }
    ome = {key: versioned.get(key, value) for key, value in ome.items()}
    zarr.create_group(folder, zarr_format=2, attributes={**ome, **entries})


def _multiscales(
    name: str, frame_interval: float | None, pixel_size: PixelSize | None
) -> list[dict[str, Any]]:
    """Return the metadata of the axes t, c, y, x; an unknown scale is 1 without a unit."""
    y, x = (1.0, 1.0) if pixel_size is None else (pixel_size.y, pixel_size.x)
    length = {} if pixel_size is None else {"unit": _MICROMETER}
    axes: list[dict[str, str]] = [
        {"name": "t", "type": "time", **({} if frame_interval is None else {"unit": _MINUTE})},
        {"name": "c", "type": "channel"},
        {"name": "y", "type": "space", **length},
        {"name": "x", "type": "space", **length},
    ]
    scale = [1.0 if frame_interval is None else float(frame_interval), 1.0, float(y), float(x)]
    dataset = {"path": LEVEL, "coordinateTransformations": [{"type": "scale", "scale": scale}]}
    return [{"name": name, "axes": axes, "datasets": [dataset]}]


def _omero(channel_names: Sequence[str], dtype: np.dtype[Any]) -> dict[str, Any]:
    """Return the metadata of the channels; viewers of OME-Zarr also need colours and a value range."""
    limits = np.iinfo(dtype) if dtype.kind in "iu" else None
    low, high = (float(limits.min), float(limits.max)) if limits else (0.0, 1.0)
    window = {"min": low, "max": high, "start": low, "end": high}
    return {
        "channels": [
            {"label": name, "color": "FFFFFF", "window": window, "active": True} for name in channel_names
        ]
    }


@contextlib.contextmanager
def atomic_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary folder next to `path`, renamed to `path` if the block succeeds and deleted otherwise.

    An existing folder at `path` is first moved aside and finally deleted, as no system call exchanges two
    folders on all systems; after a crash between the two renames it remains as a hidden folder
    ``.NAME.former``.

    Raises
    ------
    CellForceError
        If the disk is full, read-only or not writable for the user.
    """
    target = Path(path)
    temporary = target.parent / f".{uuid.uuid4().hex}.partial"
    try:
        with disk_errors(target):
            temporary.mkdir(parents=True)
            yield temporary
            _replace(temporary, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _replace(new: Path, target: Path) -> None:
    if not target.exists():
        new.rename(target)
        return
    former = target.parent / f".{target.name}.former"
    _remove(former)
    target.rename(former)
    try:
        new.rename(target)
    except OSError:
        former.rename(target)
        raise
    _remove(former)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
