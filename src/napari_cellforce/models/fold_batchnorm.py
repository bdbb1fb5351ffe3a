"""A faster form of the same network for prediction on a CPU.

The cost of a ConvNeXt cell at full resolution is memory traffic: its hidden channels are several times
the image. Here batch norm is folded into the convolution before it, pixels are stored channels last so
that the 1x1 convolutions are matrix products, and those run over strips of pixels whose hidden channels
fit into the cache. Each thread takes strips of its own: were every operation on a strip shared by all
threads, they would wait for each other thousands of times, and for long where the computer is busy.
The result is the same to rounding. Measured in ``benchmarks/unet_speed.py``.
"""

from __future__ import annotations

import copy
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import TypeVar, cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from napari_cellforce.models.convnext import ConvNeXtCell

M = TypeVar("M", bound=nn.Module)

_STRIP = 32768
"""Pixels in a strip."""


def fold_batchnorm(module: M) -> M:
    """Return a copy of a network in evaluation mode, for prediction without gradients on a CPU."""
    quick = copy.deepcopy(module).eval()
    _replace_cells(quick)
    return cast("M", quick.to(memory_format=torch.channels_last))  # type: ignore[call-overload]


class _FusedCell(nn.Module):
    """What `ConvNeXtCell` computes, strip by strip and in place."""

    def __init__(self, cell: ConvNeXtCell) -> None:
        super().__init__()
        bn = cell.bn
        self.conv0 = fuse_conv_bn_eval(cell.conv0, bn) if isinstance(bn, nn.BatchNorm2d) else cell.conv0
        self.conv1, self.act, self.conv2, self.dropout = cell.conv1, cell.act, cell.conv2, cell.dropout

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv0(x).contiguous(memory_format=torch.channels_last)
        pixels = y.permute(0, 2, 3, 1).flatten(0, 2)
        inputs = x.permute(0, 2, 3, 1).reshape(pixels.shape)
        up, down = self.conv1.weight.flatten(1), self.conv2.weight.flatten(1)

        @torch.inference_mode()
        def mix(start: int) -> None:
            strip = pixels[start : start + _STRIP]
            hidden = self.act(functional.linear(strip, up, self.conv1.bias))
            change = functional.linear(hidden, down, self.conv2.bias)
            torch.add(change, inputs[start : start + _STRIP], out=strip)

        starts = range(0, len(pixels), _STRIP)
        threads = torch.get_num_threads()
        run = _pool(threads, os.getpid()).map if min(threads, len(starts)) > 1 else map
        list(run(mix, starts))
        return cast("Tensor", self.dropout(y))


def _replace_cells(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, ConvNeXtCell):
            setattr(module, name, _FusedCell(child))
        else:
            _replace_cells(child)


@lru_cache(maxsize=1)
def _pool(threads: int, _process: int) -> ThreadPoolExecutor:
    """Return threads in each of which torch uses one thread only.

    `torch.set_num_threads` holds for the thread that calls it and for threads to come, hence all start
    here, and the number is put back. They do not survive a fork, hence one pool a process.
    """
    pool = ThreadPoolExecutor(threads, "cellforce-strip", torch.set_num_threads, (1,))
    all_here = threading.Barrier(threads + 1)
    for _ in range(threads):
        pool.submit(all_here.wait)
    all_here.wait()
    torch.set_num_threads(threads)
    return pool
