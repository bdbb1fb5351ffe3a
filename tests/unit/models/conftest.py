"""Small networks with random weights, in our format and in the published ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from napari_cellforce.models.checkpoint import LoadedModel
from napari_cellforce.models.convnext import CellConfig
from napari_cellforce.models.record import ModelRecord
from napari_cellforce.models.unet import StackConfig, UNet, UNetConfig


def lived_in(module: nn.Module, channels: int) -> nn.Module:
    """Give batch norms the statistics of some images, so that they do something."""
    with torch.no_grad():
        for _ in range(3):
            module.train()(torch.rand(2, channels, 64, 64))
    return module.eval()


def small_config(dropout: float = 0.0, **settings: Any) -> UNetConfig:
    """A U-Net of two levels whose images must be multiples of 4."""
    cell = CellConfig(kernel=3, expansion=2, dropout=dropout)
    blocks = {"encoder_blocks": 1, "skip_blocks": 1, "decoder_blocks": 1, "levels": 2, "scale": 2}
    ends = {"prepend": StackConfig(4, 1, cell), "append": StackConfig(4, 1, cell)}
    return UNetConfig(**{**blocks, **ends, "encoder_cell": cell, "decoder_cell": cell, **settings})


@pytest.fixture
def small_unet() -> Callable[..., LoadedModel]:
    """Make a loaded U-Net with this dropout and these entries of the record."""

    def make(dropout: float = 0.0, **record: Any) -> LoadedModel:
        torch.manual_seed(1)
        inputs = record.get("inputs", ("zyxin",))
        module = lived_in(UNet(small_config(dropout, in_channels=len(inputs))), len(inputs))
        return LoadedModel(module, ModelRecord("small", "unet", **record))

    return make


def in_the_authors_format(module: UNet) -> dict[str, Any]:
    """The dict that the authors' training script would have saved for this network."""
    config = module.config

    def cell(settings: CellConfig) -> dict[str, Any]:
        return {
            "kernel": settings.kernel,
            "stride": 1,
            "dilation": 1,
            "inv_bottleneck_factor": settings.expansion,
            "dropout_rate": settings.dropout,
            "activation": settings.activation,
            "batchnorm": int(settings.batchnorm),
        }

    def stack(settings: StackConfig, start: int, end: int) -> dict[str, Any]:
        channels = {"start_channel": start, "resnet_channel": settings.width, "end_channel": end}
        return {**channels, "N_blocks": settings.blocks, **cell(settings.cell)}

    return {
        "model": module.state_dict(),
        "model_kwargs": {
            "input_type": ",".join(["zyxin", "actin"][: config.in_channels]),
            "prepend_hparams": stack(config.prepend, config.in_channels, config.width),
            "append_hparams": stack(config.append, config.width, config.out_channels),
            "encoder_hparams": {
                "n_ch": config.width,
                "n_layers": config.levels,
                "N_node_blocks": config.encoder_blocks,
                "N_skip_blocks": config.skip_blocks,
                "downsample_kwargs": {"kernel": config.scale, "activation": "gelu", "batchnorm": 1},
                "interlayer_kwargs": cell(config.encoder_cell),
            },
            "decoder_hparams": {
                "n_layers": config.levels,
                "N_node_blocks": config.decoder_blocks,
                "upsample_kernel": config.scale,
                **cell(config.decoder_cell),
            },
            "loss_hparams": {"loss_type": "am"},
        },
        "dataset_kwargs": {
            "input_baseline_normalization": "outside_inside",
            "output_baseline_normalization": "mean_dataset",
            "transform_kwargs": {"norm_output": {"rescale": 0.25, "threshold": 0.4}},
        },
    }


@pytest.fixture
def published_dict() -> dict[str, Any]:
    return in_the_authors_format(UNet(small_config()))
