"""Models against measured cells, side by side and always beside baselines that learn nothing."""

from napari_cellforce.evaluate.dataset_page import write_dataset_page
from napari_cellforce.evaluate.job import BASELINES, EvaluateConfig, Failure, evaluate
from napari_cellforce.evaluate.scores import FrameScore, score_frame
from napari_cellforce.evaluate.snapshots import Snapshot
from napari_cellforce.evaluate.tables import cell_table, model_table
from napari_cellforce.evaluate.writing import write_evaluation

__all__ = [
    "BASELINES",
    "EvaluateConfig",
    "Failure",
    "FrameScore",
    "Snapshot",
    "cell_table",
    "evaluate",
    "model_table",
    "score_frame",
    "write_dataset_page",
    "write_evaluation",
]
