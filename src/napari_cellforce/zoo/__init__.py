"""The available models: bundled, downloadable from their authors, or imported by the user.

Importing this package does not load torch; only `load_predictor`, `load_weights` and `import_checkpoint` do,
when called.
"""

from napari_cellforce.zoo.downloads import download
from napari_cellforce.zoo.importing import UNET_WEIGHTS_HINT, import_checkpoint
from napari_cellforce.zoo.loading import load_predictor, load_weights
from napari_cellforce.zoo.local_files import ModelState, check, is_available, is_removable, remove, state
from napari_cellforce.zoo.registry import DEFAULT_MODEL, ZooEntry, entries, entry, model_folder

__all__ = [
    "DEFAULT_MODEL",
    "UNET_WEIGHTS_HINT",
    "ModelState",
    "ZooEntry",
    "check",
    "download",
    "entries",
    "entry",
    "import_checkpoint",
    "is_available",
    "is_removable",
    "load_predictor",
    "load_weights",
    "model_folder",
    "remove",
    "state",
]
