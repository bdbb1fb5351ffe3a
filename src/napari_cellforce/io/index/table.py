"""Tables of cells: one row a cell, with the paths of its files."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from napari_cellforce import files
from napari_cellforce.errors import CellForceError
from napari_cellforce.io.csv_rows import csv_rows
from napari_cellforce.io.index.source import FILES, CellSource
from napari_cellforce.io.paths import existing_path

PIXEL_COLUMN = "pixel_size [µm]"
_NEEDED = ("cell", "image", "mask", "traction")


def cells_from_table(path: str | os.PathLike[str], pixel_size: float | None = None) -> list[CellSource]:
    """Return the cells that a CSV table lists, one a row.

    Columns: ``cell, image, mask, traction``, and if wanted ``displacement``, ``pixel_size [µm]``, and any
    others. Paths are relative to the table.

    A file that is not there is a problem of its cell alone, which `index_cells` lists.

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
    _refuse_twins(cells, path)
    return cells


def write_cell_table(path: str | os.PathLike[str], cells: Sequence[CellSource]) -> Path:
    """Write cells whose files were picked one by one as a table, which `cells_from_table` reads.

    Raises
    ------
    CellForceError
        If a file does not lie in the table's folder, or that cannot be written.
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
        raise _bad_table(f"{table} gives {row['cell']} the pixel size {own!r}") from None
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


def _refuse_twins(cells: list[CellSource], path: Path) -> None:
    seen: set[str] = set()
    for cell in cells:
        if cell.cell in seen:
            raise _bad_table(f"{path} lists {cell.cell} twice")
        seen.add(cell.cell)


def _bad_table(found: str) -> CellForceError:
    return CellForceError(
        found,
        f"a table of cells has one row a cell and the columns {', '.join(_NEEDED)}",
        f"Correct the table, in UTF-8 and with commas; pixel sizes go into the column {PIXEL_COLUMN}.",
        topic="input",
    )
