"""The command line in this process: what it prints, how it ends; and a movie to try it on."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from napari_cellforce import io
from napari_cellforce.cli import main
from napari_cellforce.fields import ImageStack, PixelSize

SIDE = 64


@dataclass(frozen=True)
class CellEvaluation:
    """What a command left behind: its exit code, its output, and the lines of its error stream."""

    code: int
    output: str
    errors: list[str]


@pytest.fixture
def cellforce(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., CellEvaluation]:
    """Run ``cellforce ARGUMENTS`` on a computer without models."""
    monkeypatch.setenv("CELLFORCE_MODEL_DIR", str(tmp_path / "models"))
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)  # main replaces it

    def run(*arguments: str | Path) -> CellEvaluation:
        monkeypatch.setattr(sys, "argv", ["cellforce", *map(str, arguments)])
        capsys.readouterr()
        try:
            main()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(bool(end.code))
        printed = capsys.readouterr()
        return CellEvaluation(code, printed.out, printed.err.splitlines())

    return run


def a_movie(frames: int = 3) -> ImageStack:
    """A round cell of 17 µm radius with bright adhesions at its rim, and beside it a blank channel name."""
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    rng = np.random.default_rng(3)
    image = np.where(np.hypot(y, x) < 25, 400.0, 100.0)
    for angle in np.linspace(0, 2 * np.pi, 9)[:-1]:
        spot = (y - 20 * np.sin(angle)) ** 2 + (x - 20 * np.cos(angle)) ** 2
        image += 800 * np.exp(-spot / 8)
    actin = np.where(np.hypot(y, x) < 25, 300.0, 100.0)
    data = rng.poisson(np.broadcast_to([image, actin], (frames, 2, SIDE, SIDE))).astype(np.uint16)
    return ImageStack(data, ("zyxin", "actin"), PixelSize.square(0.68), 1.0, "cell 7")


@pytest.fixture
def make_movie() -> Callable[..., ImageStack]:
    return a_movie


@pytest.fixture
def movie(tmp_path: Path) -> Path:
    """The movie as a file, "cell 7.ome.tif"."""
    return io.write_stack(tmp_path / "cell 7.ome.tif", a_movie())
