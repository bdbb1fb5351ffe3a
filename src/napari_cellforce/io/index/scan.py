"""What is in the files of measured cells: read once, then kept."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from napari_cellforce import files
from napari_cellforce.errors import CellForceError
from napari_cellforce.io.dataset import MeasuredCell
from napari_cellforce.io.index.source import CellSource
from napari_cellforce.io.index.sources import open_cell
from napari_cellforce.io.paths import existing_path
from napari_cellforce.preprocess.normalise import BaselineMeter, Baselines

CACHE = ".cellforce-index.json"
"""File beside the data that keeps what was measured."""

_PIXELS_DIFFER = 0.01


@dataclass(frozen=True)
class IndexRow:
    """One frame of a measured cell.

    Attributes
    ----------
    cell : str
    frame : int
        Number in the cell, from 0.
    files : tuple of str
    pixel_size : float
        In µm.
    inside, outside : tuple of float
        The cell's baselines over all its frames, one a channel, in counts.
    mean_traction : float
        Mean of |F| in the mask, in Pa.
    problems : tuple of str
        Why it cannot be used; empty if it can.
    """

    cell: str
    frame: int
    files: tuple[str, ...]
    pixel_size: float
    inside: tuple[float, ...]
    outside: tuple[float, ...]
    mean_traction: float
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class DatasetIndex:
    """Measured cells, frame by frame.

    Attributes
    ----------
    sources : tuple of CellSource
    rows : tuple of IndexRow
    notes : tuple of str
        What a user would want to know of the whole ("pixel sizes differ").
    """

    sources: tuple[CellSource, ...]
    rows: tuple[IndexRow, ...]
    notes: tuple[str, ...] = ()

    @property
    def cells(self) -> tuple[str, ...]:
        """Names of the cells that have a frame to learn from."""
        return tuple(dict.fromkeys(row.cell for row in self.usable))

    @property
    def usable(self) -> tuple[IndexRow, ...]:
        """The frames without problems."""
        return tuple(row for row in self.rows if not row.problems)

    @property
    def mean_traction(self) -> float:
        """Mean of |F| over cells and their frames, in Pa."""
        return float(np.mean([row.mean_traction for row in self.usable]))

    def without(self, cells: Collection[str]) -> DatasetIndex:
        """Return the index of the other cells."""
        return dataclasses.replace(
            self,
            sources=tuple(source for source in self.sources if source.cell not in cells),
            rows=tuple(row for row in self.rows if row.cell not in cells),
        )

    def baselines(self, cell: str) -> Baselines:
        """Return the brightness of a cell inside and outside its outline, in counts."""
        row = next(row for row in self.rows if row.cell == cell)
        return Baselines(row.inside, row.outside)

    def table(self) -> pd.DataFrame:
        """Return one row a frame, units in the columns' names."""
        return pd.DataFrame(
            {
                "cell": row.cell,
                "frame": row.frame,
                "files": "; ".join(row.files),
                "pixel size [µm]": row.pixel_size,
                "inside [counts]": ", ".join(f"{v:.4g}" for v in row.inside),
                "outside [counts]": ", ".join(f"{v:.4g}" for v in row.outside),
                "mean |F| [Pa]": row.mean_traction,
                "problems": "; ".join(row.problems),
            }
            for row in self.rows
        )

    def statistics(self, bins: int = 20) -> dict[str, Any]:
        """Return numbers of cells and frames, the mean |F|, and its histogram over frames."""
        means = [row.mean_traction for row in self.usable]
        counts, edges = np.histogram(means, bins=bins) if means else (np.zeros(0), np.zeros(0))
        return {
            "cells": len(self.cells),
            "frames": len(means),
            "frames with problems": len(self.rows) - len(means),
            "mean |F| [Pa]": self.mean_traction if means else float("nan"),
            "histogram of mean |F|": {"frames": counts.tolist(), "edges [Pa]": edges.tolist()},
        }

    def require_usable(self) -> None:
        """Refuse an index without a frame to learn from.

        Raises
        ------
        CellForceError
            Naming the first problem.
        """
        if not self.usable:
            first = next((row for row in self.rows if row.problems), None)
            found = f"{first.cell}, frame {first.frame}: {first.problems[0]}" if first else "no frames"
            raise CellForceError(
                f"no frame can be learnt from ({found})",
                "images, outlines and measured tractions are needed",
                "Look at the table of problems (`cellforce train --check`) and mend or leave out the cells.",
                topic="input",
            )


