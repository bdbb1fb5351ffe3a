"""Finding the files of measured cells: in the authors' layout, by a pattern of names, or from a table."""

from __future__ import annotations

import csv
import dataclasses
import glob
import io
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from napari_cellforce import files
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import Mask, PixelSize
from napari_cellforce.io.dataset import MeasuredCell, list_cells, read_cell
from napari_cellforce.io.dataset.folders import csv_rows, frame_paths
from napari_cellforce.io.field import read_field
from napari_cellforce.io.paths import existing_path
from napari_cellforce.io.read import read, read_mask

FILES = ("image", "mask", "traction", "displacement")
"""Roles of the files of a cell, as named in patterns and columns."""


@dataclass(frozen=True)
class CellSource:
    """Files of one measured cell.

    Attributes
    ----------
    cell : str
        Name of the cell, unique in a data set.
    image : Path
        The movie; or, without mask and traction, a folder or frame in the authors' layout.
    mask, traction, displacement : Path or None
        Mask file, and fields written by this package.
    pixel_size : float or None
        Pixel size in µm, if the files do not state it.
    columns : mapping
        Other columns of a table (drug, day), which can define splits.
    dataset : str
        Folder or table of the data set.
    """

    cell: str
    image: Path
    mask: Path | None = None
    traction: Path | None = None
    displacement: Path | None = None
    pixel_size: float | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    dataset: str = field(default="", compare=False)

    @property
    def is_authors_layout(self) -> bool:
        """True if all data are in one folder of frames."""
        return self.mask is None and self.traction is None

    @property
    def files(self) -> tuple[Path, ...]:
        """All files of the cell."""
        if self.is_authors_layout:
            return tuple(frame_paths(self.image))
        return tuple(p for p in (self.image, self.mask, self.traction, self.displacement) if p is not None)


