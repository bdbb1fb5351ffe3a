"""What there is, what it is good for, where it is kept, and a cell to try it on."""

from __future__ import annotations

import os
import sys
from io import StringIO

import numpy as np
import pandas as pd
import pytest
import torch

from napari_cellforce import __version__, files, io, zoo
from napari_cellforce.cli import console
from napari_cellforce.models import checkpoint
from napari_cellforce.models.gfnn import GFNN, GFNNConfig
from napari_cellforce.models.record import ModelRecord


@pytest.fixture
def weights(tmp_path):
    """A colleague's network."""
    torch.manual_seed(1)
    network = GFNN(GFNNConfig(width=2, expansion=2, size=64, padding=64))
    return checkpoint.save(
        tmp_path / "my network.safetensors", network, ModelRecord("draft", "gfnn", ("paxillin",))
    )


def words(text: str) -> str:
    """The text of a table, without its frame and its line breaks."""
    return " ".join(text.split())


class TestModels:
    def test_the_list_says_what_is_ready(self, cellforce):
        answer = cellforce("models", "list")
        assert (answer.code, answer.errors) == (0, [])
        for name in (entry.name for entry in zoo.entries()):
            assert name in answer.output
        rows = {row.split()[0]: row for row in answer.output.splitlines()}
        assert "bundled" in rows["adhesion-filter"]
        assert "to download" in rows["gfnn-schmitt2024"]

    def test_a_card_says_whose_it_is_and_what_it_cannot(self, cellforce):
        answer = cellforce("models", "info", "gfnn-schmitt2024")
        entry = zoo.entry("gfnn-schmitt2024")
        for fact in (entry.citation, entry.limits, entry.licence, entry.sha256):
            assert words(fact) in words(answer.output)

    def test_an_imported_model_can_be_listed_shown_and_used(self, cellforce, weights, tmp_path, make_movie):
        answer = cellforce("models", "import", weights, "--name", "ours")
        assert answer.code == 0
        path = answer.output.removeprefix("ours: ").strip()
        assert files.sha256(path) == files.sha256(weights)
        assert "ours" in cellforce("models", "list").output
        card = words(cellforce("models", "info", "ours").output)
        assert "paxillin" in card
        assert path in card
        movie = io.write_stack(tmp_path / "cell 7.ome.tif", make_movie(1))
        command = ("predict", movie, "--model", "ours", "--channel", "zyxin", "--device", "cpu")
        assert cellforce(*command).code == 0

    def test_a_damaged_model_is_found_and_removed(self, cellforce, weights):
        assert cellforce("models", "import", weights, "--name", "ours").code == 0
        answer = cellforce("models", "check")
        assert (answer.code, answer.output.splitlines()[-1]) == (0, "ours: here")
        path = zoo.entry("ours").path()
        path.write_bytes(path.read_bytes()[:-1])
        answer = cellforce("models", "check", "ours", "unet-sim")
        assert (answer.code, answer.output.split()) == (1, ["ours:", "damaged", "unet-sim:", "bundled"])
        assert "Import ours again" in words(cellforce("models", "info", "ours").output)
        assert cellforce("models", "remove", "ours", "--yes").code == 0
        assert "ours" not in cellforce("models", "list").output
        assert cellforce("models", "remove", "unet-sim", "--yes").code == 2
        assert zoo.check("unet-sim") == zoo.ModelState.BUNDLED

    def test_removing_asks_first(self, cellforce, weights, monkeypatch):
        assert cellforce("models", "import", weights, "--name", "ours").code == 0
        for reply, code in (("n", 1), ("", 1), ("y", 0)):
            monkeypatch.setattr(sys, "stdin", StringIO(f"{reply}\n"))
            assert zoo.check("ours") == zoo.ModelState.HERE
            assert cellforce("models", "remove", "ours").code == code
        assert "ours" not in cellforce("models", "list").output

    def test_the_list_is_readable_on_a_narrow_terminal(self, cellforce, monkeypatch):
        monkeypatch.setattr(console.output, "width", 80)
        answer = cellforce("models", "list").output
        assert max(len(line) for line in answer.splitlines()) <= 80
        for entry in zoo.entries():
            assert f"{entry.name} " in answer, "names are never cut off: they are what one has to type"

    def test_a_model_that_is_unknown_is_answered_with_those_that_are_there(self, cellforce):
        answer = cellforce("models", "info", "gfnn")
        assert answer.code == 2
        (line,) = answer.errors
        assert "gfnn-schmitt2024" in line


def test_info_is_what_a_bug_report_needs(cellforce, tmp_path):
    answer = cellforce("info")
    assert (answer.code, answer.errors) == (0, [])
    facts = (__version__, "torch", "napari", "CPU", str(tmp_path / "models"), "adhesion-filter")
    for fact in (*facts, f"{os.environ['CELLFORCE_CACHE_DIR']} ("):
        assert words(fact) in words(answer.output)


def test_the_version(cellforce):
    assert cellforce("--version").output.strip() == __version__


def test_the_demo_draws_predicts_and_writes(cellforce, tmp_path):
    out = tmp_path / "demo"
    answer = cellforce("demo", "--out", out)
    assert (answer.code, answer.errors) == (0, [])
    assert sorted(path.name for path in out.iterdir()) == [
        "drawn_cell.ome.tif",
        "drawn_cell_summary.csv",
        "drawn_cell_traction.ome.tif",
    ]
    field = io.read_field(out / "drawn_cell_traction.ome.tif")
    assert field.data.shape[0] == len(pd.read_csv(out / "drawn_cell_summary.csv")) == 5
    assert np.asarray(field.data).any()
    assert "total force [normalised]" in answer.output
    assert str(out / "drawn_cell_traction.ome.tif") in answer.output


def test_a_misspelt_option_shows_the_usage(cellforce, tmp_path):
    answer = cellforce("predict", tmp_path / "a.tif", "--modell", "adhesion-filter")
    assert answer.code == 2
    assert any("--modell" in line for line in answer.errors)
