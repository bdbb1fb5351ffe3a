"""Where the files of measured cells are: in the authors' layout, by a pattern of names, or in a table."""

from __future__ import annotations

import dataclasses
import glob
import os
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from napari_cellforce import files
from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import Mask, PixelSize
from napari_cellforce.io.dataset import MeasuredCell, list_cells, read_cell
from napari_cellforce.io.field import read_field
from napari_cellforce.io.index.source import FILES, CellSource
from napari_cellforce.io.index.table import cells_from_table
from napari_cellforce.io.paths import existing_path
from napari_cellforce.io.read import read, read_mask


def cells_of(
    path: str | os.PathLike[str],
    pixel_size: float | None = None,
    *,
    patterns: Mapping[str, str] | None = None,
    unique: str = "",
) -> list[CellSource]:
    """Return the cells of a data set: a folder in the authors' layout or with files by a pattern, or a table.

    Parameters
    ----------
    path : path-like
    pixel_size : float, optional
        In µm, for cells that do not say theirs.
    patterns : mapping of str to str, optional
        Of a folder: names of its files, see `cells_by_pattern`; without it, it has the authors' layout.
    unique : str
        Put before the cells' names, to tell those of several data sets apart.

    Raises
    ------
    CellForceError
        If it is none of these.
    """
    path = existing_path(path)
    if path.is_file() and path.suffix.lower() == ".csv":
        cells = cells_from_table(path, pixel_size)
    elif patterns:
        cells = cells_by_pattern(path, **_complete(patterns), pixel_size=pixel_size)
    else:
        cells = [CellSource(cell.name, cell, pixel_size=pixel_size) for cell in list_cells(path)]
    return [dataclasses.replace(cell, cell=unique + cell.cell, dataset=str(path)) for cell in cells]


def cells_by_pattern(
    folder: str | os.PathLike[str],
    image: str,
    mask: str,
    traction: str,
    displacement: str = "",
    pixel_size: float | None = None,
) -> list[CellSource]:
    """Return the cells whose files follow a pattern of names.

    Parameters
    ----------
    folder : path-like
    image, mask, traction, displacement : str
        Paths in the folder in which ``{cell}`` stands for the cell's name: ``"{cell}/zyxin.tif"``.
    pixel_size : float, optional
        In µm.

    A file that is not there is a problem of its cell alone, which `index_cells` lists.

    Raises
    ------
    CellForceError
        If no image matches.
    """
    root = existing_path(folder)

    def path_of(pattern: str, cell: str) -> Path | None:
        return files.inside(root, pattern.replace("{cell}", cell)) if pattern else None

    return [
        CellSource(
            cell=cell,
            image=files.inside(root, image.replace("{cell}", cell)),
            mask=path_of(mask, cell),
            traction=path_of(traction, cell),
            displacement=path_of(displacement, cell),
            pixel_size=pixel_size,
        )
        for cell in _cells_named(root, image)
    ]


def _cells_named(root: Path, image: str) -> list[str]:
    """Return what ``{cell}`` stands for in the names of the images in a folder."""
    if "{cell}" not in image or Path(image).is_absolute():
        raise CellForceError(
            f"the pattern {image!r} does not say where in the folder the cell's name is",
            "{cell} stands for it, and the folder is not part of the pattern",
            "Write for example {cell}_zyxin.tif.",
            topic="input",
        )
    parts = image.split("{cell}")
    first, *again = (re.escape(part) for part in parts)
    pattern = re.compile(f"{first}(?P<cell>.+?)" + "(?P=cell)".join(again))
    names = [
        found["cell"]
        for path in sorted(root.glob("*".join(glob.escape(part) for part in parts)))
        if (found := pattern.fullmatch(path.relative_to(root).as_posix()))
    ]
    if not names:
        raise CellForceError(
            f"no file in {root} is named like {image}",
            "there must be one a cell",
            "Correct the pattern.",
            topic="input",
        )
    return names


def open_cell(source: CellSource) -> MeasuredCell:
    """Open a cell without loading it.

    Raises
    ------
    CellForceError
        If files are missing, broken, or do not fit together.
    """
    if source.in_the_authors_layout:
        return read_cell(source.image, source.pixel_size)
    assert source.mask is not None
    assert source.traction is not None
    image = read(source.image)
    traction = read_field(source.traction)
    if traction.data.shape[0] != image.n_frames or traction.data.shape[2:] != image.shape:
        raise CellForceError(
            f"{source.traction.name} is {_size(traction.data.shape)}",
            f"{source.image.name} is {_size(image.data.shape)}",
            "Give the traction measured on the image's own grid, frame by frame.",
            topic="input",
        )
    mask = read_mask(source.mask, shape=image.shape, frames=image.n_frames)
    masks = np.broadcast_to(mask.data, (image.n_frames, *mask.data.shape[1:]))
    displacement = read_field(source.displacement) if source.displacement else None
    size = image.pixel_size if source.pixel_size is None else PixelSize.square(source.pixel_size)
    if size is None and traction.pixel_size.known:
        size = traction.pixel_size
    image = dataclasses.replace(image, pixel_size=size)
    return MeasuredCell(image, traction, Mask(masks, mask.source), displacement, traction.frames)


def _complete(patterns: Mapping[str, str]) -> dict[str, str]:
    """Return patterns of which none is missing.

    Raises
    ------
    CellForceError
        If one is, or is unknown.
    """
    missing = [name for name in ("image", "mask", "traction") if not patterns.get(name)]
    unknown = sorted(set(patterns) - set(FILES))
    if missing or unknown:
        raise CellForceError(
            f"there is no pattern for {missing[0]}" if missing else f"a pattern is for {unknown[0]}",
            "image, mask and traction are needed, displacement may be there",
            "Write for example {cell}_traction.ome.tif; {cell} stands for the cell's name.",
            topic="input",
        )
    return dict(patterns)


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[0]} frames of {shape[-2]} x {shape[-1]} pixels"
