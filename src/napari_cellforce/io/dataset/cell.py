"""The authors' data: one folder a cell, one ``.npy`` a frame; x before y in the file, y before x here.

A frame is ``[7 or 8, L, L]``: u_x, u_y, F_x, F_y, mask, forcemask, zyxin[, other protein]; F in Pa.
Source: Schmitt et al., Cell 187:481 (2024), released code and data. Neither the pixel size nor the frame
interval is in these files. The unit of u is not documented.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from napari_cellforce import files
from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import ImageStack, Mask, PixelSize, VectorField
from napari_cellforce.io.paths import existing_path

_U, _F, _MASK, _PROTEINS = [1, 0], [3, 2], 4, 6
"""Channels of a frame: displacement and traction as (y, x), the mask, and the first protein."""
_N_CHANNELS = (7, 8)
_PROTEIN_NAMES = ("zyxin", "other")
_INDEX = "dataset.csv"


@dataclass(frozen=True)
class MeasuredCell:
    """A cell of which protein and traction were measured.

    Attributes
    ----------
    image : ImageStack
        ``(T, C, Y, X)``, zyxin and, where there, the other protein.
    traction : VectorField
        ``(T, 2, Y, X)`` in Pa.
    mask : Mask
        ``(T, Y, X)`` bool.
    displacement : VectorField or None
        ``(T, 2, Y, X)`` in µm; None where it was not stored.
    frame_numbers : tuple of T int
        As in the names of the files.
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
    """Open a cell in the authors' layout without loading it: everything is a dask array.

    Parameters
    ----------
    path : path-like
        The cell's folder, or one frame.
    pixel_size : PixelSize or float
        In µm. It is not in the files, and fields need it.
    displacement_unit : {"µm", "pixel"}
        Of u in the files. Not documented, hence an assumption, which ``image.notes`` tells.

    Raises
    ------
    CellForceError
        Without a pixel size (topic "pixel size"); if there are no frames or they are broken or unequal.
    """
    if pixel_size is None:
        raise CellForceError(
            f"{path} does not say its pixel size",
            "traction depends on it",
            "Give it in µm; the published movies have 0.17 µm.",
            topic="pixel size",
        )
    size = pixel_size if isinstance(pixel_size, PixelSize) else PixelSize.square(pixel_size)
    paths = frame_paths(path)
    frames = _lazy_frames(paths)
    mask = frames[:, _MASK] != 0
    displacement = _displacement(frames, paths[0], size, displacement_unit)
    note = f"the unit of the displacements is not documented: taken as {displacement_unit}"
    name = Path(path).stem
    return MeasuredCell(
        _image(frames, path, size, () if displacement is None else (note,)),
        VectorField(frames[:, _F], "traction", "Pa", size, mask=mask, name=name),
        Mask(mask, source=str(path)),
        displacement,
        tuple(_number(frame) for frame in paths),
    )


def read_image(path: str | os.PathLike[str]) -> ImageStack:
    """Open the protein channels of a cell folder or frame; its pixel size is None."""
    return _image(_lazy_frames(frame_paths(path)), path, None, ())


def list_cells(folder: str | os.PathLike[str]) -> list[Path]:
    """Return the cell folders of a data set, in the order of its ``dataset.csv``, or else by name.

    A folder that holds frames itself is its own only cell.

    Raises
    ------
    CellForceError
        If there are none, or if the index names what is not there.
    """
    root = existing_path(folder)
    index = _read_index(root)
    cells = [files.inside(root, name) for name in dict.fromkeys(row["folder"] for row in index)]
    for cell in cells:
        _require(cell.is_dir(), f"{root / _INDEX} names the folder {cell.name}, which is not there")
    cells = cells or (
        [root] if _npy_files(root) else [cell for cell in _subfolders(root) if _npy_files(cell)]
    )
    _require(bool(cells), f"{root} holds no cells")
    return cells


def frame_paths(path: str | os.PathLike[str]) -> list[Path]:
    """Return the frames of a cell, sorted by the number at the end of their names.

    If the folder above has a ``dataset.csv`` that names this one, only the frames listed there.
    """
    path = existing_path(path)
    if path.is_file():
        return [path]
    rows = [row for row in _read_index(path.parent) if row["folder"] == path.name]
    frames = [files.inside(path, row["filename"]) for row in rows] or _npy_files(path)
    for frame in frames:
        _require(
            frame.is_file(), f"{path.parent / _INDEX} names {path.name}/{frame.name}, which is not there"
        )
    _require(bool(frames), f"{path} holds no frames")
    return sorted(frames, key=_number_and_name)


def is_dataset(folder: str | os.PathLike[str]) -> bool:
    """Tell whether a folder has frames, cell folders or an index; opens no file."""
    root = Path(folder)
    return (
        (root / _INDEX).is_file()
        or bool(_npy_files(root))
        or any(_npy_files(sub) for sub in _subfolders(root))
    )


