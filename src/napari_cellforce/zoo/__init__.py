"""The available models: bundled, downloadable from their authors, or imported by the user.

Importing this package does not load torch; only `load_predictor`, `load_weights` and `import_checkpoint` do,
when called.
"""

from napari_cellforce.zoo.catalogue import DEFAULT_MODEL, ZooEntry, entries, entry, model_folder
from napari_cellforce.zoo.fetching import download
from napari_cellforce.zoo.importing import WEIGHTS_ELSEWHERE, import_checkpoint
from napari_cellforce.zoo.keeping import State, can_be_removed, check, is_available, remove, state
from napari_cellforce.zoo.loading import load_predictor, load_weights

__all__ = [
    "DEFAULT_MODEL",
    "WEIGHTS_ELSEWHERE",
    "State",
    "ZooEntry",
    "can_be_removed",
    "check",
    "download",
    "entries",
    "entry",
    "import_checkpoint",
    "is_available",
    "load_predictor",
    "load_weights",
    "model_folder",
    "remove",
    "state",
]
