"""Torch as it is: on a CPU in the faster form of the same network, on a graphics card as it stands."""

from __future__ import annotations

import copy

import torch
from torch import nn

from napari_cellforce.models.fused import fused


def eager(module: nn.Module, device: torch.device) -> nn.Module:
    """Return a copy of a network on a device, in evaluation mode, that computes without gradients."""
    if device.type == "cpu":
        return fused(module)
    return copy.deepcopy(module).to(device).eval()