def is_frame(path: str | os.PathLike[str]) -> bool:
    """Tell whether a file is a frame in the authors' layout; reads only its header."""
    try:
        array = load_npy(path)
    except CellForceError:
        return False
    return _is_frame_shape(array.shape)


def load_npy(path: str | os.PathLike[str]) -> npt.NDArray[Any]:
    """Map a ``.npy`` of numbers into memory; nothing is unpickled.

    Raises
    ------
    CellForceError
        If it is missing, truncated, or holds Python objects.
    """
    try:
        array: npt.NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise _not_npy(path, str(error)) from error
    if array.dtype.kind not in "biuf":
        raise _not_npy(path, f"its values are of type {array.dtype}")
    return array


def _image(
    frames: Any, path: str | os.PathLike[str], size: PixelSize | None, notes: tuple[str, ...]
) -> ImageStack:
    proteins = frames[:, _PROTEINS:]
    names = _PROTEIN_NAMES[: proteins.shape[1]]
    return ImageStack(proteins, names, size, name=Path(path).stem, path=str(path), notes=notes)


def _displacement(
    frames: Any, first: Path, size: PixelSize, unit: Literal["µm", "pixel"]
) -> VectorField | None:
    """Return the displacements in µm; None if the first frame's are all zero, that is, not stored."""
    if not load_npy(first)[_U].any():
        return None
    u = frames[:, _U]
    if unit == "pixel":
        u = u * np.array([size.y, size.x], np.float32)[:, None, None]
    return VectorField(u, "displacement", "µm", size, name=first.parent.name)


def _lazy_frames(paths: Sequence[Path]) -> Any:
    """Return all channels of all frames, (T, 7 or 8, L, L) float32, as dask with one plane a chunk."""
    import dask.array as da  # takes 0.6 s to load

    shape = _common_shape(paths)
    chunks = ((1,) * len(paths), (1,) * shape[0], shape[1:2], shape[2:3])
    empty = np.empty((0, 0, 0, 0), np.float32)
    return da.map_blocks(
        _read_plane, [str(path) for path in paths], chunks=chunks, dtype=np.float32, meta=empty
    )


def _read_plane(paths: Sequence[str], block_info: Any = None) -> npt.NDArray[np.float32]:
    """Read the one channel of the one frame that dask asks for, (1, 1, L, L)."""
    t, channel, _, _ = block_info[None]["chunk-location"]
    return np.array(load_npy(paths[t])[channel], dtype=np.float32)[None, None]


def _common_shape(paths: Sequence[Path]) -> tuple[int, ...]:
    shapes = [load_npy(path).shape for path in paths]
    for path, shape in zip(paths, shapes, strict=True):
        if not _is_frame_shape(shape) or shape != shapes[0]:
            raise CellForceError(
                f"{path} has the shape {shape}",
                f"frames are (7 or 8, height, width), all of a cell alike (the first is {shapes[0]})",
                "Check how it was exported: u_x, u_y, F_x, F_y, mask, forcemask, zyxin[, other protein].",
                topic="input",
            )
    return shapes[0]


def _is_frame_shape(shape: tuple[int, ...]) -> bool:
    return len(shape) == 3 and shape[0] in _N_CHANNELS


def _npy_files(folder: Path) -> list[Path]:
    return [path for path in folder.glob("*.npy") if path.is_file()]


def _subfolders(folder: Path) -> list[Path]:
    return sorted((path for path in folder.iterdir() if path.is_dir()), key=_number_and_name)


def _number(path: Path) -> int:
    """Return the last number in a file's name, -1 if there is none."""
    digits = re.findall(r"\d+", path.stem)
    return int(digits[-1]) if digits else -1


def _number_and_name(path: Path) -> tuple[int, str]:
    return _number(path), path.name


def _read_index(folder: Path) -> list[dict[str, str]]:
    """Read ``dataset.csv``; empty where there is none."""
    path = folder / _INDEX
    if not path.is_file():
        return []
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    if rows and not {"folder", "filename"} <= rows[0].keys():
        raise CellForceError(
            f"{path} has the columns {', '.join(rows[0])}",
            "folder and filename are needed",
            "Write one row a frame: folder,filename,frame.",
            topic="input",
        )
    return rows


def _require(condition: bool, found: str) -> None:
    if not condition:
        raise CellForceError(
            found,
            "a data set has one folder a cell and in it one .npy a frame",
            "Choose the folder that holds them.",
            topic="input",
        )


def _not_npy(path: str | os.PathLike[str], why: str) -> CellForceError:
    return CellForceError(
        f"{path} is no array of numbers ({why})",
        "a .npy with numbers is needed",
        "Write it again with numpy.save.",
        topic="input",
    )
