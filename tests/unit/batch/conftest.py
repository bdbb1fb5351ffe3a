"""A folder with small movies of a round cell whose adhesions sit in a ring."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from napari_cellforce.batch import BatchConfig
from napari_cellforce.fields import ImageStack, PixelSize
from napari_cellforce.io import write_stack
from napari_cellforce.models.filters import AdhesionFilter

SIDE, MICRON = 48, 0.68


def cell_movie(frames: int = 1, seed: int = 0, side: int = SIDE) -> np.ndarray:
    """A cell with bright spots on noise, ``(T, 1, Y, X)`` in counts."""
    rng = np.random.default_rng(seed)
    y, x = np.indices((side, side)) - (side - 1) / 2
    r, angle = np.hypot(y, x), np.arctan2(y, x)
    ring = np.exp(-((r - side * 0.3) ** 2) / 3) * (1 + np.cos(7 * angle + seed))
    still = 100 + 300 * (r < side * 0.36) + 900 * ring
    noise = rng.normal(scale=5, size=(frames, 1, side, side))
    return (still + noise).clip(0).astype(np.uint16)


def write_movie(path: Path, frames: int = 1, seed: int = 0, **changes) -> Path:
    """Write such a movie, with a pixel size and a name for its channel."""
    stack = ImageStack(cell_movie(frames, seed), ("zyxin",), PixelSize.square(MICRON), 1.0, path.stem)
    for name, value in changes.items():
        object.__setattr__(stack, name, value)
    return write_stack(path, stack)


@pytest.fixture(scope="session")
def movie() -> Callable[..., Path]:
    """Writes a movie: ``movie(path, frames=1, seed=0, **entries of the ImageStack)``."""
    return write_movie


@pytest.fixture(scope="session")
def predictor() -> AdhesionFilter:
    """The model that needs no weights and no time."""
    return AdhesionFilter()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three movies of 1, 2 and 3 frames."""
    inputs = tmp_path / "inputs"
    for n in (1, 2, 3):
        write_movie(inputs / f"cell_{n}.tif", frames=n, seed=n)
    return inputs


@pytest.fixture
def config(folder: Path, tmp_path: Path) -> Callable[..., BatchConfig]:
    """Settings for that folder, with changes."""

    def make(**changes) -> BatchConfig:
        return BatchConfig(
            **{"folder": str(folder), "out": str(tmp_path / "out"), "models": ("adhesion-filter",), **changes}
        )

    return make
