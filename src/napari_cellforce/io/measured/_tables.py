"""Text tables of vectors, with any delimiter, with or without header."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import ShortRepr
from napari_cellforce.io.measured._layout import RealArray

SUFFIXES = (".csv", ".txt", ".tsv", ".dat")

_COLUMNS = {
    "x": ("x", "xpos", "posx", "xposition", "column"),
    "y": ("y", "ypos", "posy", "yposition", "row"),
    "u": ("tx", "fx", "tractionx", "forcex", "u", "ux", "dx", "ux1", "vx", "displacementx"),
    "v": ("ty", "fy", "tractiony", "forcey", "v", "uy", "dy", "uy1", "vy", "displacementy"),
}


@dataclass(frozen=True, eq=False, repr=False)
class Table(ShortRepr):
    """Vectors at given positions.

    Attributes
    ----------
    x, y : (N,) arrays
        Positions in the unit of the file.
    vectors : (2, N) array
        Vectors in the order of the file, x first.
    unit : str or None
        Unit in the header, ``tx [Pa]``.
    """

    x: RealArray
    y: RealArray
    vectors: RealArray
    unit: str | None


def read_table(path: Path) -> Table:
    """Read ``x y u v`` or ``x y tx ty``, in any order if there is a header; other columns are ignored.

    The tables of Fiji's PIV and FTTC plugins, without header and separated by blanks, start with these four
    columns.

    Raises
    ------
    CellForceError
        If there are fewer than four columns of numbers, or the header does not name them.
    """
    lines = [line.strip() for line in _text(path).splitlines()]
    lines = [line for line in lines if line and not line.startswith(("#", "%"))]
    split = _splitter(lines, path)
    header = None if not lines or _numbers(split(lines[0])) is not None else split(lines[0])
    rows = [_numbers(split(line)) for line in (lines[1:] if header else lines)]
    bad = [i for i, row in enumerate(rows) if row is None or len(row) < 4 or len(row) != len(rows[0] or ())]
    if not rows or bad:
        line = lines[bad[0] + bool(header)][:60] if bad else ""
        raise _not_a_table(path, f"a line reads {line!r}" if bad else "it has no numbers")
    values = np.array(rows, dtype=np.float64).T
    places, unit = ([0, 1, 2, 3], None) if header is None else _find_columns(header, path)
    x, y, u, v = values[places]
    return Table(x, y, np.stack([u, v]), unit)


def _text(path: Path) -> str:
    raw = path.read_bytes()
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _splitter(lines: list[str], path: Path) -> Callable[[str], list[str]]:
    sample = lines[-1] if lines else ""
    for mark in ("\t", ";", ","):
        if sample.count(mark) >= 3:
            decimal_comma = mark != "," and "," in sample and "." not in sample
            return lambda line: [
                (part.strip().replace(",", ".") if decimal_comma else part.strip())
                for part in line.split(mark)
            ]
    if len(sample.split()) >= 4:
        return str.split
    raise _not_a_table(path, f"its last line reads {sample[:60]!r}")


def _numbers(parts: list[str]) -> list[float] | None:
    while parts and not parts[-1]:  # a delimiter at the end of the line
        parts = parts[:-1]
    try:
        return [float(part) if part else float("nan") for part in parts]
    except ValueError:
        return None


def _find_columns(header: list[str], path: Path) -> tuple[list[int], str | None]:
    names, units = [], []
    for entry in header:
        match = re.fullmatch(r"\"?(.*?)\s*(?:[\[(](.*)[\])])?\"?", entry.strip())
        name, unit = match.groups() if match else (entry, None)
        names.append(re.sub(r"[\s_\-]", "", name).lower())
        units.append(unit)
    found = []
    for key, known in _COLUMNS.items():
        hits = [names.index(name) for name in known if name in names]
        if not hits:
            raise CellForceError(
                f"{path.name} has the columns {', '.join(header)}",
                f"there must be one for {key}: {', '.join(known[:4])}",
                "Rename the columns to x, y, and u, v (displacement) or tx, ty (traction).",
                topic=Topic.INPUT,
            )
        found.append(hits[0])
    return found, units[found[2]]


def _not_a_table(path: Path, why: str) -> CellForceError:
    return CellForceError(
        f"{path.name} is not a table of vectors: {why}",
        "each line needs x, y and two components, separated by commas, semicolons, tabs or blanks",
        "Export it again with these four columns first.",
        topic=Topic.INPUT,
    )
