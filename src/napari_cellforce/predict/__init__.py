"""Predictions: a predictor applied to an image stack, frame by frame."""

from typing import TYPE_CHECKING

from napari_cellforce.lazy import lazy_names

if TYPE_CHECKING:
    from napari_cellforce.models.record import MASK_INPUT
    from napari_cellforce.predict.concatenate import concatenate_fields
    from napari_cellforce.predict.config import PredictConfig, RunConfig
    from napari_cellforce.predict.job import Prediction, predict, prepare
    from napari_cellforce.predict.lazy_mask import LazyCellMask
    from napari_cellforce.predict.writing import OutputPaths, predict_to_files

__all__ = [
    "MASK_INPUT",
    "LazyCellMask",
    "OutputPaths",
    "PredictConfig",
    "Prediction",
    "RunConfig",
    "concatenate_fields",
    "predict",
    "predict_to_files",
    "prepare",
]

__getattr__ = lazy_names(
    __name__,
    {
        "napari_cellforce.models.record": ("MASK_INPUT",),
        "napari_cellforce.predict.concatenate": ("concatenate_fields",),
        "napari_cellforce.predict.config": (
            "PredictConfig",
            "RunConfig",
        ),
        "napari_cellforce.predict.job": (
            "Prediction",
            "predict",
            "prepare",
        ),
        "napari_cellforce.predict.lazy_mask": ("LazyCellMask",),
        "napari_cellforce.predict.writing": (
            "OutputPaths",
            "predict_to_files",
        ),
    },
)
