"""Writing of the authors' layout: frames, and the tables that their loader reads.

The columns and their definitions are those of the released example data set and the notebook that
created it (github.com/schmittms/cell_force_prediction, DataProcessing.ipynb and utils/data_processing.py):
proteins as means inside and outside the cell mask, tractions as mean, maximum and 99th percentile of |F| over
the **whole frame**, all averaged over the frames of a cell; by data set, averaged over its cells. The name
of a data set is the part of the cell name before the first ``_``.
"""

from __future__ import annotations

import csv
import io
import os
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from napari_cellforce import files
from napari_cellforce.fields import BoolArray
from napari_cellforce.io.dataset.folders import INDEX

PROTEIN_TABLE = "cell_mean_baselines.csv"
FORCE_TABLE = "cell_force_baselines.csv"
DATASET_FORCE_TABLE = "cell_force_baselines_bydataset.csv"

CHANNELS = (
    "u_x [µm]",
    "u_y [µm]",
    "F_x [Pa]",
    "F_y [Pa]",
    "mask",
    "forcemask",
    "zyxin",
    "actin",
)
"""Channels of a frame, in the order of the file. The force mask is written equal to the mask; it is not
read here. The authors call the second protein actin whatever it is."""

_PERCENTILE = 99


@dataclass(frozen=True)
class CellTables:
    """Entries of one cell in the tables of a data set.

    Attributes
    ----------
    folder : str
    frames : int
        Number of frames, numbered from 0.
    inside, outside : tuple of 2 float
        Mean intensity of the proteins inside and outside the mask, in counts.
    mean, maximum, percentile99 : float
        Statistics of ``|F|`` over the whole frame, averaged over the frames, in Pa.
    """

    folder: str
    frames: int
    inside: tuple[float, float]
    outside: tuple[float, float]
    mean: float
    maximum: float
    percentile99: float

    @classmethod
    def of(cls, folder: str, proteins: npt.ArrayLike, traction: npt.ArrayLike, mask: BoolArray) -> CellTables:
        """Compute the entries of a cell.

        Parameters
        ----------
        folder : str
        proteins : (T, 2, Y, X) array
            In counts.
        traction : (T, 2, Y, X) array
            In Pa.
        mask : (Y, X) bool array
            Mask that is neither empty nor full.
        """
        images = np.asarray(proteins, dtype=np.float64)
        magnitude = np.linalg.norm(np.asarray(traction, dtype=np.float64), axis=1).reshape(len(images), -1)
        first, second = images[:, :, mask].mean(axis=(0, 2)).tolist()
        first_outside, second_outside = images[:, :, ~mask].mean(axis=(0, 2)).tolist()
        return cls(
            folder,
            len(images),
            (first, second),
            (first_outside, second_outside),
            float(magnitude.mean()),
            float(magnitude.max(axis=1).mean()),
            float(np.percentile(magnitude, _PERCENTILE, axis=1).mean()),
        )

    @property
    def baselines(self) -> dict[str, float]:
        """Columns of the protein table."""
        return {
            f"{protein}_lifetime_mean_{side}": means[channel]
            for channel, protein in enumerate(("zyxin", "actin"))
            for side, means in (("outside", self.outside), ("inside", self.inside))
        }

    @property
    def forces(self) -> dict[str, float]:
        """Columns of the force tables, in Pa."""
        return {
            "F_lifetime_mean_avg": self.mean,
            "F_lifetime_max_avg": self.maximum,
            "F_lifetime_99pct_avg": self.percentile99,
        }

    @property
    def dataset(self) -> str:
        """Name of the data set that the cell belongs to."""
        return self.folder.split("_")[0]


def frame_name(number: int) -> str:
    """Return the file name of a frame."""
    return f"frame_{number}.npy"


def write_frame(
    path: str | os.PathLike[str],
    displacement: npt.ArrayLike,
    traction: npt.ArrayLike,
    mask: BoolArray,
    proteins: npt.ArrayLike,
) -> Path:
    """Write one frame, ``(8, Y, X)`` float32 in the order of `CHANNELS`, x before y.

    Parameters
    ----------
    path : path-like
    displacement : (2, Y, X) array
        (y, x) in µm.
    traction : (2, Y, X) array
        (y, x) in Pa.
    mask : (Y, X) bool array
    proteins : (2, Y, X) array
        In counts.

    Raises
    ------
    CellForceError
        If the file cannot be written.
    """
    x_first = [np.asarray(field)[::-1] for field in (displacement, traction)]
    frame = np.concatenate([*x_first, [mask, mask], np.asarray(proteins)], dtype=np.float32)
    with files.atomic_path(path) as temporary, temporary.open("wb") as file:
        np.save(file, frame)
    return Path(path)


def write_tables(root: str | os.PathLike[str], cells: Sequence[CellTables]) -> None:
    """Write ``dataset.csv`` and the three tables of baselines of a data set of at least one cell.

    Raises
    ------
    CellForceError
        If the files cannot be written.
    """
    root = Path(root)
    frames = [
        {"folder": cell.folder, "filename": frame_name(t), "frame": t}
        for cell in cells
        for t in range(cell.frames)
    ]
    means = _dataset_means(cells)
    _write(root / PROTEIN_TABLE, [{"cell": cell.folder, **cell.baselines} for cell in cells])
    _write(root / FORCE_TABLE, [{"cell": cell.folder, **cell.forces} for cell in cells])
    _write(
        root / DATASET_FORCE_TABLE,
        [{"cell": cell.folder, **means[cell.dataset], "dataset": cell.dataset} for cell in cells],
    )
    _write(root / INDEX, frames)


def _dataset_means(cells: Sequence[CellTables]) -> dict[str, dict[str, float]]:
    groups: dict[str, list[CellTables]] = defaultdict(list)
    for cell in cells:
        groups[cell.dataset].append(cell)
    return {
        name: {column: statistics.fmean(cell.forces[column] for cell in group) for column in group[0].forces}
        for name, group in groups.items()
    }


def _write(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    files.write_text(path, text.getvalue())
