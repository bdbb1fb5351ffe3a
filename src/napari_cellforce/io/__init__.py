"""Reading and writing of images, masks, fields and tables; axes are reordered here and only here."""

from napari_cellforce.io.dataset import MeasuredCell, list_cells, read_cell
from napari_cellforce.io.field import is_field, read_field
from napari_cellforce.io.from_layers import stack_from_layers
from napari_cellforce.io.omezarr import OmeZarrWriter
from napari_cellforce.io.partial_read import read_partial
from napari_cellforce.io.read import images_in, read, read_mask
from napari_cellforce.io.scalar import ScalarWriter, is_scalar, read_scalar
from napari_cellforce.io.sniff import FileKind, detect_kind
from napari_cellforce.io.validate import check_frame, check_pixel_size
from napari_cellforce.io.write import (
    FieldWriter,
    field_writer,
    write_field,
    write_mask,
    write_scalar,
    write_stack,
    write_table,
)

__all__ = [
    "FieldWriter",
    "FileKind",
    "MeasuredCell",
    "OmeZarrWriter",
    "ScalarWriter",
    "check_frame",
    "check_pixel_size",
    "detect_kind",
    "field_writer",
    "images_in",
    "is_field",
    "is_scalar",
    "list_cells",
    "read",
    "read_cell",
    "read_field",
    "read_mask",
    "read_partial",
    "read_scalar",
    "stack_from_layers",
    "write_field",
    "write_mask",
    "write_scalar",
    "write_stack",
    "write_table",
]
