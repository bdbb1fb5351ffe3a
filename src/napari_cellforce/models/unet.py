"""The U-Net predictor of Schmitt et al., Cell 2024, doi:10.1016/j.cell.2023.11.041."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from napari_cellforce.config_io import Settings, setting
from napari_cellforce.models.base import Network
from napari_cellforce.models.convnext import ACTIVATIONS, CellConfig, batch_norm, cells

UNET_KIND = "unet"
"""Kind of its records."""


@dataclass(frozen=True)
class StackConfig(Settings):
    """Settings of the layers before the encoder and after the decoder: 3x3 convolution, cells, 3x3."""

    width: int = setting(4, help="Channels of the cells.", minimum=1, maximum=4096)
    blocks: int = setting(4, help="Number of cells.", minimum=0, maximum=64)
    cell: CellConfig = setting(default_factory=CellConfig, help="Cells of the stack.")


@dataclass(frozen=True)
class UNetConfig(Settings):
    """Settings of a `UNet`; the default is the published example configuration without dropout."""

    in_channels: int = setting(1, help="Channels of the image.", minimum=1, maximum=64)
    out_channels: int = setting(2, help="Channels of the result.", minimum=1, maximum=64)
    width: int = setting(
        4, help="Channels of the first level; doubled with every level.", minimum=1, maximum=4096
    )
    levels: int = setting(3, help="How often the image is downsampled.", minimum=0, maximum=8)
    scale: int = setting(4, help="Factor between levels.", minimum=1, maximum=16)
    encoder_blocks: int = setting(4, help="Cells per level on the way down.", minimum=0, maximum=64)
    skip_blocks: int = setting(
        4, help="Cells per level on the way across, and at the bottom.", minimum=0, maximum=64
    )
    decoder_blocks: int = setting(4, help="Cells per level on the way up.", minimum=0, maximum=64)
    encoder_cell: CellConfig = setting(default_factory=CellConfig, help="Cells of the way down and across.")
    decoder_cell: CellConfig = setting(default_factory=CellConfig, help="Cells of the way up.")
    downsample_activation: str = setting(
        "gelu", help="Activation applied after downsampling.", choices=tuple(ACTIVATIONS)
    )
    downsample_batchnorm: bool = setting(True, help="Normalise before downsampling.")
    prepend: StackConfig = setting(default_factory=StackConfig, help="Layers before the first level.")
    append: StackConfig = setting(
        default_factory=lambda: StackConfig(cell=CellConfig(expansion=8)), help="Layers after the last level."
    )

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


class UNet(Network):
    """ConvNeXt U-Net: image in, two channels out, on the same grid.

    Names in the state dict are those of the published checkpoints.

    Parameters
    ----------
    config : UNetConfig
    """

    config: UNetConfig
    config_type = UNetConfig
    backend_part = "forward"

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
            Output of the type and unit in the record.
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

    def head_parameters(self) -> list[nn.Parameter]:
        """Return weight and bias of the last convolution."""
        return list(self.appended_layers[-1].parameters())


def _stack(channels_in: int, config: StackConfig, channels_out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, config.width, 3, padding=1),
        *cells(config.width, config.blocks, config.cell),
        nn.Conv2d(config.width, channels_out, 3, padding=1),
    )


def _decoder(width: int, config: UNetConfig) -> nn.ModuleList:
    """Upsampling, cells on [upsampled, skip] channels, and the convolution to the width of the level."""
    both = 3 * width
    blocks = cells(both, config.decoder_blocks, config.decoder_cell)
    merge = nn.Conv2d(both, width, 3, padding=1)
    return nn.ModuleList([nn.Upsample(scale_factor=config.scale), nn.Sequential(*blocks), merge])
