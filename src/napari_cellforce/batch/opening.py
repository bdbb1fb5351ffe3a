"""From a row of the plan to a job, as the plan looks at it and as the work is done with it."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from napari_cellforce.batch.config import BatchConfig
from napari_cellforce.batch.models import load_one
from napari_cellforce.batch.row import PlannedInput
from napari_cellforce.batch.wishes import settings_for
from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import Mask
from napari_cellforce.io import read, read_mask
from napari_cellforce.models.record import Predictor
from napari_cellforce.predict import Prediction, Progress, prepare
from napari_cellforce.preprocess.normalise import Baselines


@dataclass(frozen=True)
class MeasuredPrediction(Prediction):
    """A job whose cell has been measured before, for work that is done in parts."""

    known: Baselines | None = None

    def measure(self) -> Generator[Progress, None, Baselines | None]:
        """Return what was measured."""
        yield from ()
        return self.known


def open_input(
    row: PlannedInput, config: BatchConfig, predictor: Predictor | None = None, found: Mask | None = None
) -> Prediction:
    """Open an input and its mask and return its job.

    Parameters
    ----------
    row : PlannedInput
    config : BatchConfig
    predictor : Predictor, optional
        By default the row's own, which a process loads once.
    found : Mask, optional
        Outline of the cell that was found before, where there is no mask file.

    Raises
    ------
    CellForceError
        See `napari_cellforce.predict.prepare`.
    """
    predictor = predictor or load_one(row.given_model, config)
    stack = read(row.path, z=config.z)
    mask = found
    if row.mask is not None:
        mask = read_mask(
            row.mask, shape=stack.shape, frames=stack.n_frames, label=config.label, every_frame=True
        )
    return prepare(stack, predictor, mask, config.size, settings_for(predictor.record, config))


def measured_before(job: Prediction, baselines: Baselines | None) -> MeasuredPrediction:
    """Return a job that need not be measured again."""
    entries: dict[str, Any] = {f.name: getattr(job, f.name) for f in dataclasses.fields(job)}
    return MeasuredPrediction(**{**entries, "known": baselines})


def reason(error: Exception) -> str:
    """Return why something failed, in words."""
    if isinstance(error, CellForceError):
        return str(error)
    if isinstance(error, FileNotFoundError):
        return f"{error.filename or 'The file'} is no longer there."
    return f"Unexpected error, please report it: {type(error).__name__}: {error}"
