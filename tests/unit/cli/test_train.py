"""Training and fine-tuning from the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from napari_cellforce.cli.app import app
from napari_cellforce.errors import CellForceError
from napari_cellforce.zoo import load_predictor

SETTINGS = """
name: small
architecture:
  unet: {width: 4, levels: 1, scale: 2, encoder_blocks: 1, skip_blocks: 0, decoder_blocks: 0,
         prepend: {width: 4, blocks: 0}, append: {width: 4, blocks: 0}}
optimise: {epochs: 1, batch: 2, threads: 1}
"""


@pytest.fixture
def cells(tmp_path: Path) -> Path:
    """Three cells with a bright ring that pulls inwards; one of a fourth has no traction."""
    y, x = np.indices((48, 48)) - 23.5
    r = np.hypot(y, x)
    ring, mask = np.exp(-((r - 12) ** 2) / 4), r < 16
    for number in range(4):
        planes = np.zeros((7, 48, 48), np.float32)
        if number < 3:
            planes[2:4] = -20 * (1 + number) * ring * mask * np.stack([x, y])
        planes[4] = mask
        planes[6] = 100 + 50 * mask + 200 * ring
        (tmp_path / f"data/cell_{number}").mkdir(parents=True)
        np.save(tmp_path / f"data/cell_{number}/frame_0.npy", planes)
    return tmp_path / "data"


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_train_then_finetune_then_scale(cells, tmp_path):
    (tmp_path / "run.yaml").write_text(SETTINGS)
    data = ("--data", cells, "--pixel-size", 0.68)
    told = run("train", tmp_path / "run.yaml", *data, "--out", tmp_path / "one")
    model = tmp_path / "one" / "small.safetensors"
    assert "vector R2" in told
    assert load_predictor(model).record.output_unit == "Pa"
    tuned = ("--out", tmp_path / "two", "--name", "tuned", "--only", "head", "--epochs", 1)
    run("finetune", model, *data, *tuned)
    assert (tmp_path / "two" / "tuned.safetensors").is_file()
    assert "Pa per unit" in run("finetune", model, *data, "--out", tmp_path / "three", "--only", "scale")


def test_check_lists_cells_and_their_problems(cells):
    told = run("train", "--data", cells, "--pixel-size", 0.68, "--check")
    assert "cell_2" in told
    assert "no traction" in " ".join(told.split())


def test_without_cells_nothing_is_trained(tmp_path):
    with pytest.raises(CellForceError, match="no cells"):
        run("train", "--out", tmp_path / "run")
