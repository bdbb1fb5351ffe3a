"""Reading and writing of OME-Zarr (OME-NGFF 0.4 and 0.5)."""

from napari_cellforce.io.omezarr.planes import is_zarr
from napari_cellforce.io.omezarr.read import images_in, is_field, open_image, read_field, written_frames
from napari_cellforce.io.omezarr.write import OmeZarrWriter, write_stack

__all__ = [
    "OmeZarrWriter",
    "images_in",
    "is_field",
    "is_zarr",
    "open_image",
    "read_field",
    "write_stack",
    "written_frames",
]
