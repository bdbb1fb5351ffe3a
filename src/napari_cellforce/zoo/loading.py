"""From a name or a path to something that predicts."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import TYPE_CHECKING

from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.models import registry
from napari_cellforce.models.record import Predictor
from napari_cellforce.zoo.local_files import size_on_disk
from napari_cellforce.zoo.registry import PathLike, ZooEntry, entries, entry

if TYPE_CHECKING:
    from napari_cellforce.models.checkpoint import LoadedModel


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
        Inference backend: ``"auto"``, ``"eager"``, ``"openvino"`` ...; see
        `napari_cellforce.models.backends`.

    Raises
    ------
    CellForceError
        If there is no such model or file, its weights are not on this computer yet, they are
        damaged (their hash is checked at every load), or `samples` are asked of a formula; if the
        device or the backend is not there.
    """
    wanted = _listed(name_or_path, folder)
    opened: LoadedModel | Predictor | None
    if wanted is None:
        opened = _open_file(name_or_path)
        kind = opened.record.kind
    else:
        opened, kind = _open_listed(wanted, folder), wanted.kind
    return registry.get(kind).predictor(opened, device=device, samples=samples, backend=backend)


def load_weights(name_or_path: PathLike, *, folder: PathLike | None = None) -> LoadedModel:
    """Return a network and its record, to look into or to train on; parameters as `load_predictor`.

    Raises
    ------
    CellForceError
        As `load_predictor`; and if the model has no network.
    """
    from napari_cellforce.models.checkpoint import LoadedModel

    wanted = _listed(name_or_path, folder)
    opened = _open_file(name_or_path) if wanted is None else _open_listed(wanted, folder)
    if isinstance(opened, LoadedModel):
        return opened
    name = name_or_path if opened is None else opened.record.name
    raise CellForceError(
        f"{name} is a formula without weights",
        "a network is needed",
        "Choose another model.",
        topic=Topic.MODEL,
    )


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


def _open_file(path: PathLike) -> LoadedModel | Predictor:
    from napari_cellforce.models import checkpoint

    return checkpoint.open_model(Path(path).expanduser())


def _open_listed(wanted: ZooEntry, folder: PathLike | None) -> LoadedModel | Predictor | None:
    """Return what the model's file holds, its record completed by what the zoo knows; None without a file."""
    from napari_cellforce.models import checkpoint

    if not wanted.has_weights:
        return None
    path = wanted.path(folder)
    if size_on_disk(path) is None:
        raise _missing(wanted, path)
    try:
        opened = checkpoint.open_model(path, sha256=wanted.sha256, name=wanted.name)
    except CellForceError as error:
        raise CellForceError(error.value, error.rule, wanted.install_hint, topic=error.topic) from error
    if not isinstance(opened, checkpoint.LoadedModel):
        return opened
    record = dataclasses.replace(
        opened.record,
        name=wanted.name,
        training_data=wanted.training_data,
        limits=wanted.limits,
        licence=wanted.licence,
        citation=wanted.citation,
        source=wanted.url or opened.record.source,
    )
    return dataclasses.replace(opened, record=record)


def _missing(wanted: ZooEntry, path: Path) -> CellForceError:
    return CellForceError(
        f"the weights of {wanted.name} are not on this computer",
        f"they belong into {path.parent}",
        wanted.install_hint,
        topic=Topic.MODEL,
    )
