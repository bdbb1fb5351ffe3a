"""One cell of a data set: simulated, and written whole or not at all."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from napari_cellforce import __version__
from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import Provenance, VectorField
from napari_cellforce.io import write_field, write_mask, write_stack
from napari_cellforce.io.dataset.writing import CellTables, frame_name, write_frame
from napari_cellforce.physics.halfspace import displacement
from napari_cellforce.resume import cache_key, file_sizes, is_valid, read_record, write_record
from napari_cellforce.simulate.config import SimulateConfig
from napari_cellforce.synthetic import CellConfig, Instrument, SheetMechanics, SyntheticCell, simulate

IMAGES, TRACTION, MEASURED, MASKS, RECORDS = "images", "traction", "measured", "masks", "records"
"""Folders beside the cells', with one file a cell. Those of the cells hold frames and nothing else, for the
authors' programs read all files in them."""

_BORDER = 1.0
"""Of the gel around the image when it is pulled, in image sides."""


@dataclass(frozen=True)
class CellJob:
    """A cell to be made.

    Attributes
    ----------
    config : SimulateConfig
    index : int
        Of the cell in the population.
    out : Path
        Root of the data set.
    """

    config: SimulateConfig
    index: int
    out: Path

    @property
    def name(self) -> str:
        """Name of the cell, its folder and its files."""
        return self.config.name(self.index)

    @property
    def record(self) -> Path:
        """The file that is written last, and says what the others are."""
        return self.out / RECORDS / f"{self.name}.json"

    @cached_property
    def cell_config(self) -> CellConfig:
        """Settings of the cell."""
        return self.config.population().cell_config(self.index)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all that the cell depends on."""
        parts = (__version__, self.config.seed, self.index, self.cell_config.to_json())
        return cache_key(*parts)

    def simulate(self) -> SyntheticCell:
        """Return the cell."""
        return simulate(self.cell_config, self.config.population().seed_of(self.index))

    def finished(self) -> CellTables | None:
        """Return what the tables say of the cell if all its files are there, made with these settings."""
        try:
            record = read_record(self.record)
            if not is_valid(record["fingerprint"], self.fingerprint, self.out, record["files"]):
                return None
            return CellTables(**record["tables"])
        except (ValueError, KeyError, TypeError, AttributeError):
            return None


def simulate_cell(job: CellJob) -> CellTables | str:
    """Simulate a cell and write its files; the same bytes on any number of cores.

    Returns
    -------
    CellTables or str
        What the tables say of the cell; or why it cannot be made.

    Raises
    ------
    CellForceError
        If the files cannot be written.
    """
    # The order in which threads of the linear algebra add up would show in the last digits.
    with threadpool_limits(limits=1):
        try:
            cell = job.simulate()
        except CellForceError as error:
            return str(error)
        except MemoryError:
            return str(_out_of_memory(job.config.side))
        return _write(job, cell)


def _out_of_memory(side: int) -> CellForceError:
    return CellForceError(
        f"memory ran out on an image of {side} x {side} pixels",
        "every process needs room for a cell of its own",
        "Make the images smaller, or use fewer processes.",
    )


def _write(job: CellJob, cell: SyntheticCell) -> CellTables:
    job.record.unlink(missing_ok=True)
    shown, traction = cell.image, _stored_traction(cell)
    mask = cell.mask.frame(0)
    paths = [
        write_frame(job.out / job.name / frame_name(t), u, traction.data[t], mask, shown.data[t])
        for t, u in enumerate(_displacements(cell))
    ]
    paths += _write_ome(job, cell)
    tables = CellTables.of(job.name, shown.data, traction.data, mask)
    record = {
        "fingerprint": job.fingerprint,
        "version": __version__,
        "seed": job.config.seed,
        "index": job.index,
        "files": file_sizes(job.out, (path.relative_to(job.out).as_posix() for path in paths)),
        "tables": dataclasses.asdict(tables),
        "settings": json.loads(job.cell_config.to_json()),
    }
    write_record(job.record, record, indent=1)
    return tables


def _write_ome(job: CellJob, cell: SyntheticCell) -> list[Path]:
    name = f"{job.name}.ome.tif"
    image = dataclasses.replace(cell.image, name=job.name)
    paths = [
        write_stack(job.out / IMAGES / name, image),
        write_mask(job.out / MASKS / name, cell.mask, cell.image.pixel_size),
    ]
    for folder, field in ((TRACTION, cell.traction), (MEASURED, cell.measured)):
        if field is not None:
            made = dataclasses.replace(field, name=job.name, provenance=_provenance(job, folder))
            paths.append(write_field(job.out / folder / name, made))
    return paths


def _stored_traction(cell: SyntheticCell) -> VectorField:
    """Return the traction that the frames hold: measured if there is an instrument."""
    traction = cell.measured or cell.traction
    assert traction is not None, "populations of fibroblasts have mechanics"
    return traction


def _displacements(cell: SyntheticCell) -> Any:
    """Return the displacement of the gel in µm, frame by frame (2, Y, X): measured, or else exact."""
    if cell.displacement is not None:
        return cell.displacement.data
    gel = Instrument().substrate
    size = cell.config.pixel_size
    return (
        displacement(now, size, gel.young, gel.poisson, gel.thickness, padding=_BORDER)
        for now in np.asarray(_stored_traction(cell).data, dtype=np.float64)
    )


def _provenance(job: CellJob, folder: str) -> Provenance:
    """Return how a field came about; without date and number of cells, on which the file does not depend."""
    kind = "sheet" if isinstance(job.cell_config.mechanics, SheetMechanics) else "fibres"
    seen = ", measured" if folder == MEASURED else ""
    settings = dataclasses.asdict(job.config) | {"cell": job.index}
    del settings["cells"]
    return Provenance(model=f"simulated {kind}{seen}", version=__version__, settings=settings)
