"""The U-Net predictor of Schmitt et al., Cell 2024, doi:10.1016/j.cell.2023.11.041."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self, cast

import torch
from torch import Tensor, nn

from napari_cellforce.models.checks import in_range, one_of
from napari_cellforce.models.convnext import ACTIVATIONS, CellConfig, batch_norm, cells


@dataclass(frozen=True)
class StackConfig:
    """Settings of the layers before the encoder and after the decoder: 3x3 convolution, cells, 3x3.

    Attributes
    ----------
    width : int
        Channels of the cells.
    blocks : int
        Number of cells.
    cell : CellConfig
    """

    width: int = 4
    blocks: int = 4
    cell: CellConfig = field(default_factory=CellConfig)

    def __post_init__(self) -> None:
        object.__setattr__(self, "cell", CellConfig.of(self.cell))
        in_range("width", self.width, 1, 4096)
        in_range("blocks", self.blocks, 0, 64)

    @classmethod
    def of(cls, entries: Self | Mapping[str, Any]) -> Self:
        """Return the config itself, or the one that a plain dict (from JSON) describes."""
        return cls(**entries) if isinstance(entries, Mapping) else entries


@dataclass(frozen=True)
class UNetConfig:
    """Settings of a `UNet`; the default is the published example configuration without dropout.

    Attributes
    ----------
    in_channels, out_channels : int
        Channels of the image and of the result.
    width : int
        Channels of the first level; doubled with every level.
    levels : int
        How often the image is downsampled.
    scale : int
        Factor between levels.
    encoder_blocks, skip_blocks, decoder_blocks : int
        Cells per level on the way down, on the way across (and at the bottom), on the way up.
    encoder_cell, decoder_cell : CellConfig
        Of the way down and across, and of the way up.
    downsample_activation : str
        Applied after downsampling, key of `ACTIVATIONS`.
    downsample_batchnorm : bool
        Normalise before downsampling.
    prepend, append : StackConfig
        What comes before the first level and after it.
    """

    in_channels: int = 1
    out_channels: int = 2
    width: int = 4
    levels: int = 3
    scale: int = 4
    encoder_blocks: int = 4
    skip_blocks: int = 4
    decoder_blocks: int = 4
    encoder_cell: CellConfig = field(default_factory=CellConfig)
    decoder_cell: CellConfig = field(default_factory=CellConfig)
    downsample_activation: str = "gelu"
    downsample_batchnorm: bool = True
    prepend: StackConfig = field(default_factory=StackConfig)
    append: StackConfig = field(default_factory=lambda: StackConfig(cell=CellConfig(expansion=8)))

    def __post_init__(self) -> None:
        for name in ("encoder_cell", "decoder_cell"):
            object.__setattr__(self, name, CellConfig.of(getattr(self, name)))
        for name in ("prepend", "append"):
            object.__setattr__(self, name, StackConfig.of(getattr(self, name)))
        for name in ("in_channels", "out_channels"):
            in_range(name, getattr(self, name), 1, 64)
        for name in ("encoder_blocks", "skip_blocks", "decoder_blocks"):
            in_range(name, getattr(self, name), 0, 64)
        in_range("width", self.width, 1, 4096)
        in_range("levels", self.levels, 0, 8)
        in_range("scale", self.scale, 1, 16)
        one_of("downsample_activation", self.downsample_activation, ACTIVATIONS)

    @property
    def multiple(self) -> int:
        """What height and width of the image must be a multiple of, in pixels."""
        return int(self.scale**self.levels)


class Downsample(nn.Module):
    """Batch norm, then a convolution whose stride is its kernel, then an activation; doubles the channels."""

    def __init__(self, channels: int, config: UNetConfig) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, 2 * channels, config.scale, stride=config.scale)
        self.bn = batch_norm(channels, config.downsample_batchnorm)
        self.act = ACTIVATIONS[config.downsample_activation]()

    def forward(self, x: Tensor) -> Tensor:
        """Take ``(N, C, Y, X)`` to ``(N, 2 C, Y / scale, X / scale)``."""
        return cast("Tensor", self.act(self.conv(self.bn(x))))


class UNet(nn.Module):
    """ConvNeXt U-Net: image in, two channels out, on the same grid.

    Names in the state dict are those of the published checkpoints.

    Parameters
    ----------
    config : UNetConfig
    """

    def __init__(self, config: UNetConfig) -> None:
        super().__init__()
        self.config = config
        widths = [config.width * 2**level for level in range(config.levels)]
        bottom = config.width * 2**config.levels
        self.prepended_layers = _stack(config.in_channels, config.prepend, config.width)
        self.layers_encode = nn.ModuleList(
            nn.Sequential(
                *cells(width, config.encoder_blocks, config.encoder_cell), Downsample(width, config)
            )
            for width in widths
        )
        self.layers_encode.append(nn.Sequential(*cells(bottom, config.skip_blocks, config.encoder_cell)))
        self.interlayer_cnn = nn.ModuleList(
            nn.Sequential(*cells(width, config.skip_blocks, config.encoder_cell)) for width in widths
        )
        self.layers_decode = nn.ModuleList(_decoder(width, config) for width in reversed(widths))
        self.appended_layers = _stack(config.width, config.append, config.out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Run the network.

        Parameters
        ----------
        x : (N, C, Y, X) tensor
            Normalised image; Y and X multiples of ``config.multiple``.

        Returns
        -------
        (N, out_channels, Y, X) tensor
            What the record's ``output`` says, in its unit.
        """
        x = self.prepended_layers(x)
        skips = []
        for down, across in zip(self.layers_encode, self.interlayer_cnn, strict=False):
            skips.append(across(x))
            x = down(x)
        x = self.layers_encode[-1](x)
        for layers, skip in zip(self.layers_decode, reversed(skips), strict=True):
            upsample, blocks, merge = cast("nn.ModuleList", layers)
            x = merge(blocks(torch.cat([upsample(x), skip], dim=1)))
        return cast("Tensor", self.appended_layers(x))


def _stack(channels_in: int, config: StackConfig, channels_out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, config.width, 3, padding=1),
        *cells(config.width, config.blocks, config.cell),
        nn.Conv2d(config.width, channels_out, 3, padding=1),
    )


def _decoder(width: int, config: UNetConfig) -> nn.ModuleList:
    """Upsampling, cells on [upsampled, skip] channels, and the convolution to the level's width."""
    both = 3 * width
    blocks = cells(both, config.decoder_blocks, config.decoder_cell)
    merge = nn.Conv2d(both, width, 3, padding=1)
    return nn.ModuleList([nn.Upsample(scale_factor=config.scale), nn.Sequential(*blocks), merge])
