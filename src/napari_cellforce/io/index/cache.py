"""What was measured of a cell, kept as long as its files do not change."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from napari_cellforce import files
from napari_cellforce.errors import CellForceError
from napari_cellforce.io.index.rows import IndexRow
from napari_cellforce.io.index.source import CellSource
from napari_cellforce.io.paths import existing_path

CACHE = ".cellforce-index.json"
"""File beside the data that keeps what was measured."""


def state_of(source: CellSource) -> str:
    """Return a hash of names, sizes and times of a cell's files, and of what was told of it.

    Raises
    ------
    CellForceError
        If a file of the cell is missing.
    """
    paths = [existing_path(path) for path in source.files]
    parts = [(str(p), p.stat().st_size, p.stat().st_mtime_ns) for p in paths]
    return hashlib.sha256(repr((parts, source.pixel_size)).encode()).hexdigest()


def recall(source: CellSource, state: str) -> list[IndexRow] | None:
    """Return what was kept of a cell in that state; None where there is nothing that can be read."""
    for place in _places(source):
        entry = _read(place).get(source.image.name)
        if isinstance(entry, dict) and entry.get("state") == state:
            with contextlib.suppress(KeyError, TypeError, AttributeError):  # of another version of us
                return [_row(values) for values in entry["rows"]]
    return None


def remember(source: CellSource, state: str, rows: list[IndexRow]) -> None:
    """Keep what was measured of a cell in that state, in the first place that can be written."""
    entry = {"state": state, "rows": [dataclasses.asdict(row) for row in rows]}
    for place in _places(source):
        content = {**_read(place), source.image.name: entry}
        with contextlib.suppress(CellForceError, OSError):
            files.write_text(place, json.dumps(content, ensure_ascii=False))
            return


def _places(source: CellSource) -> Sequence[Path]:
    """Return where the cache of a cell may be: beside the data, or in the user's cache folder."""
    from platformdirs import user_cache_path

    folder = source.image.parent
    key = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
    return folder / CACHE, user_cache_path("napari-cellforce", appauthor=False) / f"index-{key}.json"


def _row(values: dict[str, Any]) -> IndexRow:
    entries: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
    return IndexRow(**entries)


def _read(place: Path) -> dict[str, Any]:
    try:
        content = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
