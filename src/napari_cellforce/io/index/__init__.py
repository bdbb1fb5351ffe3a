"""Indexes of measured cells: which files, what is in them, what is wrong with them, and how to split them."""

from napari_cellforce.io.index.rows import DatasetIndex, IndexRow
from napari_cellforce.io.index.scan import index_cells
from napari_cellforce.io.index.source import FILES, CellSource
from napari_cellforce.io.index.sources import cells_by_pattern, cells_of, open_cell
from napari_cellforce.io.index.split import Split, k_fold, split_by_cell, split_by_column
from napari_cellforce.io.index.table import cells_from_table, write_cell_table

__all__ = [
    "FILES",
    "CellSource",
    "DatasetIndex",
    "IndexRow",
    "Split",
    "cells_by_pattern",
    "cells_from_table",
    "cells_of",
    "index_cells",
    "k_fold",
    "open_cell",
    "split_by_cell",
    "split_by_column",
    "write_cell_table",
]
