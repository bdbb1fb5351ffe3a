"""An equivalent form of a network that is faster on a CPU.

The cost of a ConvNeXt cell at full resolution is memory traffic: its hidden channels are several times
the size of the image. Here batch normalisation is folded into the preceding convolution, pixels are stored
channels last so that the 1x1 convolutions are matrix products, and these are computed over strips of pixels
whose hidden channels fit into the cache. Each thread processes separate strips: if every operation on a
strip were shared by all threads, they would wait for each other thousands of times, especially on a busy
computer. The result is equal up to rounding. Measured in ``benchmarks/unet_speed.py``.
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
"""Number of pixels in a strip."""


def fold_batchnorm(module: M) -> M:
    """Return a copy of a network in evaluation mode, for prediction without gradients on a CPU."""
    quick = copy.deepcopy(module).eval()
    _replace_cells(quick)
    return cast("M", quick.to(memory_format=torch.channels_last))  # type: ignore[call-overload]


class _FusedCell(nn.Module):
    """`ConvNeXtCell` computed strip by strip and in place."""

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
    """Return a pool of threads in each of which torch uses only one thread.

    `torch.set_num_threads` applies to the calling thread and to later threads, so all threads are started
    here and the number is restored. They do not survive a fork, so there is one pool per process.
    """
    pool = ThreadPoolExecutor(threads, "cellforce-strip", torch.set_num_threads, (1,))
    all_here = threading.Barrier(threads + 1)
    for _ in range(threads):
        pool.submit(all_here.wait)
    all_here.wait()
    torch.set_num_threads(threads)
    return pool