def find_cells(
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
        Pixel size in µm, for cells whose files do not state it.
    patterns : mapping of str to str, optional
        Names of the files in a folder, see `cells_by_pattern`; None for the authors' layout.
    unique : str
        Prefix of the cell names, to distinguish several data sets.

    Raises
    ------
    CellForceError
        If `path` is none of these.
    """
    path = existing_path(path)
    if path.is_file() and path.suffix.lower() == ".csv":
        cells = cells_from_table(path, pixel_size)
    elif patterns:
        cells = cells_by_pattern(path, **_checked_patterns(patterns), pixel_size=pixel_size)
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
        Paths in the folder, with ``{cell}`` for the name of the cell: ``"{cell}/zyxin.tif"``.
    pixel_size : float, optional
        In µm.

    A missing file is a problem of its cell only, listed by `index_cells`.

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
        for cell in _match_cells(root, image)
    ]


def _match_cells(root: Path, image: str) -> list[str]:
    """Return the values of ``{cell}`` in the names of the images in a folder."""
    if "{cell}" not in image or Path(image).is_absolute():
        raise CellForceError(
            f"the pattern {image!r} does not contain the name of the cell",
            "it must contain {cell}, and must not contain the folder",
            "Write for example {cell}_zyxin.tif.",
            topic=Topic.INPUT,
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
            f"no file in {root} matches {image}",
            "there must be one per cell",
            "Correct the pattern.",
            topic=Topic.INPUT,
        )
    return names


def open_cell(source: CellSource) -> MeasuredCell:
    """Open a cell without loading it.

    Raises
    ------
    CellForceError
        If files are missing, damaged, or inconsistent.
    """
    if source.is_authors_layout:
        return read_cell(source.image, source.pixel_size)
    assert source.mask is not None
    assert source.traction is not None
    image = read(source.image)
    traction = read_field(source.traction)
    if traction.data.shape[0] != image.n_frames or traction.data.shape[2:] != image.shape:
        raise CellForceError(
            f"{source.traction.name} is {_size(traction.data.shape)}",
            f"{source.image.name} is {_size(image.data.shape)}",
            "Provide the traction on the grid of the image, for each frame.",
            topic=Topic.INPUT,
        )
    mask = read_mask(source.mask, shape=image.shape, frames=image.n_frames)
    masks = np.broadcast_to(mask.data, (image.n_frames, *mask.data.shape[1:]))
    displacement = read_field(source.displacement) if source.displacement else None
    size = image.pixel_size if source.pixel_size is None else PixelSize.square(source.pixel_size)
    if size is None and traction.pixel_size.known:
        size = traction.pixel_size
    image = dataclasses.replace(image, pixel_size=size)
    return MeasuredCell(image, traction, Mask(masks, mask.source), displacement, traction.frames)


def _checked_patterns(patterns: Mapping[str, str]) -> dict[str, str]:
    """Return the patterns after checking that none is missing.

    Raises
    ------
    CellForceError
        If one is missing or unknown.
    """
    missing = [name for name in ("image", "mask", "traction") if not patterns.get(name)]
    unknown = sorted(set(patterns) - set(FILES))
    if missing or unknown:
        raise CellForceError(
            f"there is no pattern for {missing[0]}" if missing else f"a pattern is for {unknown[0]}",
            "image, mask and traction are needed, displacement is optional",
            "Write for example {cell}_traction.ome.tif; {cell} is the name of the cell.",
            topic=Topic.INPUT,
        )
    return dict(patterns)


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[0]} frames of {shape[-2]} x {shape[-1]} pixels"


PIXEL_COLUMN = "pixel_size [µm]"
_NEEDED = ("cell", "image", "mask", "traction")


def cells_from_table(path: str | os.PathLike[str], pixel_size: float | None = None) -> list[CellSource]:
    """Return the cells in a CSV table, one per row.

    Columns: ``cell, image, mask, traction``, optionally ``displacement``, ``pixel_size [µm]``, and any
    others. Paths are relative to the table.

    A missing file is a problem of its cell only, listed by `index_cells`.

    Raises
    ------
    CellForceError
        If a column or an entry is missing, a path leads out of the table's folder, or a cell is listed twice.
    """
    path = existing_path(path)
    rows = csv_rows(path, _bad_table)
    missing = [name for name in _NEEDED if not rows or name not in rows[0]]
    if missing:
        raise _bad_table(f"{path} lacks the column {missing[0]}" if rows else f"{path} has no rows")
    cells = [_from_row(path, row, pixel_size) for row in rows]
    _refuse_duplicates(cells, path)
    return cells


def write_cell_table(path: str | os.PathLike[str], cells: Sequence[CellSource]) -> Path:
    """Write a table of cells, which `cells_from_table` reads.

    Raises
    ------
    CellForceError
        If a file is not in the folder of the table, or the table cannot be written.
    """
    path = Path(path)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["cell", *FILES, PIXEL_COLUMN])
    for cell in cells:
        named = [getattr(cell, name) for name in FILES]
        paths = ["" if file is None else _relative(file, path.parent) for file in named]
        writer.writerow([cell.cell, *paths, "" if cell.pixel_size is None else f"{cell.pixel_size:g}"])
    return files.write_text(path, text.getvalue())


def _relative(file: Path, folder: Path) -> str:
    return files.inside(folder, str(file.resolve())).relative_to(folder.resolve()).as_posix()


def _from_row(table: Path, row: Mapping[str, str], pixel_size: float | None) -> CellSource:
    paths = {name: files.inside(table.parent, row[name]) for name in FILES if row.get(name)}
    own = (row.get(PIXEL_COLUMN) or "").strip()
    try:
        size = float(own) if own else pixel_size
    except ValueError:
        raise _bad_table(f"in {table} the pixel size of {row['cell']} is {own!r}") from None
    if not {"image", "mask", "traction"} <= paths.keys():
        raise _bad_table(f"{table} lacks a file of {row['cell']}")
    rest = {key: value for key, value in row.items() if key not in (*FILES, "cell", PIXEL_COLUMN)}
    return CellSource(
        row["cell"],
        paths["image"],
        paths["mask"],
        paths["traction"],
        paths.get("displacement"),
        pixel_size=size,
        columns=rest,
    )


def _refuse_duplicates(cells: list[CellSource], path: Path) -> None:
    seen: set[str] = set()
    for cell in cells:
        if cell.cell in seen:
            raise _bad_table(f"{path} lists {cell.cell} twice")
        seen.add(cell.cell)


def _bad_table(found: str) -> CellForceError:
    return CellForceError(
        found,
        f"a table of cells has one row per cell and the columns {', '.join(_NEEDED)}",
        f"Correct the table, in UTF-8 with commas; pixel sizes are in the column {PIXEL_COLUMN}.",
        topic=Topic.INPUT,
    )
