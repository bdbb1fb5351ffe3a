"""The convolutional part of a network, which another program can compute, and the rest, which stays here.

The U-Net is nothing but convolutions. The others do something before or after: Fourier transforms with
complex numbers, products with the adhesions, a balance of forces. The physical bottleneck spends its time
on the sheet, not on the network: it has no such part.
"""

from __future__ import annotations

import copy
from typing import cast

from torch import Tensor, nn

from napari_cellforce.models.base import Network


class ConvolutionalPart(nn.Module):
    """The part of a network that is convolutions, sharing the network's weights."""

    def __init__(self, module: Network) -> None:
        super().__init__()
        self.module, self._name = module, module.backend_part

    def forward(self, x: Tensor) -> Tensor:
        """Return what the part makes of ``(N, C, Y, X)``."""
        return cast("Tensor", getattr(self.module, self._name)(x))

    def extra_repr(self) -> str:
        """Return all that the part depends on besides its layers."""
        return f"{self._name}, {self.module.config}"


def has_convolutional_part(module: Network) -> bool:
    """Say whether another program could compute a part of a network."""
    return bool(module.backend_part)


def replace_convolutional_part(module: Network, fast: nn.Module) -> Network:
    """Return a copy of a network in which `fast` takes the place of its `ConvolutionalPart`."""
    copied = copy.deepcopy(module).eval()
    # Past nn.Module, which would not let a layer stand for a method.
    object.__setattr__(copied, module.backend_part, fast)
    return copied
