"""The simulation job: cells made on all cores, as a generator that can be stopped and taken up again."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from napari_cellforce.errors import CellForceError
from napari_cellforce.io.dataset.writing import CellTables, write_tables
from napari_cellforce.simulate.cell import CellJob, make_cell
from napari_cellforce.simulate.config import SimulateConfig
from napari_cellforce.simulate.folder import check_room, prepare
from napari_cellforce.simulate.pool import map_unordered, usable_cores

Outcome = Literal["made", "kept", "failed"]


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
    outcome: Outcome
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
        Processes; by default one a core. A script that uses more than one needs the usual
        ``if __name__ == "__main__":``.

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
    prepare(config, out)
    check_room(config, out)
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
    with contextlib.closing(map_unordered(make_cell, jobs, workers)) as results:
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
            f"{workers} processes are to work", "at least 1 is needed", "Change it.", topic="workers"
        )
