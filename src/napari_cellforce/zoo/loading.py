"""From a name or a path to something that predicts."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from napari_cellforce.errors import CellForceError
from napari_cellforce.models.record import Predictor
from napari_cellforce.zoo.local_files import size_on_disk
from napari_cellforce.zoo.registry import PathLike, ZooEntry, entries, entry

if TYPE_CHECKING:
    from napari_cellforce.models.checkpoint import LoadedModel

_FORMULA_FILE = "formula"
"""Kind of a formula that lies in a file of its own."""

_CONSENSUS = "consensus"
"""Kind of a network that is asked together with the filters."""


def load_predictor(
    name_or_path: PathLike,
    *,
    device: str = "auto",
    samples: int = 0,
    folder: PathLike | None = None,
    backend: str = "auto",
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
    backend : str
        What computes a network: ``"auto"``, ``"eager"``, ``"openvino"`` ...; see
        `napari_cellforce.models.backends`.

    Raises
    ------
    CellForceError
        If there is no such model or file, its weights are not on this computer yet, they are
        damaged (their hash is checked at every load), or `samples` are asked of a formula; if the
        device or the backend is not there.
    """
    wanted = _listed(name_or_path, folder)
    if _is_formula_file(name_or_path, wanted):
        return _formula_file(name_or_path, wanted, samples, folder)
    if wanted is not None and wanted.kind == _CONSENSUS:
        return _consensus(load_weights(name_or_path, folder=folder), device, samples, backend)
    if wanted is None or wanted.has_weights:
        return _network(load_weights(name_or_path, folder=folder), device, samples, backend)
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
    if not wanted.has_weights or wanted.kind == _FORMULA_FILE:
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
    if size_on_disk(path) is None:
        raise _missing(wanted, path)
    try:
        loaded = checkpoint.load(path, sha256=wanted.sha256)
    except CellForceError as error:
        raise CellForceError(error.value, error.rule, wanted.install_hint, topic=error.topic) from error
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


def _missing(wanted: ZooEntry, path: Path) -> CellForceError:
    return CellForceError(
        f"the weights of {wanted.name} are not on this computer",
        f"they belong into {path.parent}",
        wanted.install_hint,
        topic="model",
    )


def _network(loaded: LoadedModel, device: str, samples: int, backend: str) -> Predictor:
    from napari_cellforce.models.backends import warn_if_not_torch
    from napari_cellforce.models.bottleneck.network import PhysicalBottleneck
    from napari_cellforce.models.bottleneck.predictor import BottleneckPredictor
    from napari_cellforce.models.device import choose
    from napari_cellforce.models.network import NetworkPredictor

    if isinstance(loaded.module, PhysicalBottleneck):
        _refuse_samples(samples, loaded.record.name)
        warn_if_not_torch(loaded.record.name, backend, choose(device))
        return BottleneckPredictor(loaded, device=device)
    return NetworkPredictor(loaded, device=device, samples=samples, backend=backend)


def _consensus(loaded: LoadedModel, device: str, samples: int, backend: str) -> Predictor:
    from napari_cellforce.models.consensus import Consensus

    _refuse_samples(samples, loaded.record.name)
    return Consensus(_network(loaded, device, samples, backend))


def _is_formula_file(name_or_path: PathLike, wanted: ZooEntry | None) -> bool:
    """Tell whether a model is a formula in a file of its own."""
    if wanted is not None:
        return wanted.kind == _FORMULA_FILE
    from napari_cellforce.models.symbolic import is_formula

    path = Path(name_or_path).expanduser()
    return path.is_file() and is_formula(path)


def _formula_file(
    name_or_path: PathLike, wanted: ZooEntry | None, samples: int, folder: PathLike | None
) -> Predictor:
    from napari_cellforce.models.symbolic import load_formula

    if wanted is None:
        _refuse_samples(samples, str(name_or_path))
        return load_formula(Path(name_or_path).expanduser())
    _refuse_samples(samples, wanted.name)
    path = wanted.path(folder)
    if size_on_disk(path) is None:
        raise _missing(wanted, path)
    return load_formula(path, sha256=wanted.sha256, name=wanted.name)


def _formula(wanted: ZooEntry, samples: int) -> Predictor:
    """Return a model without weights."""
    from napari_cellforce.models.filters import AdhesionFilter
    from napari_cellforce.models.sheet_filter import SheetFilter

    _refuse_samples(samples, wanted.name)
    formulas: dict[str, Callable[[], Predictor]] = {
        "adhesion-filter": AdhesionFilter,
        "sheet-filter": SheetFilter,
    }
    return formulas[wanted.kind]()


def _refuse_samples(samples: int, name: str) -> None:
    """Refuse to draw samples from a model without dropout."""
    if samples > 0:
        raise CellForceError(
            f"{samples} samples are asked of {name}",
            "it has no dropout and gives the same answer every time, hence no uncertainty",
            "Set samples to 0, or choose a network with dropout.",
            topic="samples",
        )
