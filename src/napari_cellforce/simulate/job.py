"""The simulation job: cells made on all cores, as a generator that can be stopped and taken up again."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from napari_cellforce import __version__, files
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.fields import PixelSize
from napari_cellforce.io.dataset.folders import INDEX
from napari_cellforce.io.dataset.metadata import METADATA_FILE, DatasetMetadata, read_entries
from napari_cellforce.io.dataset.writing import CHANNELS, CellTables, write_tables
from napari_cellforce.process_pool import map_unordered, usable_cores
from napari_cellforce.simulate.cell import RECORDS, CellJob, simulate_cell
from napari_cellforce.simulate.config import SimulateConfig

CellOutcome = Literal["made", "kept", "failed"]


@dataclass(frozen=True)
class CellReport:
    """What became of a cell.

    Attributes
    ----------
    name : str
    outcome : {"made", "kept", "failed"}
        Kept: its files were there from an earlier run.
    done, total : int
        Cells so far, this one included, and in all.
    reason : str
        Why it failed.
    """

    name: str
    outcome: CellOutcome
    done: int
    total: int
    reason: str = ""


def simulate_cells(
    config: SimulateConfig, out: str | os.PathLike[str], workers: int | None = None
) -> Iterator[CellReport]:
    """Simulate a data set and write it to a folder, in the authors' layout and as OME-TIFF.

    The same settings give the same files, byte by byte, on any number of cores. If the job is stopped or
    fails, the cells finished so far are a valid data set. Another call goes on from there, even after a kill.

    Parameters
    ----------
    config : SimulateConfig
    out : path-like
        Becomes the root of the data set.
    workers : int, optional
        Processes; by default one per core.

    Yields
    ------
    CellReport
        One a cell, in the order in which they are finished.

    Raises
    ------
    CellForceError
        If the folder holds something else, or cannot be written. A cell that cannot be made is reported,
        and the job goes on.
    """
    out = Path(out).absolute()
    workers = usable_cores() if workers is None else workers
    _check_workers(workers)
    prepare_folder(config, out)
    check_disk_space(config, out)
    jobs = [CellJob(config, index, out) for index in range(config.cells)]
    finished = _finished(jobs)
    missing = [job for job in jobs if job.index not in finished]
    try:
        for done, index in enumerate(tuple(finished), start=1):
            yield CellReport(config.name(index), "kept", done, config.cells)
        yield from _make(missing, workers, finished)
    finally:
        _write_tables(jobs, finished)


def _make(jobs: Sequence[CellJob], workers: int, finished: dict[int, CellTables]) -> Iterator[CellReport]:
    """Make cells and enter them into `finished`."""
    with contextlib.closing(map_unordered(simulate_cell, jobs, workers)) as results:
        for done, (job, result) in enumerate(results, start=len(finished) + 1):
            if isinstance(result, str):
                yield CellReport(job.name, "failed", done, job.config.cells, result)
            else:
                finished[job.index] = result
                yield CellReport(job.name, "made", done, job.config.cells)


def _finished(jobs: Sequence[CellJob]) -> dict[int, CellTables]:
    return {job.index: tables for job in jobs if (tables := job.finished())}


def _write_tables(jobs: Sequence[CellJob], finished: dict[int, CellTables]) -> None:
    """Write the tables of all cells there are, also of those that the processes finished after a stop."""
    late = _finished([job for job in jobs if job.index not in finished])
    cells = sorted((finished | late).items())
    if cells:
        write_tables(jobs[0].out, [tables for _, tables in cells])


def _check_workers(workers: int) -> None:
    if workers < 1:
        raise CellForceError(
            f"{workers} processes are to work", "at least 1 is needed", "Change it.", topic=Topic.WORKERS
        )


_SETTINGS = "settings"
_BYTES_PER_PIXEL = 45
"""Of a frame: eight channels of 4 bytes in the ``.npy``; two of 2, two of 4 and a mask in the OME-TIFFs."""
_BYTES_PER_PIXEL_MEASURED = 8


def prepare_folder(config: SimulateConfig, out: Path) -> None:
    """Make the folder ready: write the notes, drop what a killed run left half written.

    Raises
    ------
    CellForceError
        If the folder holds something else, or cannot be written.
    """
    _refuse_other_data(config, out)
    files.write_text(out / METADATA_FILE, json.dumps(_notes(config), indent=1, ensure_ascii=False) + "\n")
    for left_over in out.glob("*/.*.partial"):
        left_over.unlink()


def check_disk_space(config: SimulateConfig, out: Path) -> None:
    """Refuse to begin what cannot end: the cells that are not there yet must fit on the disk.

    Raises
    ------
    CellForceError
    """
    cells = config.cells - sum(1 for _ in _records(out))
    per_pixel = _BYTES_PER_PIXEL + config.measured * _BYTES_PER_PIXEL_MEASURED
    needed = per_pixel * config.side**2 * config.frames * cells
    free = shutil.disk_usage(out).free
    if needed > free:
        raise CellForceError(
            f"{cells} cells need up to {needed / 1e9:.3g} GB, and the disk of {out} has {free / 1e9:.3g} GB",
            "they must fit",
            "Free some space, choose another output folder, or make fewer or smaller cells.",
            topic=Topic.OUTPUT,
        )


def _refuse_other_data(config: SimulateConfig, out: Path) -> None:
    found = _other_data(config, out)
    if found:
        raise CellForceError(
            f"{out} holds {found}",
            "a folder holds one data set",
            "Choose another output folder.",
            topic=Topic.OUTPUT,
        )


def _other_data(config: SimulateConfig, out: Path) -> str:
    """Say what the folder holds that does not belong to this data set; empty if there is nothing."""
    if not any(_records(out)):
        return "another data set" if (out / INDEX).exists() else ""
    if not (out / METADATA_FILE).exists():
        return f"simulated cells, and {METADATA_FILE}, which tells their settings, is missing"
    unlike = _differences(read_entries(out / METADATA_FILE).get(_SETTINGS), dataclasses.asdict(config))
    return f"other simulated cells ({', '.join(unlike)})" if unlike else ""


def _records(out: Path) -> Iterator[Path]:
    return (out / RECORDS).glob("*.json")


def _differences(before: Any, now: dict[str, Any]) -> list[str]:
    """Name the settings that differ; there may be more or fewer cells than before.

    A setting that was not written is one that there was not: it has its default.
    """
    before = dataclasses.asdict(SimulateConfig()) | before if isinstance(before, dict) else {}
    return [
        f"{name.replace('_', ' ')} {before.get(name)} instead of {value}"
        for name, value in now.items()
        if name != "cells" and before.get(name) != value
    ]


def _notes(config: SimulateConfig) -> dict[str, Any]:
    population = config.population()
    one = population.recipes[0].config
    first, second = (look.name for look in one.proteins)
    notes = DatasetMetadata(PixelSize.square(config.pixel_size), one.frame_interval, (first, second))
    return {
        "made by": f"napari-cellforce {__version__}",
        **notes.entries(),
        "channels": CHANNELS,
        "displacement and traction": "as measured by an instrument" if config.measured else "exact",
        _SETTINGS: dataclasses.asdict(config),
        "population": json.loads(population.to_json()),
    }
