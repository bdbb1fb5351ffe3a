"""Models against simulated cells that play measured ones, from the command line."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd
import pytest

from napari_cellforce.cli import main


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from napari_cellforce.simulate import SimulateConfig, simulate_cells

    folder = tmp_path_factory.mktemp("cells") / "set"
    config = SimulateConfig(cells=2, frames=2, seed=5, mechanics="sheet", side=160, pixel_size=1.0)
    for _ in simulate_cells(config, folder, workers=1):
        pass
    return folder


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["cellforce", "evaluate", *map(str, arguments)])
    with pytest.raises(SystemExit) as stop:
        main()
    return int(stop.value.code or 0)


def test_baselines_always_stand_beside(data, tmp_path, monkeypatch):
    assert run(monkeypatch, "--data", data, "--out", tmp_path) == 0
    models = pd.read_csv(tmp_path / "models.csv").set_index("model")
    assert list(models.index) == ["zyxin itself", "adhesion-filter", "sheet-filter"]
    assert (models["cells"] == 2).all()
    assert models.loc["sheet-filter", "|F| correlation"] > models.loc["zyxin itself", "|F| correlation"]
    # In balance over its mesh; the mask's own pixels miss that by a little.
    assert models.loc["sheet-filter", "net / total force"] < 0.01
    content = json.loads((tmp_path / "evaluation.json").read_text(encoding="utf-8"))
    assert content["failures"] == []
    page = (tmp_path / "evaluation.html").read_text(encoding="utf-8")
    assert "<svg" in page
    assert "adhesion-filter" in page


def test_data_that_are_none_are_refused_in_one_line(tmp_path, monkeypatch, capsys):
    assert run(monkeypatch, "--data", tmp_path, "--out", tmp_path / "out") == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()
