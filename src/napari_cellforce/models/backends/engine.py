"""Networks prepared for prediction, with a verified backend or else with torch."""

from __future__ import annotations

import copy
import math
import warnings
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn

from napari_cellforce.errors import CellForceWarning
from napari_cellforce.models.backends.base import Backend
from napari_cellforce.models.backends.convolutional_part import (
    ConvolutionalPart,
    has_convolutional_part,
    replace_convolutional_part,
)
from napari_cellforce.models.backends.registry import EAGER
from napari_cellforce.models.base import Network
from napari_cellforce.models.fold_batchnorm import fold_batchnorm


@dataclass(frozen=True)
class Engine:
    """A network prepared for prediction; created by `make_engine`.

    Attributes
    ----------
    module : Network
        Module equivalent to the network.
    backend : str
        Name of the backend of its convolutions.
    version : str
        Version of the backend.
    """

    module: Network
    backend: str
    version: str

    @property
    def description(self) -> str:
        """Name and version."""
        return f"{self.backend} {self.version}"


class _BackendError(Exception):
    """A backend cannot compute a network, or its results are inaccurate."""


def make_engine(module: Network, device: torch.device, backend: Backend | None = None) -> Engine:
    """Prepare a network for prediction.

    Parameters
    ----------
    module : Network
        Network, not modified.
    device : torch.device
    backend : Backend, optional
        Backend of its convolutions; default: torch.

    Warns
    -----
    CellForceWarning
        If the backend fails, or its results on small images exceed its tolerance. Torch is used then.
    """
    if backend is not None:
        try:
            return Engine(_built(module, device, backend), backend.name, backend.version())
        except _BackendError as reason:
            warnings.warn(
                f"{backend.title} is not used: {reason}. PyTorch is used instead, which is slower.",
                CellForceWarning,
                stacklevel=2,
            )
    return Engine(eager(module, device), EAGER, torch.__version__)


def _built(module: Network, device: torch.device, backend: Backend) -> Network:
    if not has_convolutional_part(module):
        raise _BackendError("only PyTorch supports this kind of model")
    module = copy.deepcopy(module).to(device).eval()
    multiple = getattr(module.config, "multiple", 1)
    return replace_convolutional_part(
        module, _checked(backend, ConvolutionalPart(module).eval(), multiple, device)
    )


def _checked(backend: Backend, part: nn.Module, multiple: int, device: torch.device) -> nn.Module:
    """Build a network with a backend and verify its results."""
    images = probes(part, multiple, device)
    try:
        fast = backend.build(part, images[0], multiple)
        off = max(difference(fast, part, image) for image in images)
    except Exception as error:  # external compilers raise any exception
        reason = next(iter(str(error).splitlines()), "") or type(error).__name__
        raise _BackendError(f"it could not be prepared for this model ({reason[:200]})") from error
    if not off <= backend.tolerance:
        raise _BackendError(
            f"on small test images it differs from PyTorch by {off:.1g} of the largest value, "
            f"and {backend.tolerance:.0e} is allowed"
        )
    return fast


M = TypeVar("M", bound=nn.Module)


def eager(module: M, device: torch.device) -> M:
    """Return a copy of a network on a device, in evaluation mode, that computes without gradients."""
    if device.type == "cpu":
        return fold_batchnorm(module)
    return copy.deepcopy(module).to(device).eval()


_SIDES = ((48, 80), (72, 56))
"""Minimum sizes of the test images; two, to detect a size fixed by compilation."""


def probes(part: nn.Module, multiple: int, device: torch.device) -> list[Tensor]:
    """Return small test inputs of a network, ``(1, C, Y, X)``: reproducible noise with edges and spots.

    Parameters
    ----------
    part : nn.Module
        Module that starts with a convolution.
    multiple : int
        Divisor of the sides.
    device : torch.device
    """
    generator = torch.Generator().manual_seed(0)
    return [_probe(channels_in(part), sides, multiple, generator).to(device) for sides in _SIDES]


def channels_in(part: nn.Module) -> int:
    """Return the number of input channels of the first convolution of a network."""
    first = next(module for module in part.modules() if isinstance(module, nn.Conv2d))
    return first.in_channels


@torch.inference_mode()
def difference(fast: nn.Module, part: nn.Module, probe: Tensor) -> float:
    """Return the maximum difference between two networks, relative to the largest value of the second.

    Infinite if the results differ in shape or are not finite.
    """
    expected, found = part(probe), fast(probe)
    if found.shape != expected.shape:
        return math.inf
    largest = expected.abs().max().clamp(min=torch.finfo(torch.float32).tiny)
    result = float((found.to(expected.dtype) - expected).abs().max() / largest)
    return result if math.isfinite(result) else math.inf


def _probe(channels: int, sides: tuple[int, int], multiple: int, generator: torch.Generator) -> Tensor:
    height, width = (multiple * math.ceil(side / multiple) for side in sides)
    image = torch.rand(1, channels, height, width, generator=generator)
    image[..., height // 3 :, : width // 2] *= 2
    image[..., ::17, ::13] *= 6
    return image
