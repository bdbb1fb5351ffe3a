"""OME-Zarr (OME-NGFF 0.4 and 0.5): images and fields as folders of chunks, read and written."""

from napari_cellforce.io.omezarr.field import is_field, read_field
from napari_cellforce.io.omezarr.images import images_in, open_image, written_frames
from napari_cellforce.io.omezarr.planes import is_zarr
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
