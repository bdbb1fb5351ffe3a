"""The model of a batch."""

from __future__ import annotations

from napari_cellforce import zoo
from napari_cellforce.batch.config import BatchConfig
from napari_cellforce.models.record import Predictor


def load(config: BatchConfig) -> Predictor:
    """Load the predictor that `config` names; see `napari_cellforce.zoo.load_predictor` for errors."""
    return zoo.load_predictor(
        config.model, device=config.device, samples=config.samples, folder=config.model_folder or None
    )
