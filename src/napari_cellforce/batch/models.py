"""The models of a batch, each loaded once a process."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from napari_cellforce import zoo
from napari_cellforce.batch.config import BatchConfig
from napari_cellforce.batch.wishes import has_part
from napari_cellforce.errors import CellForceError
from napari_cellforce.models.record import Predictor

_KEPT = 8
"""Most models that a process keeps in memory."""


def load(config: BatchConfig) -> tuple[Predictor, ...]:
    """Load the predictors that `config` names; see `napari_cellforce.zoo.load_predictor` for errors.

    Raises
    ------
    CellForceError
        Also if no model is named, or two have one name, so that their results would lie in one place.
    """
    if not config.models:
        raise CellForceError(
            "no model is chosen",
            "a batch needs at least one",
            "Choose one of `cellforce models list`.",
            topic="model",
        )
    predictors = tuple(load_one(given, config) for given in config.models)
    names = [predictor.record.name for predictor in predictors]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise CellForceError(
            f"two of the models are called {twice[0]}",
            "the results of each lie in a folder of its name",
            "Leave one out, or rename its file.",
            topic="model",
        )
    _require_parts(config, predictors)
    return predictors


def _require_parts(config: BatchConfig, predictors: Sequence[Predictor]) -> None:
    for part in config.explain:
        if not any(has_part(predictor.record, part) for predictor in predictors):
            raise CellForceError(
                f"{part} cannot be explained with {', '.join(p.record.name for p in predictors)}",
                "plain networks have no inner fields, and only a GFNN has Green's functions",
                "Choose another model, or leave this part out.",
                topic="explain",
            )


def load_one(given: str, config: BatchConfig) -> Predictor:
    """Load one model, or return the one that this process has loaded before."""
    return _loaded(given, config.device, config.backend, config.samples, config.model_folder)


@lru_cache(maxsize=_KEPT)
def _loaded(given: str, device: str, backend: str, samples: int, folder: str) -> Predictor:
    return zoo.load_predictor(given, device=device, backend=backend, samples=samples, folder=folder or None)
