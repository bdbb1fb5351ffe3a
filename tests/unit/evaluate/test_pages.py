"""The pages of an evaluation and of a data set: what they must show, and what they must not hide."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from napari_cellforce.evaluate import (
    BASELINES,
    EvaluateConfig,
    FrameScore,
    Snapshot,
    evaluate,
    write_dataset_page,
    write_evaluation,
)
from napari_cellforce.evaluate.snapshots import LARGEST, snapshot
from napari_cellforce.io.cell_index import find_cells, index_cells
from napari_cellforce.predict import RunConfig


@pytest.fixture
def cells(tmp_path: Path) -> Path:
    """Two cells with a bright ring that pulls inwards, of three frames; a third has no traction."""
    y, x = np.indices((48, 48)) - 23.5
    r = np.hypot(y, x)
    ring, mask = np.exp(-((r - 12) ** 2) / 4), r < 16
    for number in range(3):
        folder = tmp_path / f"data/cell_{number}"
        folder.mkdir(parents=True)
        for t in range(3):
            planes = np.zeros((7, 48, 48), np.float32)
            if number < 2:
                planes[2:4] = -20 * (1 + t) * ring * mask * np.stack([x, y])
            planes[4] = mask
            planes[6] = 100 + 50 * mask + 200 * ring
            np.save(folder / f"frame_{t}.npy", planes)
    return tmp_path / "data"


def test_an_evaluation_shows_pictures_and_the_force_over_time(cells, tmp_path):
    config = EvaluateConfig((str(cells),), run=RunConfig(pixel_size=0.68))
    records = list(evaluate(config))
    scores = [r for r in records if isinstance(r, FrameScore)]
    shots = [r for r in records if isinstance(r, Snapshot)]
    assert {(s.cell, s.frame) for s in shots} == {("cell_0", 1), ("cell_1", 1)}
    page = write_evaluation(tmp_path / "out", config, scores, [], shots).read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") == 2
    assert "Total force over time" in page
    assert all(name in page for name in BASELINES)
    content = json.loads((tmp_path / "out" / "evaluation.json").read_text(encoding="utf-8"))
    assert {row["cell"] for row in content["cells"]} == {"cell_0", "cell_1"}
    assert "NaN" not in json.dumps(content)


def test_cells_can_be_left_out_of_an_evaluation(cells):
    records = evaluate(EvaluateConfig((str(cells),), exclude=("cell_1",), run=RunConfig(pixel_size=0.68)))
    assert {r.cell for r in records if isinstance(r, FrameScore)} == {"cell_0"}


def test_a_data_set_is_told_on_a_page(cells, tmp_path):
    page = write_dataset_page(tmp_path / "page.html", index_cells(find_cells(cells, 0.68)))
    text = page.read_text(encoding="utf-8")
    assert "2 of 3 cells and 6 of 9 frames" in text
    assert "no traction was measured" in text
    assert text.count("data:image/png;base64,") == 2
    assert re.search(r"<svg", text), "a histogram of |F|"


def test_a_snapshot_is_small_and_holds_the_cell_only():
    mask = np.zeros((900, 1200), bool)
    mask[300:700, 200:1000] = True
    force = np.stack([np.full(mask.shape, 3.0), np.full(mask.shape, -4.0)])
    shot = snapshot("a", 0, np.ones(mask.shape), mask, force, "model", 2 * force)
    assert max(shot.mask.shape) <= LARGEST
    assert np.hypot(*shot.measured)[shot.mask].min() > 2, "half a pixel at the rim at least"
    assert np.median(np.hypot(*shot.measured)[shot.mask]) == pytest.approx(5)
    assert shot.predicted == pytest.approx(2 * shot.measured)
    assert not shot.measured[:, ~shot.mask].any() or np.hypot(*shot.measured)[~shot.mask].max() < 5
