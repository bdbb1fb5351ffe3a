"""Small cells to learn from: adhesions at the edge that pull inwards, written as the authors do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_cellforce.config_io import from_mapping
from napari_cellforce.train.augment import Batch
from napari_cellforce.train.config import TrainConfig

SIDE = 64
PIXEL = 0.68


def pulling_cell(seed: int, side: int = SIDE) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Zyxin in counts (Y, X), mask (Y, X) and traction in Pa (2, Y, X): bright spots pull to the middle."""
    rng = np.random.default_rng(seed)
    y, x = np.indices((side, side), dtype=float) - (side - 1) / 2
    radius = side * rng.uniform(0.28, 0.36)
    mask = np.hypot(y, x) < radius
    spots = np.zeros((side, side))
    for angle in rng.uniform(0, 2 * np.pi, 12):
        at = 0.8 * radius * np.array([np.sin(angle), np.cos(angle)])
        spots += rng.uniform(0.5, 1.5) * np.exp(-((y - at[0]) ** 2 + (x - at[1]) ** 2) / 8)
    zyxin = 100 + mask * (50 + 300 * spots) + rng.normal(0, 2, (side, side))
    return zyxin, mask, -1000 * mask * spots * np.stack([y, x]) / radius


def write_frame(path: Path, zyxin: np.ndarray, mask: np.ndarray, traction: np.ndarray) -> None:
    """Write one frame in the authors' layout: x before y."""
    path.parent.mkdir(parents=True, exist_ok=True)
    nothing = np.zeros_like(zyxin)
    planes = [nothing, nothing, traction[1], traction[0], mask, mask, zyxin]
    np.save(path, np.stack(planes).astype(np.float32))


@pytest.fixture
def dataset(tmp_path: Path) -> Callable[..., Path]:
    """Make a folder of so many cells with so many frames each."""

    def make(cells: int = 4, frames: int = 2) -> Path:
        root = tmp_path / "data"
        for cell in range(cells):
            for frame in range(frames):
                write_frame(root / f"cell_{cell}" / f"frame_{frame}.npy", *pulling_cell(10 * cell + frame))
        return root

    return make


@pytest.fixture
def small() -> Callable[..., TrainConfig]:
    """Make the settings of a run that takes a second."""

    def make(**settings: object) -> TrainConfig:
        defaults = {
            "name": "small",
            "architecture": {
                "unet": {"width": 4, "levels": 1, "scale": 2, "encoder_blocks": 1, "skip_blocks": 0,
                         "decoder_blocks": 0, "prepend": {"width": 4, "blocks": 0},
                         "append": {"width": 4, "blocks": 0}},
            },
            "optimise": {"epochs": 2, "batch": 4, "learning_rate": 0.01, "threads": 1},
        }  # fmt: skip
        return from_mapping(TrainConfig, {**defaults, **settings})

    return make


@pytest.fixture
def lopsided() -> Batch:
    """Two frames without any symmetry."""
    y, x = torch.meshgrid(torch.arange(32.0), torch.arange(32.0), indexing="ij")
    blob = torch.exp(-((y - 10) ** 2 / 20 + (x - 19) ** 2 / 40))
    mask = ((y - 15) ** 2 / 100 + (x - 16) ** 2 / 60 < 1).float()
    field = torch.stack([blob * (1 + y / 32), -2 * blob * (x / 32)])
    return Batch(
        torch.stack([blob, blob.flip(0)])[:, None],
        mask.expand(2, 1, -1, -1),
        torch.stack([field, 0.5 * field]),
        torch.stack([field, field]),
    )
