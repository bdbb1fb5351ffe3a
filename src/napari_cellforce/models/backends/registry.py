"""The backends, their availability on this computer, and their selection by name."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from napari_cellforce.errors import CellForceError, CellForceWarning, Topic
from napari_cellforce.models.backends.base import Backend
from napari_cellforce.models.backends.compiled import Compiled
from napari_cellforce.models.backends.openvino import OpenVINO


class Amp:
    """`Backend` of torch with mixed precision; see `napari_cellforce.models.backends.base.Backend`.

    Parameters
    ----------
    dtype : torch.dtype
        Data type of the convolutions.
    """

    name = "amp"
    title = "torch in mixed precision"
    devices: tuple[str, ...] = ("cuda", "mps")
    tolerance = 1e-2

    def __init__(self, dtype: torch.dtype = torch.float16) -> None:
        self._dtype = dtype

    def install_hint(self) -> str:
        """Return an empty text: it is part of torch."""
        return ""

    def version(self) -> str:
        """Return the version of torch."""
        return torch.__version__

    def build(self, part: nn.Module, example: Tensor, multiple: int) -> nn.Module:
        """Return the network in mixed precision, for any size."""
        del example, multiple
        return _Mixed(part, self._dtype)


class _Mixed(nn.Module):
    def __init__(self, part: nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        self._part, self._dtype = part, dtype

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, self._dtype):
            return cast("Tensor", self._part(x)).float()


AUTO = "auto"
"""Selects the fastest available backend without long preparation."""

EAGER = "eager"
"""Torch without a compiler; the reference for the others."""

_BACKENDS: tuple[Backend, ...] = (OpenVINO(), Compiled(), Amp())
_AUTOMATIC = {"cpu": "openvino", "cuda": "amp"}
"""Automatic backend by type of device; compilation takes a minute and must be requested."""

NAMES = (AUTO, EAGER, *(backend.name for backend in _BACKENDS))


@dataclass(frozen=True)
class BackendInfo:
    """Description of a backend for display.

    Attributes
    ----------
    name, title, version : str
    lacking : str
        How to make it usable; empty if it is.
    """

    name: str
    title: str
    version: str
    install_hint: str


def available_backends(device: torch.device) -> list[BackendInfo]:
    """Return the backends for a type of device, torch first."""
    rows = [BackendInfo(EAGER, "PyTorch", torch.__version__, "")]
    for backend in _BACKENDS:
        if device.type in backend.devices:
            install_hint = backend.install_hint()
            rows.append(
                BackendInfo(
                    backend.name, backend.title, "" if install_hint else backend.version(), install_hint
                )
            )
    return rows


def find_backend(name: str, device: torch.device) -> Backend | None:
    """Return the backend of that name; None for torch.

    Raises
    ------
    CellForceError
        If there is no such backend, it does not support `device`, or it is not installed.
    """
    if name == AUTO:
        return _automatic(device)
    if name == EAGER:
        return None
    found = next((backend for backend in _BACKENDS if backend.name == name), None)
    if found is None:
        raise _refusal(
            f"there is no backend {name!r}", f"available are {', '.join(NAMES)}", "Choose one of these."
        )
    if device.type not in found.devices:
        devices = " and ".join(found.devices)
        rule, remedy = f"it supports only {devices}", "Choose another device, or auto as backend."
        raise _refusal(f"the backend {name} does not support {device.type}", rule, remedy)
    if install_hint := found.install_hint():
        raise _refusal(f"the backend {name} is not installed", "it is an optional dependency", install_hint)
    return found


def warn_if_not_torch(what: str, name: str, device: torch.device) -> None:
    """Warn that torch is used although another backend was requested.

    Parameters
    ----------
    what : str
        Computation that only torch supports: the name of a model, ``"uncertainty"``.
    name : str
        The requested backend.
    device : torch.device

    Raises
    ------
    CellForceError
        As `find_backend`.

    Warns
    -----
    CellForceWarning
        Unless torch or automatic selection was requested.
    """
    backend = find_backend(name, device)
    if backend is not None and name != AUTO:
        warnings.warn(
            f"{backend.title} is not used: only PyTorch supports {what}.", CellForceWarning, stacklevel=3
        )


def _automatic(device: torch.device) -> Backend | None:
    best = next((b for b in _BACKENDS if b.name == _AUTOMATIC.get(device.type)), None)
    return None if best is None or best.install_hint() else best


def _refusal(value: str, rule: str, remedy: str) -> CellForceError:
    return CellForceError(value, rule, remedy, topic=Topic.BACKEND)
