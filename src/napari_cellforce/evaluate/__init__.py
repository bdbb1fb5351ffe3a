"""Models against measured cells, side by side with untrained baselines."""

from typing import TYPE_CHECKING

from napari_cellforce.lazy import lazy_names

if TYPE_CHECKING:
    from napari_cellforce.evaluate.job import BASELINES, EvaluateConfig, Failure, evaluate
    from napari_cellforce.evaluate.pages import write_dataset_page, write_evaluation
    from napari_cellforce.evaluate.scores import FrameScore, cell_table, model_table, score_frame
    from napari_cellforce.evaluate.snapshots import Snapshot

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

__getattr__ = lazy_names(
    __name__,
    {
        "napari_cellforce.evaluate.job": (
            "BASELINES",
            "EvaluateConfig",
            "Failure",
            "evaluate",
        ),
        "napari_cellforce.evaluate.pages": (
            "write_dataset_page",
            "write_evaluation",
        ),
        "napari_cellforce.evaluate.scores": (
            "FrameScore",
            "cell_table",
            "model_table",
            "score_frame",
        ),
        "napari_cellforce.evaluate.snapshots": ("Snapshot",),
    },
)
