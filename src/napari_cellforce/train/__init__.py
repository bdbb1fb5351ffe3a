"""Learning from measured or simulated cells: training, fine-tuning, calibration."""

from napari_cellforce.train.augment import AugmentConfig
from napari_cellforce.train.calibration import Calibration, calibrate, calibrate_file
from napari_cellforce.train.callbacks import Epoch, Event, Step
from napari_cellforce.train.config import (
    DataConfig,
    OptimiseConfig,
    SplitConfig,
    Trainable,
    TrainConfig,
    finetune_config,
    recipe,
)
from napari_cellforce.train.examples import Examples, index, prepare, split_index
from napari_cellforce.train.loop import TrainResult, train
from napari_cellforce.train.losses import LossConfig

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
