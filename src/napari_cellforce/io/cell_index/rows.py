"""The index of measured cells: one row per frame, and summaries."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.io.cell_index.sources import CellSource
from napari_cellforce.preprocess.normalise import Baselines


@dataclass(frozen=True)
class IndexRow:
    """One frame of a measured cell.

    Attributes
    ----------
    cell : str
    frame : int
        Index in the cell, from 0.
    files : tuple of str
    pixel_size : float
        Pixel size in µm.
    inside, outside : tuple of float
        Baselines of the cell over all its frames, one per channel, in counts.
    mean_traction : float
        Mean of |F| in the mask, in Pa.
    problems : tuple of str
        Reasons why the frame cannot be used; empty if it can.
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
        Remarks on the whole data set for the user ("pixel sizes differ").
    """

    sources: tuple[CellSource, ...]
    rows: tuple[IndexRow, ...]
    notes: tuple[str, ...] = ()

    @property
    def cells(self) -> tuple[str, ...]:
        """Names of the cells with at least one usable frame."""
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
        """Return the mean intensities of a cell inside and outside its mask, in counts."""
        row = next(row for row in self.rows if row.cell == cell)
        return Baselines(row.inside, row.outside)

    def table(self) -> pd.DataFrame:
        """Return a table with one row per frame, with units in the names of the columns."""
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
        """Refuse an index without a usable frame.

        Raises
        ------
        CellForceError
            If there is none; the message states the first problem.
        """
        if not self.usable:
            first = next((row for row in self.rows if row.problems), None)
            found = f"{first.cell}, frame {first.frame}: {first.problems[0]}" if first else "no frames"
            raise CellForceError(
                f"no frame can be used for training ({found})",
                "images, masks and measured tractions are needed",
                "Check the table of problems, and correct or exclude the cells.",
                topic=Topic.INPUT,
            )
