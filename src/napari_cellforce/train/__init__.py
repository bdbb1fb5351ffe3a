"""Training on measured or simulated cells: training, fine-tuning, calibration.

Settings are there at once; what needs torch is loaded when it is first used.
"""

from typing import TYPE_CHECKING

from napari_cellforce.lazy import lazy_names
from napari_cellforce.train.config import (
    AugmentConfig,
    DataConfig,
    LossConfig,
    OptimiseConfig,
    SplitConfig,
    Trainable,
    TrainConfig,
    finetune_config,
    recipe,
)

if TYPE_CHECKING:
    from napari_cellforce.train.calibration import Calibration, calibrate, calibrate_file
    from napari_cellforce.train.callbacks import Epoch, Event, Step
    from napari_cellforce.train.examples import Examples, index, prepare, split_index
    from napari_cellforce.train.loop import TrainResult, train

__all__ = [
    "AugmentConfig",
    "Calibration",
    "DataConfig",
    "Epoch",
    "Event",
    "Examples",
    "LossConfig",
    "OptimiseConfig",
    "SplitConfig",
    "Step",
    "TrainConfig",
    "TrainResult",
    "Trainable",
    "calibrate",
    "calibrate_file",
    "finetune_config",
    "index",
    "prepare",
    "recipe",
    "split_index",
    "train",
]

__getattr__ = lazy_names(
    __name__,
    {
        "napari_cellforce.train.calibration": ("Calibration", "calibrate", "calibrate_file"),
        "napari_cellforce.train.callbacks": ("Epoch", "Event", "Step"),
        "napari_cellforce.train.examples": ("Examples", "index", "prepare", "split_index"),
        "napari_cellforce.train.loop": ("TrainResult", "train"),
    },
)
