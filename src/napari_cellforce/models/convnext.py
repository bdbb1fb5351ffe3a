"""The ConvNeXt cell, the building block of the networks, and the available activations."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, cast

import torch
from torch import Tensor, nn

from napari_cellforce.config_io import Settings, setting
from napari_cellforce.errors import CellForceError, Topic

Padding = Literal["zeros", "reflect", "replicate", "circular"]


class Sine(nn.Module):
    """The sine of the input."""

    def forward(self, x: Tensor) -> Tensor:
        """Return ``sin(x)``."""
        return torch.sin(x)


ACTIVATIONS: Mapping[str, Callable[[], nn.Module]] = {
    "gelu": nn.GELU,
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "leaky_relu": nn.LeakyReLU,
    "sigmoid": nn.Sigmoid,
    "sin": Sine,
    "none": nn.Identity,
}


@dataclass(frozen=True)
class CellConfig(Settings):
    """Settings of a `ConvNeXtCell`."""

    kernel: int = setting(
        7, help="Side of the depthwise convolution, an odd number.", unit="pixels", minimum=1, maximum=63
    )
    expansion: int = setting(4, help="Hidden channels per channel.", minimum=1, maximum=64)
    dropout: float = setting(0.0, help="Probability of setting an output to 0.", minimum=0, maximum=0.99)
    activation: str = setting("gelu", help="Activation function.", choices=tuple(ACTIVATIONS))
    batchnorm: bool = setting(True, help="Normalise after the depthwise convolution.")
    padding: Padding = setting("zeros", help="Values beyond the edge, as in torch.nn.Conv2d.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.kernel % 2 == 0:
            raise CellForceError(
                f"kernel is {self.kernel}", "it must be odd", "Choose an odd number.", topic=Topic.SETTINGS
            )


class ConvNeXtCell(nn.Module):
    """Depthwise convolution, batch norm, 1x1 up, activation, 1x1 down, plus the input; then dropout.

    ``(N, C, Y, X)`` to ``(N, C, Y, X)``. After Liu et al., CVPR 2022, doi:10.1109/CVPR52688.2022.01167,
    in the form of Schmitt et al. 2024; names in the state dict are those of the published checkpoints.

    Parameters
    ----------
    channels : int
        C.
    config : CellConfig
    """

    def __init__(self, channels: int, config: CellConfig) -> None:
        super().__init__()
        hidden = channels * config.expansion
        self.conv0 = nn.Conv2d(
            channels,
            channels,
            config.kernel,
            padding=config.kernel // 2,
            groups=channels,
            padding_mode=config.padding,
        )
        self.bn = batch_norm(channels, config.batchnorm)
        self.conv1 = nn.Conv2d(channels, hidden, 1)
        self.act = ACTIVATIONS[config.activation]()
        self.conv2 = nn.Conv2d(hidden, channels, 1)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        """Return the cell's output, of the shape of `x`."""
        y = self.conv2(self.act(self.conv1(self.bn(self.conv0(x)))))
        return cast("Tensor", self.dropout(x + y))


def batch_norm(channels: int, wanted: bool) -> nn.Module:
    """Return a batch normalisation if `wanted`, otherwise the identity."""
    return nn.BatchNorm2d(channels) if wanted else nn.Identity()


def cells(channels: int, count: int, config: CellConfig) -> list[ConvNeXtCell]:
    """Return `count` sequential cells with the same settings."""
    return [ConvNeXtCell(channels, config) for _ in range(count)]
