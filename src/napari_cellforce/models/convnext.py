"""The ConvNeXt cell, of which the networks are built, and the activations they may name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self, cast

import torch
from torch import Tensor, nn

from napari_cellforce.models.checks import in_range, one_of

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
class CellConfig:
    """Settings of a `ConvNeXtCell`.

    Attributes
    ----------
    kernel : int
        Side of the depthwise convolution in pixels, odd.
    expansion : int
        Hidden channels per channel.
    dropout : float
        Probability of setting an output to 0.
    activation : str
        Key of `ACTIVATIONS`.
    batchnorm : bool
        Normalise after the depthwise convolution.
    padding : str
        What lies beyond the edge, as `torch.nn.Conv2d` names it.
    """

    kernel: int = 7
    expansion: int = 4
    dropout: float = 0.0
    activation: str = "gelu"
    batchnorm: bool = True
    padding: Padding = "zeros"

    def __post_init__(self) -> None:
        in_range("kernel", self.kernel, 1, 63)
        in_range("expansion", self.expansion, 1, 64)
        in_range("dropout", self.dropout, 0, 0.99)
        if self.kernel % 2 == 0:
            raise ValueError(f"kernel is {self.kernel}, but must be odd")
        one_of("activation", self.activation, ACTIVATIONS)
        one_of("padding", self.padding, ("zeros", "reflect", "replicate", "circular"))

    @classmethod
    def of(cls, entries: Self | Mapping[str, Any]) -> Self:
        """Return the config itself, or the one that a plain dict (from JSON) describes."""
        return cls(**entries) if isinstance(entries, Mapping) else entries


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
    """Return a batch norm of so many channels, or nothing where none is wanted."""
    return nn.BatchNorm2d(channels) if wanted else nn.Identity()


def cells(channels: int, count: int, config: CellConfig) -> list[ConvNeXtCell]:
    """Return `count` cells of the same settings, to be run one after the other."""
    return [ConvNeXtCell(channels, config) for _ in range(count)]
