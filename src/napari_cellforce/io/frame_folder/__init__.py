"""Reading of a folder of single frames as one movie: ``t000.tif``, ``t001.tif`` ..."""

from napari_cellforce.io.frame_folder.file_names import FrameFiles, frame_files
from napari_cellforce.io.frame_folder.read import is_frame_folder, open_frames, open_image

__all__ = ["FrameFiles", "frame_files", "is_frame_folder", "open_frames", "open_image"]
