"""Loading the models of a batch and opening its inputs, for the plan and for the work itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from napari_cellforce.batch.config import BatchConfig
from napari_cellforce.batch.planned_input import PlannedInput
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.explain import PARTS, supported_parts
from napari_cellforce.fields import Mask, Progress
from napari_cellforce.io import read, read_mask
from napari_cellforce.models.record import Predictor
from napari_cellforce.predict import Prediction, RunConfig, prepare
from napari_cellforce.preprocess.normalise import Baselines

_MAX_LOADED = 8
"""Number of models that a process keeps in memory."""


def load(config: BatchConfig) -> tuple[Predictor, ...]:
    """Load the predictors that `config` names; see `napari_cellforce.zoo.load_predictor` for errors.

    Raises
    ------
    CellForceError
        Also if no model is named, or two have the same name, so that their results would share a folder.
    """
    if not config.models:
        raise CellForceError(
            "no model is chosen",
            "a batch needs at least one",
            "Choose one of the listed models.",
            topic=Topic.MODEL,
        )
    predictors = tuple(load_one(given, config) for given in config.models)
    names = [predictor.record.name for predictor in predictors]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise CellForceError(
            f"two of the models are called {twice[0]}",
            "the results of each lie in a folder of its name",
            "Leave one out, or rename its file.",
            topic=Topic.MODEL,
        )
    _require_parts(config, predictors)
    return predictors


def _require_parts(config: BatchConfig, predictors: Sequence[Predictor]) -> None:
    supported = {part for predictor in predictors for part in supported_parts(predictor.record.kind)}
    for part in config.explain:
        if part not in supported:
            raise CellForceError(
                f"{part} cannot be explained with {', '.join(p.record.name for p in predictors)}",
                f"models of this kind support {', '.join(p for p in PARTS if p in supported)}",
                "Choose another model, or leave this part out.",
                topic=Topic.PARTS,
            )


def load_one(given: str, config: BatchConfig) -> Predictor:
    """Load one model, or return the one that this process has loaded before."""
    return _loaded(config.run_for(given))


@lru_cache(maxsize=_MAX_LOADED)
def _loaded(run: RunConfig) -> Predictor:
    return run.load()


@dataclass(frozen=True)
class MeasuredPrediction(Prediction):
    """A prediction whose baselines are known already, because it is computed in chunks."""

    baselines: Baselines | None = None

    def measure_baselines(self) -> Generator[Progress, None, Baselines | None]:
        """Return the known baselines."""
        yield from ()
        return self.baselines


def open_input(
    row: PlannedInput, config: BatchConfig, predictor: Predictor | None = None, outline: Mask | None = None
) -> Prediction:
    """Open an input and its mask and return the prediction job.

    Parameters
    ----------
    row : PlannedInput
    config : BatchConfig
    predictor : Predictor, optional
        By default the row's own, which a process loads once.
    outline : Mask, optional
        Outline of the cell found in an earlier step, where there is no mask file.

    Raises
    ------
    CellForceError
        See `napari_cellforce.predict.prepare`.
    """
    predictor = predictor or load_one(row.given_model, config)
    stack = read(row.path, z=config.run.z)
    mask = outline
    if row.mask is not None:
        mask = read_mask(
            row.mask, shape=stack.shape, frames=stack.n_frames, label=config.label, every_frame=True
        )
    return prepare(stack, predictor, mask, config=config.predict_for(predictor.record))


def with_baselines(job: Prediction, baselines: Baselines | None) -> MeasuredPrediction:
    """Return a job that does not measure its baselines again."""
    entries: dict[str, Any] = {f.name: getattr(job, f.name) for f in dataclasses.fields(job)}
    return MeasuredPrediction(**{**entries, "baselines": baselines})


def failure_reason(error: Exception) -> str:
    """Return the message shown for an exception."""
    if isinstance(error, CellForceError):
        return str(error)
    if isinstance(error, FileNotFoundError):
        return f"{error.filename or 'The file'} is no longer there."
    return f"Unexpected error, please report it: {type(error).__name__}: {error}"
