"""Tables as people and spreadsheets save them."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

from napari_cellforce.errors import CellForceError


def csv_rows(path: Path, bad: Callable[[str], CellForceError]) -> list[dict[str, str]]:
    """Return the rows of a CSV table in UTF-8 by the names of its columns; what a short row lacks is empty.

    Parameters
    ----------
    path : Path
    bad : callable
        From what was found to the error that says how such a table must look.

    Raises
    ------
    CellForceError
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file, restval=""))
    except (UnicodeDecodeError, csv.Error) as error:
        raise bad(f"{path} cannot be read ({error})") from error
