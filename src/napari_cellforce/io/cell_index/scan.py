"""Scan of the files of measured cells: statistics and problems, cached."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import to_numpy
from napari_cellforce.io.cell_index.rows import DatasetIndex, IndexRow
from napari_cellforce.io.cell_index.sources import CellSource, open_cell
from napari_cellforce.io.dataset import MeasuredCell
from napari_cellforce.io.paths import existing_path
from napari_cellforce.preprocess.normalise import BaselineMeter, Baselines
from napari_cellforce.resume import cache_key, file_state, read_record, short_name, write_record

_PIXELS_DIFFER = 0.01


def index_cells(
    sources: Iterable[CellSource], *, cache: bool = True, progress: Callable[[str], None] | None = None
) -> DatasetIndex:
    """Read all cells once: baselines, mean |F|, and problems frame by frame.

    Parameters
    ----------
    sources : iterable of CellSource
    cache : bool
        Cache the results next to the data (in the user's cache folder if that is not writable), and use
        them as long as the files have not changed.
    progress : callable, optional
        Called with the name of each cell before it is read.
    """
    sources = tuple(sources)
    rows: list[IndexRow] = []
    for source in sources:
        if progress is not None:
            progress(source.cell)
        rows += _rows(source, cache)
    sizes = {row.pixel_size for row in rows if row.pixel_size > 0}
    notes: tuple[str, ...] = ()
    if sizes and max(sizes) > min(sizes) * (1 + _PIXELS_DIFFER):
        notes = (f"pixel sizes differ ({min(sizes):g} to {max(sizes):g} µm); all are resampled",)
    return DatasetIndex(sources, tuple(rows), notes)


def _rows(source: CellSource, cache: bool) -> list[IndexRow]:
    try:
        state = files_hash(source)
        rows = read_cached(source, state) if cache else None
        if rows is None:
            rows = _measure(source)
            if cache:
                write_cached(source, state, rows)
    except CellForceError as error:
        rows = [IndexRow(source.cell, 0, (str(source.image),), 0.0, (), (), float("nan"), (str(error),))]
    return [dataclasses.replace(row, cell=source.cell) for row in rows]


def _measure(source: CellSource) -> list[IndexRow]:
    cell = open_cell(source)
    size = cell.image.pixel_size
    if size is None:
        raise CellForceError(
            f"{source.image} does not state its pixel size", "it is needed", "Specify it in µm."
        )
    meter, frames = BaselineMeter(), []
    for t in range(cell.image.n_frames):
        mask = cell.mask.frame(t)
        mean, problems = _measure_frame(cell, t, mask)
        frames.append((mean, problems))
        image = cell.image.frame(t)
        if not problems:
            meter.add(image, mask)
    try:
        baselines = meter.baselines()
        general = _contrast(baselines)
    except CellForceError as error:
        baselines, general = Baselines((), ()), (error.value,)
    named = tuple(str(path) for path in source.files)
    return [
        IndexRow(
            source.cell,
            t,
            (named[t],) if source.is_authors_layout else named,
            size.micron,
            baselines.inside,
            baselines.outside,
            mean,
            problems or general,
        )
        for t, (mean, problems) in enumerate(frames)
    ]


def _measure_frame(cell: MeasuredCell, t: int, mask: npt.NDArray[np.bool_]) -> tuple[float, tuple[str, ...]]:
    """Return the mean |F| of a frame, and its problems."""
    force = to_numpy(cell.traction.data[t], dtype=np.float64)
    problems = []
    if not mask.any():
        problems.append("the mask is empty")
    elif mask.all():
        problems.append("the mask covers the whole image")
    if not np.isfinite(force).all():
        problems.append("the traction has NaN or infinite values")
    elif not force.any():
        problems.append("no traction was measured")
    if cell.traction.quantity != "traction" or cell.traction.unit != "Pa":
        problems.append(f"the file holds {cell.traction.quantity} [{cell.traction.unit}], not traction [Pa]")
    if not np.isfinite(cell.image.frame(t)).all():
        problems.append("the image has NaN or infinite values")
    mean = float("nan") if problems else float(np.hypot(*force)[mask].mean())
    return mean, tuple(problems)


def _contrast(baselines: Baselines) -> tuple[str, ...]:
    dim = [c for c, (i, o) in enumerate(zip(baselines.inside, baselines.outside, strict=True)) if i <= o]
    return (f"channel {dim[0]} is not brighter inside the mask than outside",) if dim else ()


CACHE = ".cellforce-index.json"
"""File name of the cache next to the data."""


def files_hash(source: CellSource) -> str:
    """Return a hash of names, sizes and times of the files of a cell, and of its given pixel size.

    Raises
    ------
    CellForceError
        If a file of the cell is missing.
    """
    paths = [existing_path(path) for path in source.files]
    return cache_key([(str(path), *file_state(path)) for path in paths], source.pixel_size)


def read_cached(source: CellSource, state: str) -> list[IndexRow] | None:
    """Return the cached rows of a cell for this hash; None if there are none that can be read."""
    for path in _places(source):
        entry = read_record(path).get(source.image.name)
        if isinstance(entry, dict) and entry.get("state") == state:
            with contextlib.suppress(KeyError, TypeError, AttributeError):  # written by another version
                return [_row(values) for values in entry["rows"]]
    return None


def write_cached(source: CellSource, state: str, rows: list[IndexRow]) -> None:
    """Write the rows of a cell with this hash to the first cache that is writable."""
    entry = {"state": state, "rows": [dataclasses.asdict(row) for row in rows]}
    for path in _places(source):
        content = {**read_record(path), source.image.name: entry}
        with contextlib.suppress(CellForceError, OSError):
            write_record(path, content)
            return


def _places(source: CellSource) -> Sequence[Path]:
    """Return the possible caches of a cell: next to the data, or in the user's cache folder."""
    from platformdirs import user_cache_path

    folder = source.image.parent
    key = short_name(str(folder.resolve()))
    return folder / CACHE, user_cache_path("napari-cellforce", appauthor=False) / f"index-{key}.json"


def _row(values: dict[str, Any]) -> IndexRow:
    entries: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
    return IndexRow(**entries)
