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


def test_files_by_a_pattern_cells_left_out_and_a_page(tmp_path, cells):
    from napari_cellforce import io
    from napari_cellforce.io.cell_index import find_cells, open_cell

    for source in find_cells(cells, 0.68):
        cell, folder = open_cell(source), tmp_path / "ours" / source.cell
        folder.mkdir(parents=True)
        io.write_stack(folder / "zyxin.ome.tif", cell.image)
        io.write_mask(folder / "mask.tif", cell.mask)
        io.write_field(folder / "force.ome.tif", cell.traction)
    named = {"image": "zyxin.ome.tif", "mask": "mask.tif", "traction": "force.ome.tif"}
    files = [part for what, name in named.items() for part in ("--files", f"{what}={{cell}}/{name}")]
    page = tmp_path / "page.html"
    told = run("train", "--data", tmp_path / "ours", *files, "--exclude", "cell_3", "--check", "--page", page)
    assert "cell_0" in told
    assert "cell_3" not in told
    assert "3 of 3 cells" in page.read_text(encoding="utf-8")


def test_an_offset_can_be_found_with_the_scale(cells, tmp_path):
    (tmp_path / "run.yaml").write_text(SETTINGS)
    data = ("--data", cells, "--pixel-size", 0.68)
    run("train", tmp_path / "run.yaml", *data, "--out", tmp_path / "one")
    model = tmp_path / "one" / "small.safetensors"
    told = run("finetune", model, *data, "--out", tmp_path / "two", "--only", "scale-and-offset")
    assert "Pa per unit" in told
    assert load_predictor(tmp_path / "two" / "my-model.safetensors").record.output_offset != 0


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--fold", "two"), "second of five"),
        (("--fold", "6/5"), "counted from"),
        (("--where", "drug"), "name, = and a value"),
        (("--where", "drug=none", "--where", "day=1"), "one is taken"),
        (("--where", "drug=none"), "no values"),
        (("--window", "30"), "from frame 30"),
        (("--window", "5-9"), "no frame"),
        (("--exclude", "cell_9"), "cell_9"),
        (("--files", "image=x.tif"), "pattern"),
    ],
)
def test_options_that_make_no_sense_are_refused_in_words(cells, tmp_path, option, said):
    with pytest.raises(CellForceError, match=said):
        run("train", "--data", cells, "--pixel-size", 0.68, "--out", tmp_path / "run", *option)
    assert not (tmp_path / "run").exists()
