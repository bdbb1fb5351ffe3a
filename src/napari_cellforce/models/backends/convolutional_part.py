"""The convolutional part of a network, which another program can compute, and the rest, which stays here.

The U-Net is nothing but convolutions. The others do something before or after: Fourier transforms with
complex numbers, products with the adhesions, a balance of forces. The physical bottleneck spends its time
on the sheet, not on the network: it has no such part.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import cast

from torch import Tensor, nn

from napari_cellforce.models.adhesion_unet import AdhesionUNet
from napari_cellforce.models.gfnn import GFNN
from napari_cellforce.models.unet import UNet

_NAMES: Mapping[type[nn.Module], str] = {UNet: "forward", AdhesionUNet: "_fields", GFNN: "conv_in"}
"""What takes an image, ``(N, C, Y, X)``, through convolutions and activations, and nothing else."""


class ConvolutionalPart(nn.Module):
    """The part of a network that is convolutions, sharing the network's weights."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module, self._name = module, _NAMES[type(module)]

    def forward(self, x: Tensor) -> Tensor:
        """Return what the part makes of ``(N, C, Y, X)``."""
        return cast("Tensor", getattr(self.module, self._name)(x))

    def extra_repr(self) -> str:
        """Return all that the part depends on besides its layers."""
        return f"{self._name}, {self.module.config}"


def has_convolutional_part(module: nn.Module) -> bool:
    """Say whether another program could compute a part of a network."""
    return type(module) in _NAMES


def replace_convolutional_part(module: nn.Module, fast: nn.Module) -> nn.Module:
    """Return a copy of a network in which `fast` takes the place of its `ConvolutionalPart`."""
    copied = copy.deepcopy(module).eval()
    # Past nn.Module, which would not let a layer stand for a method.
    object.__setattr__(copied, _NAMES[type(module)], fast)
    return copied
