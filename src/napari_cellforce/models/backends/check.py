"""Does a backend compute what it should? Asked of each, with the weights at hand, before it is used."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

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
