"""Reading and writing networks: one file, one model; never a line of code run from it.

Our own format is a safetensors file whose header carries the `ModelRecord` as JSON. The two published
formats are recognised by their content, see `napari_cellforce.models.published`.
"""

from __future__ import annotations

import dataclasses
import os
import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from napari_cellforce import __version__, files
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.models import published, registry
from napari_cellforce.models.base import Network
from napari_cellforce.models.record import ModelRecord, Predictor
from napari_cellforce.models.symbolic import is_formula, load_formula
from napari_cellforce.text import pluralise

_HEADER = "napari_cellforce"
"""Key of the record in a safetensors header."""

_READABLE = "models are .safetensors files written by this program, or the published U-Net or GFNN weights"
_ANOTHER = "Choose another file, or download it again."


@dataclass(frozen=True)
class LoadedModel:
    """A network and what is known of it.

    Attributes
    ----------
    module : Network
        In evaluation mode, on the CPU.
    record : ModelRecord
    """

    module: Network
    record: ModelRecord


def open_model(
    path: str | os.PathLike[str], *, sha256: str | None = None, name: str | None = None
) -> LoadedModel | Predictor:
    """Read whatever model a file holds: a network, or something that predicts without one.

    Parameters
    ----------
    path : path-like
    sha256 : str, optional
        What the file's hash must be.
    name : str, optional
        Name of a model without a network; as in its record by default.

    Raises
    ------
    CellForceError
        As `load`.
    """
    if Path(path).is_file() and is_formula(path):
        return load_formula(path, sha256=sha256, name=name)
    return load(path, sha256=sha256)


def load(path: str | os.PathLike[str], *, sha256: str | None = None) -> LoadedModel:
    """Read a network from a file in any of the three formats.

    Parameters
    ----------
    path : path-like
    sha256 : str, optional
        What the file's hash must be.

    Raises
    ------
    CellForceError
        If the file is no model, is damaged, holds code, has another hash than `sha256`, or its tensors
        do not fit its settings or are not numbers.
    """
    path = Path(path)
    try:
        found = files.sha256(path)
        if sha256 is not None and found != sha256.lower():
            raise _refusal(
                f"{path.name} has SHA-256 {found}", f"it should be {sha256}", "Download the file again."
            )
        record, state = _read(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise _refusal(f"cannot read {path}", reason, "Choose a model file that exists.") from error
    _refuse_inflated(path, state)
    module = _build(record, state, path.name)
    try:
        _check_record(record, module.config)
    except ValueError as error:
        raise _refusal(f"the metadata of {path.name} is invalid", str(error), _ANOTHER) from error
    return LoadedModel(module, dataclasses.replace(record, sha256=found))


def save(path: str | os.PathLike[str], module: Network, record: ModelRecord) -> Path:
    """Write a network and its record into one safetensors file, whole or not at all.

    Parameters
    ----------
    path : path-like
        Usually ends in ``.safetensors``.
    module : Network
        Its ``config`` becomes the record's ``architecture``.
    record : ModelRecord

    Returns
    -------
    Path
        `path`.
    """
    architecture = dataclasses.asdict(module.config)
    record = dataclasses.replace(record, architecture=architecture, sha256="", version=__version__)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in module.state_dict().items()}
    with files.atomic_path(path) as temporary:
        save_file(tensors, temporary, metadata={_HEADER: record.to_json()})
    return Path(path)


def _read(path: Path) -> tuple[ModelRecord, dict[str, Tensor]]:
    """Return record and state dict of a file in whichever format it is."""
    with path.open("rb") as file:
        start = file.read(9)
    if start[8:] == b"{":
        return _read_own(path)
    if start[:2] not in (b"PK", b"\x80\x02"):
        raise _refusal(f"{path.name} is not a model", _READABLE, _ANOTHER)
    return _read_published(path)


def _read_own(path: Path) -> tuple[ModelRecord, dict[str, Tensor]]:
    try:
        with safe_open(path, framework="pt") as file:
            header = (file.metadata() or {}).get(_HEADER)
            if header is None:
                rule = "it holds tensors, but not the record that this program writes beside them"
                raise _refusal(f"{path.name} is not a model", rule, "Choose another file.")
            record = ModelRecord.from_json(header, source=f"the record of {path.name}")
            return record, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise _refusal(f"{path.name} is damaged", str(error), _ANOTHER) from error


