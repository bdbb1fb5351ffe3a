"""From images of beads to tractions: traction force microscopy as a job."""

from napari_cellforce.tfm.config import TfmConfig
from napari_cellforce.tfm.doubts import doubt_about_direction, doubt_about_substrate
from napari_cellforce.tfm.folder import FolderConfig, FolderEvent, beads_at_rest, run_folder
from napari_cellforce.tfm.inversion import from_displacement, from_displacements, tractions, window_of
from napari_cellforce.tfm.job import TfmJob, prepare
from napari_cellforce.tfm.pairs import BeadFiles, PairWords, find_pairs
from napari_cellforce.tfm.quantities import region_rows, region_table
from napari_cellforce.tfm.records import TfmDisplacement, TfmFrame
from napari_cellforce.tfm.result import TfmResult
from napari_cellforce.tfm.training_cell import write_training_cell
from napari_cellforce.tfm.writing import TfmPaths, tfm_to_files

__all__ = [
    "BeadFiles",
    "FolderConfig",
    "FolderEvent",
    "PairWords",
    "TfmConfig",
    "TfmDisplacement",
    "TfmFrame",
    "TfmJob",
    "TfmPaths",
    "TfmResult",
    "beads_at_rest",
    "doubt_about_direction",
    "doubt_about_substrate",
    "find_pairs",
    "from_displacement",
    "from_displacements",
    "prepare",
    "region_rows",
    "region_table",
    "run_folder",
    "tfm_to_files",
    "tractions",
    "window_of",
    "write_training_cell",
]
