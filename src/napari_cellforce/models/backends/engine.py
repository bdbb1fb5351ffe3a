"""A network made ready to predict, with the backend that was asked for, or torch where that will not do."""

from __future__ import annotations

import copy
import warnings
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from napari_cellforce.errors import CellForceWarning
from napari_cellforce.models.backends.base import Backend
from napari_cellforce.models.backends.check import difference, probes
from napari_cellforce.models.backends.eager import eager
from napari_cellforce.models.backends.listing import EAGER
from napari_cellforce.models.backends.parts import Part, has_part, with_part


@dataclass(frozen=True)
class Engine:
    """A network that is ready to predict; made by `make_engine`.

    Attributes
    ----------
    module : nn.Module
        Does what the network does.
    backend : str
        Name of what computes its convolutions.
    version : str
        Of that.
    """

    module: nn.Module
    backend: str
    version: str

    @property
    def description(self) -> str:
        """Name and version."""
        return f"{self.backend} {self.version}"


class _Refused(Exception):
    """A backend cannot compute a network, or gets it wrong; says why."""


def make_engine(module: nn.Module, device: torch.device, backend: Backend | None = None) -> Engine:
    """Make a network ready to predict.

    Parameters
    ----------
    module : nn.Module
        Left as it is.
    device : torch.device
    backend : Backend, optional
        What shall compute its convolutions; by default torch.

    Warns
    -----
    CellForceWarning
        If the backend cannot, or its results on small images are farther off than its tolerance. Torch
        computes then.
    """
    if backend is not None:
        try:
            return Engine(_built(module, device, backend), backend.name, backend.version())
        except _Refused as reason:
            warnings.warn(
                f"{backend.title} is not used: {reason}. PyTorch computes instead, which takes longer.",
                CellForceWarning,
                stacklevel=2,
            )
    return Engine(eager(module, device), EAGER, torch.__version__)


def _built(module: nn.Module, device: torch.device, backend: Backend) -> nn.Module:
    if not has_part(module):
        raise _Refused("this model is of a kind that only PyTorch can compute")
    module = copy.deepcopy(module).to(device).eval()
    config: Any = module.config
    return with_part(module, _checked(backend, Part(module).eval(), getattr(config, "multiple", 1), device))


def _checked(backend: Backend, part: nn.Module, multiple: int, device: torch.device) -> nn.Module:
    """Build a network with a backend, and refuse it unless it computes the same."""
    images = probes(part, multiple, device)
    try:
        fast = backend.build(part, images[0], multiple)
        off = max(difference(fast, part, image) for image in images)
    except Exception as error:  # of whatever kind: other people's compilers
        reason = next(iter(str(error).splitlines()), "") or type(error).__name__
        raise _Refused(f"it could not be prepared for this model ({reason[:200]})") from error
    if not off <= backend.tolerance:
        raise _Refused(
            f"on small test images it differs from PyTorch by {off:.1g} of the largest value, "
            f"and {backend.tolerance:.0e} is allowed"
        )
    return fast
