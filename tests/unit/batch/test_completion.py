"""Records of complete parts: also those of earlier and later versions."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from napari_cellforce.batch.completion import CompletionRecord
from napari_cellforce.errors import CellForceWarning
from napari_cellforce.preprocess.normalise import Baselines
from napari_cellforce.resume import short_name

WRITTEN_BEFORE = """{"name": "cell_3.tif", "model": "unet", "part": "predict", "key": "a1b2",
"outputs": {"unet/cell_3_traction.ome.tif": 83}, "frames": 3, "shape": [48, 52], "channels": ["zyxin"],
"pixel_size": 0.68, "baselines": {"inside": [401.5], "outside": [99.25]}, "notes": ["the middle plane"]}"""

RECORD = CompletionRecord(
    name="cell_3.tif",
    model="unet",
    part="predict",
    key="a1b2",
    outputs={"unet/cell_3_traction.ome.tif": 83},
    frames=3,
    shape=(48, 52),
    channels=("zyxin",),
    pixel_size=0.68,
    baselines=Baselines((401.5,), (99.25,)),
    notes=("the middle plane",),
)


@pytest.fixture
def path(tmp_path):
    name = short_name("cell_3.tif\nunet", 32)
    path = tmp_path / ".cellforce" / "receipts" / f"{name}-predict.json"
    path.parent.mkdir(parents=True)
    return path


def read(tmp_path) -> CompletionRecord | None:
    return CompletionRecord.read(tmp_path, "cell_3.tif", "unet", "predict")


def test_a_record_written_before_is_read_and_written_in_the_same_way(tmp_path, path):
    path.write_text(WRITTEN_BEFORE)
    assert read(tmp_path) == RECORD
    RECORD.write(tmp_path)
    assert json.loads(path.read_text()) == json.loads(WRITTEN_BEFORE)


def test_entries_of_a_later_version_are_reported_and_kept(tmp_path, path):
    later = {**json.loads(WRITTEN_BEFORE), "mood": "good"}
    path.write_text(json.dumps(later))
    with pytest.warns(CellForceWarning, match="mood"):
        record = read(tmp_path)
    assert record == replace(RECORD, extra={"mood": "good"})
    record.write(tmp_path)
    assert json.loads(path.read_text()) == later


@pytest.mark.parametrize(
    "damage", [("a1b2", "a1b2\\"), ("[48, 52]", "48"), ('"frames": 3', '"frames": "three"')]
)
def test_a_damaged_record_is_none_so_that_the_part_is_computed_again(tmp_path, path, damage):
    path.write_text(WRITTEN_BEFORE.replace(*damage))
    assert read(tmp_path) is None
