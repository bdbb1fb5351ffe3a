"""The authors' layout: one folder per cell, one ``.npy`` per frame; x before y in the file, y before x here.

A frame is ``[7 or 8, L, L]``: u_x, u_y, F_x, F_y, mask, forcemask, zyxin[, other protein]; F in Pa.
Source: Schmitt et al., Cell 187:481 (2024), released code and data. These files contain neither the pixel
size nor the frame interval, and the unit of u is not documented; a metadata file may state them.
"""

from napari_cellforce.io.dataset.cell import MeasuredCell, read_cell, read_image
from napari_cellforce.io.dataset.folders import contains_frames, is_dataset, list_cells
from napari_cellforce.io.dataset.frames import is_frame, load_npy

__all__ = [
    "MeasuredCell",
    "contains_frames",
    "is_dataset",
    "is_frame",
    "list_cells",
    "load_npy",
    "read_cell",
    "read_image",
]
