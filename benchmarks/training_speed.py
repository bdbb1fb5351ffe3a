"""A training step on the CPU: what loading and augmentation take of it, and what channels last gains.

usage: python benchmarks/training_speed.py [RUNS]
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

import _report
from napari_cellforce.fields import PixelSize
from napari_cellforce.models.adhesion_unet import AdhesionUNet, AdhesionUNetConfig
from napari_cellforce.models.unet import UNet, UNetConfig
from napari_cellforce.train.augment import Batch, augment
from napari_cellforce.train.config import AugmentConfig, LossConfig
from napari_cellforce.train.data import ModelGrid, stack_frames
from napari_cellforce.train.losses import loss_terms

SIDE, FRAMES = 192, 8


def examples() -> list:
    """Return frames of noise in round cells: what they show does not matter for the time."""
    rng = np.random.default_rng(0)
    y, x = np.indices((SIDE, SIDE)) - SIDE / 2
    mask = np.hypot(y, x) < 0.4 * SIDE
    grid = ModelGrid(0.68, 8.5, SIDE)
    return [
        grid.example(
            str(i),
            rng.random((1, SIDE, SIDE), dtype=np.float32),
            mask,
            rng.random((2, SIDE, SIDE), dtype=np.float32),
            PixelSize.square(0.68),
        )
        for i in range(FRAMES)
    ]


def step_of(module: torch.nn.Module, layout: torch.memory_format) -> Callable[[Batch], None]:
    """Return a training step of a network with its pixels in one of the two orders."""
    module = module.to(memory_format=layout)
    optimiser = torch.optim.AdamW(module.parameters())
    channels: int = module.config.in_channels

    def step(batch: Batch) -> None:
        image: Tensor = torch.cat([batch.proteins, batch.mask], dim=1)[:, :channels]
        raw = module(image.contiguous(memory_format=layout))
        loss = sum(loss_terms(raw, batch, LossConfig(), "vector").values())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

    return step


def main(runs: int) -> None:
    """Time the parts of a step in turn."""
    frames = examples()
    batch = stack_frames(frames, SIDE)
    plain, last = torch.contiguous_format, torch.channels_last
    ways = {
        "load": lambda: stack_frames(frames, SIDE),
        "augment": lambda: augment(batch, AugmentConfig()),
    }
    for name, build in {
        "adhesion-unet": lambda: AdhesionUNet(AdhesionUNetConfig()),
        "unet": lambda: UNet(UNetConfig()),
    }.items():
        for layout, order in {"plain": plain, "channels last": last}.items():
            step = step_of(build(), order)
            ways[f"{name}, {layout}"] = lambda step=step: step(batch)
    seconds = _report.interleaved(ways, runs)
    data = seconds["load"] + seconds["augment"]
    results: dict[str, object] = {
        "frames": [FRAMES, SIDE, SIDE],
        "threads": torch.get_num_threads(),
        "runs": runs,
    }
    results["median [s]"] = {name: round(value, 4) for name, value in seconds.items()}
    for name in ("adhesion-unet", "unet"):
        step = seconds[f"{name}, channels last"]
        results[f"{name}: data / whole step"] = round(data / (data + step), 3)
        results[f"{name}: plain / channels last"] = round(seconds[f"{name}, plain"] / step, 2)
    _report.write("training_speed", results)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
