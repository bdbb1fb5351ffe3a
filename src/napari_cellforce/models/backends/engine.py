"""A network made ready to predict, with the backend that was asked for, or torch where that will not do."""

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
    """A network that is ready to predict; made by `make_engine`.

    Attributes
    ----------
    module : Network
        Does what the network does.
    backend : str
        Name of what computes its convolutions.
    version : str
        Of that.
    """

    module: Network
    backend: str
    version: str

    @property
    def description(self) -> str:
        """Name and version."""
        return f"{self.backend} {self.version}"


class _BackendError(Exception):
    """A backend cannot compute a network, or gets it wrong; says why."""


def make_engine(module: Network, device: torch.device, backend: Backend | None = None) -> Engine:
    """Make a network ready to predict.

    Parameters
    ----------
    module : Network
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
        except _BackendError as reason:
            warnings.warn(
                f"{backend.title} is not used: {reason}. PyTorch computes instead, which takes longer.",
                CellForceWarning,
                stacklevel=2,
            )
    return Engine(eager(module, device), EAGER, torch.__version__)


def _built(module: Network, device: torch.device, backend: Backend) -> Network:
    if not has_convolutional_part(module):
        raise _BackendError("this model is of a kind that only PyTorch can compute")
    module = copy.deepcopy(module).to(device).eval()
    multiple = getattr(module.config, "multiple", 1)
    return replace_convolutional_part(
        module, _checked(backend, ConvolutionalPart(module).eval(), multiple, device)
    )


def _checked(backend: Backend, part: nn.Module, multiple: int, device: torch.device) -> nn.Module:
    """Build a network with a backend, and refuse it unless it computes the same."""
    images = probes(part, multiple, device)
    try:
        fast = backend.build(part, images[0], multiple)
        off = max(difference(fast, part, image) for image in images)
    except Exception as error:  # of whatever kind: other people's compilers
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
"""At least so many pixels; two sizes, so that one that was fixed in compiling is found out."""


def probes(part: nn.Module, multiple: int, device: torch.device) -> list[Tensor]:
    """Return small inputs of a network, ``(1, C, Y, X)``: noise with edges and bright spots, always the same.

    Parameters
    ----------
    part : nn.Module
        Begins with a convolution.
    multiple : int
        Of which the sides are multiples.
    device : torch.device
    """
    generator = torch.Generator().manual_seed(0)
    return [_probe(channels_in(part), sides, multiple, generator).to(device) for sides in _SIDES]


def channels_in(part: nn.Module) -> int:
    """Return how many channels the first convolution of a network reads."""
    first = next(module for module in part.modules() if isinstance(module, nn.Conv2d))
    return first.in_channels


@torch.inference_mode()
def difference(fast: nn.Module, part: nn.Module, probe: Tensor) -> float:
    """Return the largest difference between two networks, over the largest value of the second.

    Infinite if the results differ in shape, or one is not finite.
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
