"""From images of beads to tractions: traction force microscopy as a job."""

from typing import TYPE_CHECKING

from napari_cellforce.lazy import lazy_names

if TYPE_CHECKING:
    from napari_cellforce.tfm.config import TfmConfig
    from napari_cellforce.tfm.file_pairing import BeadFiles, NameTokens, find_pairs
    from napari_cellforce.tfm.folder import FolderConfig, FolderEvent, read_reference, run_folder
    from napari_cellforce.tfm.job import (
        TfmDisplacement,
        TfmFrame,
        TfmJob,
        compute_tractions,
        invert_displacement,
        invert_displacements,
        piv_window,
        prepare,
    )
    from napari_cellforce.tfm.output import TfmPaths, TfmResult, tfm_to_files
    from napari_cellforce.tfm.plausibility import check_direction, check_substrate
    from napari_cellforce.tfm.regions import region_rows, region_table
    from napari_cellforce.tfm.training_cell import write_training_cell

__all__ = [
    "BeadFiles",
    "FolderConfig",
    "FolderEvent",
    "NameTokens",
    "TfmConfig",
    "TfmDisplacement",
    "TfmFrame",
    "TfmJob",
    "TfmPaths",
    "TfmResult",
    "check_direction",
    "check_substrate",
    "compute_tractions",
    "find_pairs",
    "invert_displacement",
    "invert_displacements",
    "piv_window",
    "prepare",
    "read_reference",
    "region_rows",
    "region_table",
    "run_folder",
    "tfm_to_files",
    "write_training_cell",
]

__getattr__ = lazy_names(
    __name__,
    {
        "napari_cellforce.tfm.config": ("TfmConfig",),
        "napari_cellforce.tfm.file_pairing": (
            "BeadFiles",
            "NameTokens",
            "find_pairs",
        ),
        "napari_cellforce.tfm.folder": (
            "FolderConfig",
            "FolderEvent",
            "read_reference",
            "run_folder",
        ),
        "napari_cellforce.tfm.job": (
            "TfmDisplacement",
            "TfmFrame",
            "TfmJob",
            "compute_tractions",
            "invert_displacement",
            "invert_displacements",
            "piv_window",
            "prepare",
        ),
        "napari_cellforce.tfm.output": (
            "TfmPaths",
            "TfmResult",
            "tfm_to_files",
        ),
        "napari_cellforce.tfm.plausibility": (
            "check_direction",
            "check_substrate",
        ),
        "napari_cellforce.tfm.regions": (
            "region_rows",
            "region_table",
        ),
        "napari_cellforce.tfm.training_cell": ("write_training_cell",),
    },
)