def index_cells(
    sources: Iterable[CellSource], *, cache: bool = True, progress: Callable[[str], None] | None = None
) -> DatasetIndex:
    """Read all cells once: baselines, mean |F|, and problems frame by frame.

    Parameters
    ----------
    sources : iterable of CellSource
    cache : bool
        Keep what was measured beside the data (in the user's cache where that cannot be written), and use
        it as long as the files have not changed.
    progress : callable, optional
        Told the name of each cell before it is read.
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
        state = _state(source)
        kept = _kept(source, state) if cache else None
        if kept is None:
            kept = _measure(source)
            if cache:
                _keep(source, state, kept)
    except CellForceError as error:
        kept = [IndexRow(source.cell, 0, (str(source.image),), 0.0, (), (), float("nan"), (str(error),))]
    return [dataclasses.replace(row, cell=source.cell) for row in kept]


def _measure(source: CellSource) -> list[IndexRow]:
    cell = open_cell(source)
    size = cell.image.pixel_size
    if size is None:
        raise CellForceError(
            f"{source.image} does not say its pixel size", "it is needed", "Give it in µm (--pixel-size)."
        )
    meter, frames = BaselineMeter(), []
    for t in range(cell.image.n_frames):
        mask = cell.mask.frame(t)
        mean, problems = _judge(cell, t, mask)
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
            (named[t],) if source.in_the_authors_layout else named,
            size.micron,
            baselines.inside,
            baselines.outside,
            mean,
            problems or general,
        )
        for t, (mean, problems) in enumerate(frames)
    ]


def _judge(cell: MeasuredCell, t: int, mask: npt.NDArray[np.bool_]) -> tuple[float, tuple[str, ...]]:
    """Return a frame's mean |F| and what is wrong with it."""
    force = np.asarray(cell.traction.data[t], dtype=np.float64)
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


def _state(source: CellSource) -> str:
    """Return a hash of names, sizes and times of a cell's files, and of what was told of it."""
    paths = [existing_path(path) for path in source.files]
    parts = [(str(p), p.stat().st_size, p.stat().st_mtime_ns) for p in paths]
    return hashlib.sha256(repr((parts, source.pixel_size)).encode()).hexdigest()


def _places(source: CellSource) -> Sequence[Path]:
    """Return where the cache of a cell may be: beside the data, or in the user's cache folder."""
    from platformdirs import user_cache_path

    folder = source.image.parent
    key = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
    return folder / CACHE, user_cache_path("napari-cellforce", appauthor=False) / f"index-{key}.json"


def _kept(source: CellSource, state: str) -> list[IndexRow] | None:
    for place in _places(source):
        entry = _read(place).get(source.image.name)
        if isinstance(entry, dict) and entry.get("state") == state:
            return [_row(values) for values in entry["rows"]]
    return None


def _row(values: dict[str, Any]) -> IndexRow:
    entries: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
    return IndexRow(**entries)


def _keep(source: CellSource, state: str, rows: list[IndexRow]) -> None:
    for place in _places(source):
        content = _read(place)
        content[source.image.name] = {"state": state, "rows": [dataclasses.asdict(row) for row in rows]}
        try:
            files.write_text(place, json.dumps(content, ensure_ascii=False))
        except (CellForceError, OSError):
            continue
        return


def _read(place: Path) -> dict[str, Any]:
    try:
        content = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
