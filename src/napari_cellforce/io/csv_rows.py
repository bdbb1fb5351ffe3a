"""Reading of CSV tables."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

from napari_cellforce.errors import CellForceError


def csv_rows(path: Path, bad: Callable[[str], CellForceError]) -> list[dict[str, str]]:
    """Return the rows of a CSV table in UTF-8 as mappings by column; missing entries are empty.

    Parameters
    ----------
    path : Path
    bad : callable
        Returns the error for a description of the problem.

    Raises
    ------
    CellForceError
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file, restval=""))
    except (UnicodeDecodeError, csv.Error) as error:
        raise bad(f"{path} cannot be read ({error})") from error
