"""From a name or a path to something that predicts."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from napari_cellforce.errors import CellForceError
from napari_cellforce.models.record import Predictor
from napari_cellforce.zoo.catalogue import PathLike, ZooEntry, entries, entry

if TYPE_CHECKING:
    from napari_cellforce.models.checkpoint import LoadedModel


def load_predictor(
    name_or_path: PathLike, *, device: str = "auto", samples: int = 0, folder: PathLike | None = None
) -> Predictor:
    """Return a predictor that is ready to use; nothing is downloaded.

    Parameters
    ----------
    name_or_path : str or path-like
        Name in the zoo (which wins over a file of that name in the current folder), or path of a
        weights file.
    device : str
        ``"auto"``, ``"cpu"``, ``"cuda"`` ...; ignored by models without weights.
    samples : int
        Number of passes with dropout on, for an uncertainty map; 0 for none.
    folder : path-like, optional
        See `napari_cellforce.zoo.model_folder`.

    Raises
    ------
    CellForceError
        If there is no such model or file, its weights are not on this computer yet, they are
        damaged (their hash is checked at every load), or `samples` are asked of a formula.
    """
    wanted = _listed(name_or_path, folder)
    if wanted is None or wanted.has_weights:
        return _network(load_weights(name_or_path, folder=folder), device, samples)
    return _formula(wanted, samples)


def load_weights(name_or_path: PathLike, *, folder: PathLike | None = None) -> LoadedModel:
    """Return a network and its record, to look into or to train on; parameters as `load_predictor`.

    Raises
    ------
    CellForceError
        As `load_predictor`; and if the model is a formula without weights.
    """
    from napari_cellforce.models import checkpoint

    wanted = _listed(name_or_path, folder)
    if wanted is None:
        return checkpoint.load(Path(name_or_path).expanduser())
    if not wanted.has_weights:
        raise CellForceError(
            f"{wanted.name} is a formula without weights",
            "a network is needed",
            "Choose another model.",
            topic="model",
        )
    return _load_weights(wanted, folder)


def _listed(name_or_path: PathLike, folder: PathLike | None) -> ZooEntry | None:
    """Return the listed model that is meant, or None if it is a file."""
    if _as_path(name_or_path, folder) is not None:
        return None
    return entry(os.fspath(name_or_path), folder=folder)


def _as_path(name_or_path: PathLike, folder: PathLike | None) -> Path | None:
    """Return the path that is meant, or None if it is a name."""
    path = Path(name_or_path).expanduser()
    if not isinstance(name_or_path, str):
        return path
    if any(known.name == name_or_path for known in entries(folder=folder)):
        return None
    return path if path.is_file() or path.name != name_or_path else None


def _load_weights(wanted: ZooEntry, folder: PathLike | None) -> LoadedModel:
    """Load the weights of a listed model and complete their record by what the zoo knows."""
    from napari_cellforce.models import checkpoint

    path = wanted.path(folder)
    if not path.is_file():
        raise CellForceError(
            f"the weights of {wanted.name} are not on this computer",
            f"they belong into {path.parent}",
            wanted.how_to_get,
            topic="model",
        )
    try:
        loaded = checkpoint.load(path, sha256=wanted.sha256)
    except CellForceError as error:
        raise CellForceError(error.value, error.rule, wanted.how_to_get, topic=error.topic) from error
    record = dataclasses.replace(
        loaded.record,
        name=wanted.name,
        training_data=wanted.training_data,
        limits=wanted.limits,
        licence=wanted.licence,
        citation=wanted.citation,
        source=wanted.url or loaded.record.source,
    )
    return dataclasses.replace(loaded, record=record)


def _network(loaded: LoadedModel, device: str, samples: int) -> Predictor:
    from napari_cellforce.models.network import NetworkPredictor

    return NetworkPredictor(loaded, device=device, samples=samples)


def _formula(wanted: ZooEntry, samples: int) -> Predictor:
    """Return a model without weights; it has no dropout to draw samples from."""
    from napari_cellforce.models.filters import AdhesionFilter
    from napari_cellforce.models.sheet_filter import SheetFilter

    if samples > 0:
        raise CellForceError(
            f"{samples} samples are asked of {wanted.name}",
            "a model without weights gives the same answer every time, hence no uncertainty",
            "Set samples to 0, or choose a network with dropout.",
            topic="samples",
        )
    formulas: dict[str, Callable[[], Predictor]] = {
        "adhesion-filter": AdhesionFilter,
        "sheet-filter": SheetFilter,
    }
    return formulas[wanted.kind]()
