"""The zoo: what there is, what is known of it; a model brought on a stick, kept, checked and loaded."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_cellforce import files, zoo
from napari_cellforce.errors import CellForceError, CellForceWarning
from napari_cellforce.fields import PixelSize
from napari_cellforce.models import checkpoint
from napari_cellforce.models.gfnn import GFNN, GFNNConfig
from napari_cellforce.models.record import ModelRecord
from napari_cellforce.zoo import registry

REPOSITORY = Path(__file__).resolve().parents[2]
AUTHORS = "gfnn-schmitt2024"
FILTER = "adhesion-filter"


@pytest.fixture(autouse=True)
def _nobodys_computer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A computer without a chosen model folder."""
    monkeypatch.delenv(registry.FOLDER_VARIABLE, raising=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model folder that does not exist yet."""
    return tmp_path / "models"


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A colleague's network: tiny, untrained, saved by this program as "my network.safetensors"."""
    return _save_network(tmp_path / "my network.safetensors", seed=1)


def _save_network(path: Path, seed: int) -> Path:
    torch.manual_seed(seed)
    network = GFNN(GFNNConfig(width=2, expansion=2, size=8, padding=8))
    record = ModelRecord("draft", "gfnn", ("paxillin",), pixel_size=0.5, training_data="none: random")
    return checkpoint.save(path, network, record)


def _number_after(words: str, text: str) -> float:
    (number,) = re.findall(rf"(?<![\w_]){re.escape(words)}(\.\d+)", text)
    return float(number)


def _left_in(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*")] if folder.exists() else []


class TestCatalogue:
    def test_a_newcomer_finds_a_model_that_works_offline(self, folder: Path) -> None:
        names = [e.name for e in zoo.entries(folder=folder)]
        assert {AUTHORS, FILTER} <= set(names)
        assert zoo.is_available(FILTER, folder)
        assert not zoo.is_available(AUTHORS, folder)
        assert not folder.exists(), "looking creates nothing"

    def test_every_card_is_complete(self) -> None:
        for entry in zoo.entries():
            for value in (
                entry.title,
                entry.card,
                entry.licence,
                entry.citation,
                entry.limits,
                entry.training_data,
            ):
                assert value.strip()
            assert len(entry.card) < 120
            assert entry.inputs
            assert entry.pixel_size > 0
            assert entry.output == "normalised"

    def test_every_model_has_its_page_with_the_facts_of_the_zoo(self) -> None:
        pages = REPOSITORY / "docs" / "models"
        index = (pages / "index.md").read_text(encoding="utf-8")
        for entry in zoo.entries():
            page = (pages / f"{entry.name}.md").read_text(encoding="utf-8")
            assert f"]({entry.name}.md)" in index
            rows = dict(line.split(" | ", 1) for line in page.splitlines() if line.startswith("| "))
            facts = {
                "| licence": entry.licence,
                "| pixel size": f"{entry.pixel_size:g} µm",
                "| weights": entry.url or entry.sha256 or "none",
                "| training data": "",
                "| citation": "",
                "| output": entry.output,
            }
            for row, fact in facts.items():
                assert fact in rows[row]
            for fact in (entry.name, entry.sha256, "## How good it is", "## What it cannot do"):
                assert fact in page

    def test_figures_of_the_cards_are_those_that_were_measured(self) -> None:
        runs = REPOSITORY / "docs" / "training" / "runs"
        for entry in zoo.entries():
            by = "consensus-sim" if entry.name.endswith("filter") else entry.name
            if entry.name == AUTHORS:  # measured like the others, but not ours to keep a run of
                continue
            measured = json.loads((runs / by / "metrics.json").read_text(encoding="utf-8"))
            page = (REPOSITORY / "docs" / "models" / f"{entry.name}.md").read_text(encoding="utf-8")
            real = measured["real images"][entry.name]
            for key, value in real.items():
                image, what = key.rsplit(", ", 1) if ", " in key else ("", "")
                if what == "r":
                    told = _number_after(f"{image} ", entry.measured)
                    assert told == pytest.approx(value, abs=6e-4)
                    digits = {f".{round(told * 1000):03}", f".{round(told * 100):02}"}
                    assert any(d in page for d in digits)
            simulated = measured["fibroblasts, seed 20261122"]
            for kind, words in (("sheet", "contracting sheets "), ("fibre", "pulling by stress fibres ")):
                (key,) = (k for k in simulated if k.startswith(f"{kind}, measured"))
                assert f"{key.split()[-2]} {words}" in entry.measured
                told = _number_after(words, entry.measured)
                assert told == pytest.approx(simulated[key][entry.name]["r of |F|"], abs=6e-4)

    def test_the_authors_weights_are_described_as_published(self, shared_data: Path) -> None:
        entry = zoo.entry(AUTHORS)
        original = next((shared_data / "published").glob("UnseenWashout*"))
        assert entry.sha256 == files.sha256(original)
        assert entry.size == original.stat().st_size
        assert "we do not redistribute it" in entry.licence

    def test_a_misspelt_name_is_answered_with_the_right_one(self) -> None:
        with pytest.raises(CellForceError, match=f"Did you mean {AUTHORS}") as caught:
            zoo.entry("gfnn-schmit2024")
        assert caught.value.topic == "model"
        assert FILTER in caught.value.rule

    def test_the_environment_wins_over_the_preference(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert zoo.model_folder(tmp_path / "preferred") == tmp_path / "preferred"
        monkeypatch.setenv(registry.FOLDER_VARIABLE, str(tmp_path / "shared by the lab"))
        assert zoo.model_folder(tmp_path / "preferred") == tmp_path / "shared by the lab"

    def test_without_a_choice_models_lie_in_the_users_data(self) -> None:
        assert zoo.model_folder().name == "models"
        assert "napari-cellforce" in zoo.model_folder().parts

    @pytest.mark.parametrize(
        ("name", "change"),
        [
            ("mine", {"file": "../secret.pt"}),
            ("mine", {"file": None}),
            ("mine", {"sha256": ""}),
            ("mine", {"sha256": 12}),
            ("mine", {"pixel_size": None}),
            ("mine", {"pixel_size": -1}),
            ("mine", {"inputs": "zyxin"}),
            ("mine", {"size": "large"}),
            ("mine", {"output": "furlongs"}),
            ("mine", {"title": ["a", "list"]}),
            (AUTHORS, {}),
            ("mine", None),
        ],
    )
    def test_a_bad_record_is_passed_over_and_hides_nothing(self, folder: Path, name: str, change) -> None:
        folder.mkdir()
        values = {"file": "mine.pt"} | (change or {})
        record = json.dumps(json.loads(zoo.entry(AUTHORS).to_json()) | values)
        (folder / f"{name}.entry.json").write_text(record if change is not None else record[:20])
        with pytest.warns(CellForceWarning, match=rf"{name}\.entry\.json"):
            assert zoo.entries(folder=folder) == zoo.entries()

    def test_listing_models_does_not_wait_for_torch(self) -> None:
        code = (
            "import sys, napari_cellforce.zoo as zoo; zoo.entries();"
            "print([m for m in ('torch', 'scipy', 'qtpy', 'requests') if m in sys.modules])"
        )
        answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert answer.stdout.strip() == "[]"


class TestImport:
    def test_an_imported_model_is_listed_under_its_files_name(self, folder: Path, weights: Path) -> None:
        mine = zoo.import_checkpoint(weights, folder=folder)
        assert mine.name == "my-network"
        assert mine.inputs == ("paxillin",)
        assert mine.pixel_size == 0.5
        assert mine.training_data == "none: random"
        assert mine.licence == "not stated in the file"
        assert zoo.entries(folder=folder)[-1] == mine
        assert zoo.is_available("my-network", folder)
        weights.unlink()
        assert files.sha256(mine.path(folder)) == mine.sha256, "it is a copy: the original may go"

    def test_importing_twice_changes_nothing(self, folder: Path, weights: Path) -> None:
        first = zoo.import_checkpoint(weights, name="mine", folder=folder)
        assert zoo.import_checkpoint(weights, folder=folder) == first
        assert zoo.import_checkpoint(first.path(folder), folder=folder) == first
        assert len(zoo.entries(folder=folder)) == len(zoo.entries(folder=folder / "none")) + 1

    def test_a_damaged_copy_is_mended_by_importing_again(self, folder: Path, weights: Path) -> None:
        copy = zoo.import_checkpoint(weights, folder=folder).path(folder)
        copy.write_bytes(b"")
        assert not zoo.is_available("my-network", folder)
        zoo.import_checkpoint(weights, folder=folder)
        assert zoo.is_available("my-network", folder)

    def test_the_authors_weights_brought_on_a_stick(
        self, shared_data: Path, folder: Path, tmp_path: Path
    ) -> None:
        original = next((shared_data / "published").glob("UnseenWashout*"))
        stick = shutil.copy(original, tmp_path / "some other name.bin")
        assert zoo.import_checkpoint(stick, name="ours", folder=folder) == zoo.entry(AUTHORS)
        assert zoo.is_available(AUTHORS, folder)
        assert len(_left_in(folder)) == 1, "no record of its own"
        assert zoo.entries(folder=folder) == zoo.entries(folder=folder / "none"), "no record of its own"

    def test_a_copy_of_bundled_weights_is_known_and_leaves_the_package_alone(
        self, folder: Path, tmp_path: Path
    ) -> None:
        bundled = zoo.entry("unet-sim").path()
        copy = shutil.copy(bundled, tmp_path / "from a colleague.safetensors")
        before = bundled.stat()
        assert zoo.import_checkpoint(copy, name="mine", folder=folder).name == "unet-sim"
        assert (bundled.stat().st_ino, bundled.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
        assert _left_in(folder) == []

    def test_the_authors_u_net_format(self, shared_data: Path, folder: Path) -> None:
        two_proteins = zoo.import_checkpoint(shared_data / "cases" / "unet_case_1.pt", folder=folder)
        assert two_proteins.name == "unet_case_1"
        assert two_proteins.kind == "unet"
        assert len(two_proteins.inputs) == 2
        assert two_proteins.pixel_size == 0.17

    @pytest.mark.parametrize("taken", ["mine", "MINE", AUTHORS, FILTER])
    def test_a_name_that_is_taken(self, folder: Path, weights: Path, tmp_path: Path, taken: str) -> None:
        zoo.import_checkpoint(weights, name="mine", folder=folder)
        other = _save_network(tmp_path / "other.safetensors", seed=2)
        before = _left_in(folder)
        with pytest.raises(CellForceError, match="is already used"):
            zoo.import_checkpoint(other, name=taken, folder=folder)
        assert _left_in(folder) == before

    @pytest.mark.parametrize("name", ["../escaped", "/absolute", "a/b", "a\\b", "", ".hidden", "tab\t"])
    def test_a_name_that_leads_elsewhere(self, folder: Path, weights: Path, name: str) -> None:
        with pytest.raises(CellForceError, match="is invalid"):
            zoo.import_checkpoint(weights, name=name, folder=folder)
        assert _left_in(folder) == []

    def test_what_is_no_model_is_not_taken_in(self, folder: Path, tmp_path: Path) -> None:
        notes = tmp_path / "notes.pt"
        notes.write_text("buy milk")
        with pytest.raises(CellForceError, match="not a model"):
            zoo.import_checkpoint(notes, folder=folder)
        assert _left_in(folder) == []

    def test_whoever_has_no_file_yet_is_told_where_to_find_one(self, folder: Path) -> None:
        with pytest.raises(CellForceError, match="web page that needs a browser"):
            zoo.import_checkpoint("no such file", folder=folder)


class TestKeeping:
    def test_what_came_with_the_package_is_whole_and_stays(self, folder: Path) -> None:
        for entry in zoo.entries(folder=folder):
            found = zoo.check(entry.name, folder)
            assert found == (zoo.ModelState.TO_DOWNLOAD if entry.url else zoo.ModelState.BUNDLED)
            assert not zoo.is_removable(entry, folder)
            with pytest.raises(CellForceError, match="cannot be removed"):
                zoo.remove(entry.name, folder)
            assert entry.file is None or entry.path().is_file()

    def test_damage_that_keeps_the_size_is_found_by_reading(self, folder: Path, weights: Path) -> None:
        mine = zoo.import_checkpoint(weights, folder=folder)
        path = mine.path(folder)
        assert zoo.check(mine.name, folder) == zoo.ModelState.HERE
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
        assert zoo.state(mine, folder) == zoo.ModelState.HERE
        assert zoo.check(mine.name, folder) == zoo.ModelState.DAMAGED
        path.write_bytes(content[:-1])
        assert zoo.state(mine, folder) == zoo.ModelState.DAMAGED
        path.unlink()
        assert zoo.state(mine, folder) == zoo.ModelState.MISSING

    def test_a_file_that_one_may_not_look_at_counts_as_missing(self, folder: Path, weights: Path) -> None:
        mine = zoo.import_checkpoint(weights, folder=folder)
        unspeakable = dataclasses.replace(mine, file="x" * 300)  # as good as a folder without permission
        (folder / f"{mine.name}.entry.json").write_text(unspeakable.to_json())
        assert zoo.state(zoo.entry(mine.name, folder=folder), folder) == zoo.ModelState.MISSING
        with pytest.raises(CellForceError, match="not on this computer"):
            zoo.load_predictor(mine.name, folder=folder)

    @pytest.mark.parametrize("gone", [False, True])
    def test_an_import_is_removed_with_its_record(self, folder: Path, weights: Path, gone: bool) -> None:
        mine = zoo.import_checkpoint(weights, folder=folder)
        if gone:
            mine.path(folder).unlink()
        zoo.remove(mine.name, folder)
        assert _left_in(folder) == []
        assert weights.is_file(), "the original is the user's"


class TestLoad:
    def test_the_filter_works_offline_on_any_device(self, folder: Path) -> None:
        predictor = zoo.load_predictor(FILTER, device="a device that nobody has", folder=folder)
        assert predictor.record.name == FILTER
        y, x = np.mgrid[-32:32, -32:32]
        cell = np.hypot(y, x) < 28
        adhesion = np.exp(-((y - 18) ** 2 + (x - 4) ** 2) / 8)
        result = predictor.predict_frame(
            adhesion[None].astype(np.float32), cell, PixelSize.square(predictor.record.pixel_size)
        )
        assert result.traction[0, 32 + 18, 32 + 4] < 0, "below the centre it pulls up, to the centre"

    def test_the_zoo_describes_the_filter_as_it_is(self) -> None:
        entry, record = zoo.entry(FILTER), zoo.load_predictor(FILTER).record
        assert (entry.kind, entry.inputs) == (record.kind, record.inputs)
        assert (entry.pixel_size, entry.output) == (record.pixel_size, record.output_unit)

    def test_a_formula_has_no_uncertainty_to_sample(self) -> None:
        with pytest.raises(CellForceError, match="samples"):
            zoo.load_predictor(FILTER, samples=5)

    def test_by_name_or_by_path_it_is_the_same_network(self, folder: Path, weights: Path) -> None:
        zoo.import_checkpoint(weights, folder=folder)
        named = zoo.load_predictor("my-network", device="cpu", folder=folder)
        assert named.record.name == "my-network"
        for path in (weights, str(weights)):
            assert zoo.load_predictor(path, device="cpu", folder=folder).record.sha256 == named.record.sha256

    def test_the_authors_weights_say_where_they_come_from(self, shared_data: Path, folder: Path) -> None:
        original = next((shared_data / "published").glob("UnseenWashout*"))
        entry = zoo.import_checkpoint(original, folder=folder)
        record = zoo.load_predictor(AUTHORS, device="cpu", folder=folder).record
        assert record.name == AUTHORS
        assert (record.kind, record.inputs, record.output_unit) == (entry.kind, entry.inputs, entry.output)
        assert record.pixel_size == pytest.approx(entry.pixel_size)
        assert (record.licence, record.source, record.sha256) == (entry.licence, entry.url, entry.sha256)

    def test_nothing_is_downloaded_behind_the_users_back(self, folder: Path) -> None:
        with pytest.raises(CellForceError, match=f"Download {AUTHORS}"):
            zoo.load_predictor(AUTHORS, folder=folder)
        assert not folder.exists()

    def test_weights_that_changed_on_disk_are_refused(
        self, folder: Path, weights: Path, tmp_path: Path
    ) -> None:
        mine = zoo.import_checkpoint(weights, folder=folder)
        other = _save_network(tmp_path / "other.safetensors", seed=2)
        shutil.copy(other, mine.path(folder))
        with pytest.raises(CellForceError) as caught:
            zoo.load_predictor("my-network", folder=folder)
        assert files.sha256(other) in str(caught.value)
        assert mine.sha256 in str(caught.value)
        assert "Import my-network again" in caught.value.remedy

    def test_a_path_where_nothing_is(self, tmp_path: Path) -> None:
        for path in (tmp_path / "gone.pt", str(tmp_path / "gone.pt")):
            with pytest.raises(CellForceError, match=r"gone\.pt"):
                zoo.load_predictor(path)
