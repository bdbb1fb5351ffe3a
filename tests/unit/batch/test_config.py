"""Settings: the same from the panel, the command line and a file."""

from __future__ import annotations

import dataclasses
import json
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from napari_cellforce.batch import BatchConfig
from napari_cellforce.cli.app import app
from napari_cellforce.errors import CellForceError
from napari_cellforce.io.measured import MeasuredLayout
from napari_cellforce.predict import PredictConfig, RunConfig


def everything_changed(folder, out) -> BatchConfig:
    """Settings of which none is at its default, in a folder with a name that shells dislike."""
    return BatchConfig(
        folder=str(folder),
        out=str(out),
        models=("adhesion-filter", "sheet-filter"),
        pattern="*.tif",
        recursive=True,
        mask_pattern="-$(rm) *'s mask.tif",
        label=2,
        conditions=str(folder / "conditions.csv"),
        explain=("fields", "probes"),
        compare="../tfm/*'s (1).csv",
        measured=MeasuredLayout("kPa", "µm", 0.2, 1.5, 2.0, True, True, True, 0.5),
        predict=PredictConfig(
            ("zyxin",),
            True,
            267.0,
            1.5,
            (20.0, 30.5),
            RunConfig(
                "adhesion-filter", "cpu", "eager", pixel_size=0.17, z=0, model_folder=str(folder), threads=2
            ),
        ),
        workers=3,
        scheduler="tcp://127.0.0.1:8786",
    )


def test_settings_survive_their_file(tmp_path):
    config = everything_changed(tmp_path, tmp_path / "out")
    assert BatchConfig.from_json(config.to_json()) == config


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"folder": "a"}', '{"folder": 1, "predict": 3}'])
def test_a_file_that_is_no_settings_is_refused_in_words(text):
    with pytest.raises(CellForceError, match=r"config\.json"):
        BatchConfig.from_json(text)


def test_the_copied_command_means_the_same_settings(tmp_path, folder):
    odd = folder / "Zoë's cells; 50 % $HOME"
    odd.mkdir()
    (folder / "cell_1.tif").rename(odd / "cell_1.tif")
    (odd / "conditions.csv").write_text("file,condition\ncell_1.tif,control\n")
    config = everything_changed(odd, tmp_path / "out put")
    program, *arguments = shlex.split(config.command())
    assert program == "cellforce"
    result = CliRunner().invoke(app, [*arguments, "--dry-run", "--json"])
    record = json.loads(result.stdout)
    assert BatchConfig.from_json(json.dumps(record["config"])) == config
    assert [row["condition"] for row in record["inputs"]] == ["control", "control"]


def test_the_copied_script_means_the_same_settings(tmp_path):
    config = everything_changed(tmp_path, tmp_path / "out")
    names: dict = {}
    exec(config.script().partition("for event")[0], names)
    assert names["config"] == config


def test_defaults_are_left_out_of_command_and_script():
    config = BatchConfig("in", "out", ("unet",))
    assert config.command() == "cellforce batch in --out=out --model=unet"
    assert "workers" not in config.script()


def test_a_folder_that_begins_with_a_hyphen_is_not_taken_for_an_option():
    assert shlex.split(BatchConfig("-in", "out", ("unet",)).command())[-2:] == ["--", "-in"]


def test_a_setting_without_an_option_would_be_lost_in_the_copied_command():
    changed = everything_changed(Path("a"), "b")
    same = [
        f.name
        for f in dataclasses.fields(BatchConfig)
        if f.name != "cluster" and getattr(changed, f.name) == getattr(BatchConfig("", "", ()), f.name)
    ]
    assert not same, "then the tests above say nothing of these"


def test_passes_and_a_cluster_file_stand_in_the_command_too():
    predict = PredictConfig(run=RunConfig(samples=4))
    config = BatchConfig("in", "out", ("unet",), predict=predict, cluster="our slurm.yaml")
    assert config.command().endswith("--samples=4 '--cluster=our slurm.yaml'")
    with pytest.raises(CellForceError, match="Leave one of them out"):
        dataclasses.replace(config, scheduler="tcp://127.0.0.1:8786")


def test_settings_of_earlier_versions_are_read():
    """Then what is now in the settings of the run lay at top level."""
    text = """{"folder": "in", "out": "out", "models": ["unet"], "pixel_size": 0.2, "z": "max",
        "predict": {"channels": [], "calibration": 300}, "samples": 4, "device": "cpu", "backend": "eager",
        "model_folder": "models", "measured": {"unit": "kPa", "spacing": 2}}"""
    run = RunConfig("unet", "cpu", "eager", 4, 0.2, "max", "models")
    expected = BatchConfig(
        "in", "out", ("unet",), predict=PredictConfig(calibration=300, run=run),
        measured=MeasuredLayout("kPa", spacing=2),
    )  # fmt: skip
    assert BatchConfig.from_json(text) == expected


def test_what_cannot_be_explained_is_refused_with_what_can():
    with pytest.raises(CellForceError, match="one of fields, greens"):
        BatchConfig("in", "out", ("unet",), explain=("feelings",))


def test_one_name_in_place_of_several_is_a_mistake_of_the_script():
    with pytest.raises(CellForceError, match="is 'unet'"):
        BatchConfig("in", "out", "unet")
