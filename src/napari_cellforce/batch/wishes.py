"""What is wanted of every input with a model, as far as the model can give it."""

from __future__ import annotations

import dataclasses

from napari_cellforce.batch.config import BatchConfig
from napari_cellforce.fields import PASCAL
from napari_cellforce.models.record import ModelRecord
from napari_cellforce.predict import PredictConfig

PREDICT, COMPARE = "predict", "compare"
"""Parts of the work on an input besides those of an explanation."""

_PLAIN_NETWORKS = ("unet", "adhesion-unet")
"""Kinds that go from image to traction without anything in between that means something."""


def wanted(config: BatchConfig, record: ModelRecord) -> tuple[str, ...]:
    """Return the parts that are wanted of every input, in the order in which they are done.

    What a model of this kind does not have is left out: with several models it is asked of the others.
    """
    explained = tuple(part for part in config.explain if has_part(record, part))
    return (PREDICT, *explained, *((COMPARE,) if config.compare else ()))


def has_part(record: ModelRecord, part: str) -> bool:
    """Tell whether a model of this kind can be explained in this way."""
    if part == "greens":
        return record.kind == "gfnn"
    return part != "fields" or record.kind not in _PLAIN_NETWORKS


def settings_for(record: ModelRecord, config: BatchConfig) -> PredictConfig:
    """Return the settings of one model of several: those that predict in Pa are not calibrated."""
    if len(config.models) > 1 and record.output_unit == PASCAL:
        return dataclasses.replace(config.predict, calibration=None)
    return config.predict
