"""Which backends there are, which of them can be used here, and which one is meant."""

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
        Of the convolutions.
    """

    name = "amp"
    title = "torch in mixed precision"
    devices: tuple[str, ...] = ("cuda", "mps")
    tolerance = 1e-2

    def __init__(self, dtype: torch.dtype = torch.float16) -> None:
        self._dtype = dtype

    def install_hint(self) -> str:
        """Return an empty text: it comes with torch."""
        return ""

    def version(self) -> str:
        """Return the version of torch."""
        return torch.__version__

    def build(self, part: nn.Module, example: Tensor, multiple: int) -> nn.Module:
        """Return the network in mixed precision; sizes do not matter."""
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
"""The quickest that is there and needs no long preparation."""

EAGER = "eager"
"""Torch as it is; what the others are compared with."""

_BACKENDS: tuple[Backend, ...] = (OpenVINO(), Compiled(), Amp())
_AUTOMATIC = {"cpu": "openvino", "cuda": "amp"}
"""By kind of device; compiling takes a minute and is left to those who ask for it."""

NAMES = (AUTO, EAGER, *(backend.name for backend in _BACKENDS))


@dataclass(frozen=True)
class BackendInfo:
    """A backend as people see it.

    Attributes
    ----------
    name, title, version : str
    lacking : str
        What to do so that it can be used; empty if it can.
    """

    name: str
    title: str
    version: str
    install_hint: str


def available_backends(device: torch.device) -> list[BackendInfo]:
    """Return the backends that compute on a kind of device, torch first."""
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
        If there is no such backend, it does not compute on `device`, or it is not installed.
    """
    if name == AUTO:
        return _automatic(device)
    if name == EAGER:
        return None
    found = next((backend for backend in _BACKENDS if backend.name == name), None)
    if found is None:
        raise _refusal(
            f"there is no backend {name!r}", f"there are {', '.join(NAMES)}", "Choose one of these."
        )
    if device.type not in found.devices:
        devices = " and ".join(found.devices)
        rule, remedy = f"it computes on {devices} only", "Choose another device, or auto as backend."
        raise _refusal(f"the backend {name} cannot compute on {device.type}", rule, remedy)
    if install_hint := found.install_hint():
        raise _refusal(f"the backend {name} is not installed", "it is an extra", install_hint)
    return found


def warn_if_not_torch(what: str, name: str, device: torch.device) -> None:
    """Say that torch computes all the same, to those who asked for another backend.

    Parameters
    ----------
    what : str
        What only torch can compute: the name of a model, ``"uncertainty"``.
    name : str
        The backend that was asked for.
    device : torch.device

    Raises
    ------
    CellForceError
        As `find_backend`.

    Warns
    -----
    CellForceWarning
        Unless torch was asked for, or the choice was left to us.
    """
    backend = find_backend(name, device)
    if backend is not None and name != AUTO:
        warnings.warn(
            f"{backend.title} is not used: only PyTorch can compute {what}.", CellForceWarning, stacklevel=3
        )


def _automatic(device: torch.device) -> Backend | None:
    best = next((b for b in _BACKENDS if b.name == _AUTOMATIC.get(device.type)), None)
    return None if best is None or best.install_hint() else best


def _refusal(value: str, rule: str, remedy: str) -> CellForceError:
    return CellForceError(value, rule, remedy, topic=Topic.BACKEND)
