"""A cell to try the comparison on: measured, and predicted by the model that learns nothing."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from napari_cellforce.fields import FrameResult, ImageStack, Mask, VectorField
from napari_cellforce.predict import Prediction, Progress, prepare
from napari_cellforce.simulate.samples import measured_sample
from napari_cellforce.zoo import load_predictor

MODEL = "adhesion-filter"


def sample_fields() -> Iterator[Progress | tuple[ImageStack, VectorField, VectorField]]:
    """Yield what is being done, then image, predicted and measured field of a simulated cell."""
    yield Progress("Simulating a cell", 0, 2)
    sample = measured_sample()
    yield Progress("Predicting its forces", 1, 2)
    job = prepare(sample.image, load_predictor(MODEL), Mask(sample.traction.mask), sample.image.pixel_size)
    yield sample.image, _field(job, sample.traction), sample.traction


def _field(job: Prediction, measured: VectorField) -> VectorField:
    frames = [record.traction for record in job.run() if isinstance(record, FrameResult)]
    return VectorField(
        np.stack(frames),
        "traction",
        job.unit,
        job.pixel_size,
        mask=measured.mask,
        name=job.stack.name,
        provenance=job.provenance(),
    )
