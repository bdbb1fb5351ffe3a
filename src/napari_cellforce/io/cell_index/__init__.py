"""Indexes of measured cells: their files, statistics, problems, and training splits."""

from napari_cellforce.io.cell_index.rows import DatasetIndex, IndexRow
from napari_cellforce.io.cell_index.scan import index_cells
from napari_cellforce.io.cell_index.sources import (
    FILES,
    CellSource,
    cells_by_pattern,
    cells_from_table,
    find_cells,
    open_cell,
    write_cell_table,
)
from napari_cellforce.io.cell_index.split import Split, k_fold, split_by_cell, split_by_column

__all__ = [
    "FILES",
    "CellSource",
    "DatasetIndex",
    "IndexRow",
    "Split",
    "cells_by_pattern",
    "cells_from_table",
    "find_cells",
    "index_cells",
    "k_fold",
    "open_cell",
    "split_by_cell",
    "split_by_column",
    "write_cell_table",
]
