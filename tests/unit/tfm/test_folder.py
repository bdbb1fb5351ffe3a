"""A folder of bead images: which belong together, one lambda for all, what fails, what is kept."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import ImageStack, Mask, PixelSize, Progress, Substrate
from napari_cellforce.io import read_field, write_mask, write_stack
from napari_cellforce.physics.displacement import DisplacementConfig
from napari_cellforce.physics.halfspace import displacement
from napari_cellforce.physics.regularisation import RegularisationChoice
from napari_cellforce.synthetic.beads import BeadConfig, bead_pair
from napari_cellforce.tfm import FolderConfig, FolderEvent, NameTokens, TfmConfig, find_pairs, run_folder

PIXEL = 0.25
SIZE = PixelSize.square(PIXEL)
CONFIG = TfmConfig(Substrate(2000.0, 0.5), DisplacementConfig(windows=(32, 24), overlap=18, workers=1))


def beads_of(shape, strength, seed):
    y, x = ((np.indices(shape) - np.array(shape)[:, None, None] / 2) * PIXEL)[:2]
    left, right = (np.exp(-(y**2 + (x - at) ** 2) / (2 * 2.0**2)) for at in (-6, 6))
    moved = displacement(strength * np.stack([0 * x, left - right]), PIXEL, 2000.0, 0.5, padding=1)
    return bead_pair(moved, BeadConfig(pixel_size=PIXEL, density=1.5), seed=seed)


def stack_of(image, name):
    return ImageStack(image[None, None], ("beads",), SIZE, None, name)


@pytest.fixture(scope="module")
def experiment(tmp_path_factory):
    """Two days, of images of different sizes; a weak and a strong cell, and one whose beads were lost."""
    root = tmp_path_factory.mktemp("experiment")
    for place, shape, strength, seed in (("day 1", (128, 128), 200, 1), ("day 2", (120, 144), 400, 2)):
        pair = beads_of(shape, strength, seed)
        write_stack(root / place / "cell 1_Reference.ome.tif", stack_of(pair.reference, "r"))
        write_stack(root / place / "cell 1_loaded.ome.tif", stack_of(pair.loaded, "l"))
        inside = np.hypot(*(np.indices(shape) - np.array(shape)[:, None, None] / 2)) * PIXEL < 11
        write_mask(root / place / "cell 1_mask.ome.tif", Mask(inside[None]), SIZE)
    write_stack(root / "day 1" / "cell 2_loaded.ome.tif", stack_of(pair.loaded, "l"))
    write_stack(root / "day 2" / "cell 1_protein.ome.tif", stack_of(pair.loaded, "p"))
    return root


def test_images_are_paired_by_their_names(experiment):
    pairs = {files.name: files for files in find_pairs(experiment, NameTokens())}
    assert list(pairs) == ["day 1/cell 1_loaded", "day 1/cell 2_loaded", "day 2/cell 1_loaded"]
    first = pairs["day 1/cell 1_loaded"]
    assert first.reference.name == "cell 1_Reference.ome.tif"
    assert first.mask.name == "cell 1_mask.ome.tif"
    assert pairs["day 1/cell 2_loaded"].reference is None, "the only reference belongs to another cell"


def test_one_reference_serves_all_of_its_folder(tmp_path):
    image = stack_of(np.zeros((8, 8), np.uint8), "i")
    for name in ("null.tif", "a.tif", "b.tif", "b_cellmask.tif"):
        write_stack(tmp_path / name.replace(".tif", ".ome.tif"), image)
    pairs = find_pairs(tmp_path, NameTokens("null", "", "cellmask"))
    assert [(files.name, files.reference.name) for files in pairs] == [
        ("a", "null.ome.tif"),
        ("b", "null.ome.tif"),
    ]
    assert [files.mask and files.mask.name for files in pairs] == [None, "b_cellmask.ome.tif"]


@pytest.fixture(scope="module")
def measured(experiment, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    return out, list(run_folder(FolderConfig(str(experiment), str(out), CONFIG)))


def states(records):
    return [(r.name, r.state) for r in records if isinstance(r, FolderEvent)]


def test_what_can_be_measured_is_and_the_rest_is_listed(measured):
    out, records = measured
    assert states(records) == [
        ("day 1/cell 1_loaded", "followed"),
        ("day 1/cell 2_loaded", "failed"),
        ("day 2/cell 1_loaded", "followed"),
        ("day 1/cell 1_loaded", "done"),
        ("day 2/cell 1_loaded", "done"),
    ]
    failed = pd.read_csv(out / "failed.csv")
    assert failed["image"].tolist() == ["day 1/cell 2_loaded"]
    assert "no reference image" in failed["reason"][0]


def test_one_lambda_lets_the_cells_be_compared(measured):
    out, records = measured
    (choice,) = [r for r in records if isinstance(r, RegularisationChoice)]
    table = pd.read_csv(out / "experiment.csv")
    assert table["image"].tolist() == ["day 1/cell 1_loaded", "day 2/cell 1_loaded"]
    assert table["lambda [µm/Pa]"].to_numpy() == pytest.approx(choice.regularisation)
    weak, strong = table["total force [nN]"]
    assert 1.6 < strong / weak < 2.4
    field = read_field(out / "day 2" / "cell 1_loaded_measured_traction.ome.tif")
    assert field.data.shape == (1, 2, 120, 144)


def test_another_gel_does_not_follow_the_beads_again(experiment, measured):
    out, _ = measured
    stiff = TfmConfig(Substrate(4000.0, 0.5), CONFIG.displacement)
    records = list(run_folder(FolderConfig(str(experiment), str(out), stiff)))
    assert not [r for r in records if isinstance(r, Progress) and "following" in r.what]
    assert [state for _, state in states(records)].count("done") == 2


def test_a_stopped_run_keeps_what_is_done(experiment, tmp_path):
    run = run_folder(FolderConfig(str(experiment), str(tmp_path), CONFIG))
    for record in run:
        if isinstance(record, FolderEvent) and record.state == "done":
            break
    run.close()
    assert pd.read_csv(tmp_path / "experiment.csv")["image"].tolist() == ["day 1/cell 1_loaded"]
    again = list(run_folder(FolderConfig(str(experiment), str(tmp_path), CONFIG)))
    assert not [r for r in again if isinstance(r, Progress) and "following" in r.what]


def test_a_folder_without_bead_images_is_refused_in_words(tmp_path):
    with pytest.raises(CellForceError, match="no images with 'loaded'"):
        find_pairs(tmp_path, NameTokens())
    with pytest.raises(CellForceError, match="is no folder"):
        find_pairs(tmp_path / "gone", NameTokens())
    with pytest.raises(CellForceError, match="no word for the reference"):
        find_pairs(tmp_path, NameTokens(reference=" "))