def _read_published(path: Path) -> tuple[ModelRecord, dict[str, Tensor]]:
    content = _unpickled_safely(path)
    keys = set(content) if isinstance(content, Mapping) else set()
    name = path.stem if path.suffix in (".pt", ".pth", ".ckpt") else path.name
    try:
        if {"model", "model_kwargs"} <= keys:
            return published.unet(content, name), _tensors(content["model"])
        if {"state_dict", "hparams"} <= keys:
            return published.gfnn(content, name), _tensors(content["state_dict"])
    except KeyError as error:
        raise _refusal(
            f"{path.name} lacks the setting {error}", "the architecture is built from the file", _ANOTHER
        ) from error
    except (AttributeError, TypeError, ValueError, ZeroDivisionError) as error:
        raise _refusal(f"the settings of {path.name} make no sense", str(error), _ANOTHER) from error
    raise _refusal(f"{path.name} is not a model", _READABLE, _ANOTHER)


def _unpickled_safely(path: Path) -> Any:
    """Read a torch file, accepting tensors and plain values only."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise _refusal(
            f"{path.name} holds more than numbers",
            "loading it would run code from the file, so it was not loaded",
            "Ask its authors for a file that holds tensors and plain settings only.",
        ) from error
    except (RuntimeError, EOFError, ValueError, KeyError, AttributeError, IndexError, TypeError) as error:
        raise _refusal(f"{path.name} is damaged or not a model", _READABLE, _ANOTHER) from error


def _tensors(state: Mapping[str, Any]) -> dict[str, Tensor]:
    wrong = [name for name, value in state.items() if not isinstance(value, Tensor)]
    if wrong:
        raise ValueError(f"{wrong[0]} is not a tensor")
    return dict(state)


def _refuse_inflated(path: Path, state: Mapping[str, Tensor]) -> None:
    """Refuse tensors that take more memory than the file has bytes: views repeated without end."""
    claimed = sum(tensor.numel() * tensor.element_size() for tensor in state.values())
    size = path.stat().st_size
    if claimed > size:
        raise _refusal(f"the tensors of {path.name} claim {claimed} bytes", f"the file has {size}", _ANOTHER)


def _build(record: ModelRecord, state: Mapping[str, Tensor], name: str) -> Network:
    """Build the network that the record describes, without memory of its own, and give it the tensors."""
    try:
        kind = registry.get_network(record.kind)
        kind.check_inputs(record.inputs)
        with torch.device("meta"):
            module = kind.build(record.architecture)
    except CellForceError as error:
        reason = f"{error.value}: {error.rule}"
        raise _refusal(f"the network in {name} cannot be built", reason, _ANOTHER) from error
    except (TypeError, ValueError, RuntimeError) as error:
        raise _refusal(f"the network in {name} cannot be built", str(error), _ANOTHER) from error
    expected = module.state_dict()
    _compare(expected, state, name)
    _refuse_infinite(state, name)
    owned = {key: state[key].to(tensor.dtype).contiguous() for key, tensor in expected.items()}
    module.load_state_dict(owned, assign=True)
    return module.eval()


def _check_record(record: ModelRecord, config: Any) -> None:
    """Raise ValueError for entries that no prediction could work with."""
    if len(record.inputs) != config.in_channels:
        raise ValueError(f"inputs are {', '.join(record.inputs)}, but the network takes {config.in_channels}")
    for name in ("grid", "pixel_size"):
        needed = getattr(config, name, None)
        if needed not in (None, getattr(record, name)):
            raise ValueError(f"{name} is {getattr(record, name)}, but the network needs {needed}")


def _compare(expected: Mapping[str, Tensor], found: Mapping[str, Tensor], name: str) -> None:
    """Refuse a state dict that is not that of the network, naming the first tensor at fault."""
    for key, tensor in expected.items():
        wanted = tuple(tensor.shape)
        if key not in found:
            raise _refusal(f"{name} lacks the tensor {key}", f"it should have shape {wanted}", _ANOTHER)
        if tuple(found[key].shape) != wanted:
            shape = tuple(found[key].shape)
            raise _refusal(f"{key} in {name} has shape {shape}", f"it should be {wanted}", _ANOTHER)
        if found[key].is_complex() != tensor.is_complex():
            raise _refusal(f"{key} in {name} is {found[key].dtype}", f"it should be {tensor.dtype}", _ANOTHER)
    surplus = sorted(found.keys() - expected.keys())
    if surplus:
        shape = tuple(found[surplus[0]].shape)
        rule = "the architecture in the file has no such tensor"
        raise _refusal(f"{name} has an unexpected tensor {surplus[0]} of shape {shape}", rule, _ANOTHER)


def _refuse_infinite(state: Mapping[str, Tensor], name: str) -> None:
    """Refuse weights of a training that blew up: every traction would be NaN."""
    for key, tensor in state.items():
        bad = tensor.numel() - int(torch.isfinite(tensor).sum())
        if bad:
            value = f"{pluralise(bad, 'number')} of {key} in {name} are NaN or infinite"
            raise _refusal(value, "no traction can be computed with them", _ANOTHER)


def _refusal(value: str, rule: str, remedy: str) -> CellForceError:
    return CellForceError(value, rule, remedy, topic=Topic.MODEL)
