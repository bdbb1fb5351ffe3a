"""A predictor and a stack give tractions, frame by frame."""

from napari_cellforce.predict.config import PredictConfig, Progress
from napari_cellforce.predict.inputs import automatic_mask
from napari_cellforce.predict.job import Prediction, predict, prepare
from napari_cellforce.predict.writing import OutputPaths, predict_to_files

__all__ = [
    "OutputPaths",
    "PredictConfig",
    "Prediction",
    "Progress",
    "automatic_mask",
    "predict",
    "predict_to_files",
    "prepare",
]
