"""What of a folder is an input, and what is not."""

from __future__ import annotations

import os

import numpy as np
import pytest

from napari_cellforce.batch.input_files import (
    beside,
    condition_of,
    duplicate_stems,
    find_inputs,
    read_conditions,
)
from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import PixelSize, ScalarField, VectorField
from napari_cellforce.io import write_field, write_scalar


def names(config) -> list[str]:
    return [path.name for path in find_inputs(config)]


def test_images_are_found_in_the_order_of_their_names(config):
    assert names(config()) == ["cell_1.tif", "cell_2.tif", "cell_3.tif"]


def test_subfolders_are_entered_only_when_asked(config, folder, movie):
    movie(folder / "day 2" / "cell_9.tif")
    assert "cell_9.tif" not in names(config())
    assert "cell_9.tif" in names(config(recursive=True))


def test_a_pattern_is_of_names_and_with_a_slash_of_paths(config, folder, movie):
    movie(folder / "day 2" / "cell_2.tif")
    assert names(config(pattern="cell_[12].tif")) == ["cell_1.tif", "cell_2.tif"]
    assert find_inputs(config(pattern="day */*", recursive=True)) == [folder / "day 2" / "cell_2.tif"]


def test_a_link_back_to_the_folder_is_not_followed_for_ever(config, folder):
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    (folder / "nowhere").symlink_to(folder / "gone", target_is_directory=True)
    assert names(config(recursive=True)) == ["cell_1.tif", "cell_2.tif", "cell_3.tif"]


def test_our_own_fields_are_never_inputs(config, folder):
    size, values = PixelSize.square(0.5), np.zeros((1, 4, 4), np.float32)
    write_scalar(folder / "cell_1_uncertainty.ome.tif", ScalarField(values, "uncertainty", "Pa", size))
    write_field(
        folder / "cell_1_traction.ome.tif",
        VectorField(np.zeros((1, 2, 4, 4), np.float32), "traction", "Pa", size),
    )
    assert names(config()) == ["cell_1.tif", "cell_2.tif", "cell_3.tif"]


def test_results_inside_the_input_folder_are_not_taken_for_inputs(config, folder, movie):
    out = folder / "results"
    movie(out / "cell_1_traction.ome.tif")
    assert "cell_1_traction.ome.tif" not in names(config(out=str(out), recursive=True))
    assert "cell_1_traction.ome.tif" in names(config(recursive=True)), "with another output it is an image"


def test_hidden_files_and_what_is_no_image_are_passed_over(config, folder):
    (folder / "._cell_1.tif").write_bytes(b"a Mac wrote this")
    (folder / "notes.txt").write_text("washed at 12:30")
    assert len(names(config())) == 3


def test_a_microscope_makers_file_is_seen_though_it_cannot_be_read(config, folder):
    (folder / "stack.nd2").write_bytes(b"\xda\xce\xbe\x0a")
    assert "stack.nd2" in names(config())


def test_masks_belong_to_their_images(config, folder, movie):
    movie(folder / "cell_1_mask.tif")
    assert names(config(mask_pattern="*_mask.tif")) == ["cell_1.tif", "cell_2.tif", "cell_3.tif"]
    assert "cell_1_mask.tif" in names(config())
    assert beside(folder / "a.ome.tif", "../masks/*.png") == folder.parent / "masks" / "a.png"


def test_a_cells_folder_of_frames_is_one_input(config, folder):
    cell = folder / "11_cell_1"
    cell.mkdir()
    for n in range(3):
        np.save(cell / f"frame_{n}.npy", np.ones((7, 16, 16), np.float32))
    assert names(config()) == ["11_cell_1", "cell_1.tif", "cell_2.tif", "cell_3.tif"]
    assert names(config(folder=str(cell))) == ["11_cell_1"]


def test_arrays_that_are_no_frames_make_no_cell(config, folder):
    (folder / "masks").mkdir()
    np.save(folder / "masks" / "cell_1.npy", np.ones((16, 16), bool))
    assert len(names(config())) == 3


def test_an_empty_or_missing_folder_is_said(config, tmp_path):
    with pytest.raises(CellForceError, match="no images that fit"):
        find_inputs(config(pattern="*.png"))
    with pytest.raises(CellForceError, match="is no folder"):
        find_inputs(config(folder=str(tmp_path / "gone")))


def test_a_folder_says_the_condition_unless_a_table_does(folder):
    path = folder / "Y-27632" / "day 1" / "cell.ome.tif"
    assert condition_of(path, folder, {}) == "Y-27632"
    assert condition_of(folder / "cell.tif", folder, {}) == ""
    assert condition_of(path, folder, {"cell": "washout"}) == "washout"
    assert condition_of(path, folder, {"other": "washout"}) == ""


def test_a_table_of_conditions_needs_its_columns(tmp_path):
    table = tmp_path / "conditions.csv"
    table.write_text("file,condition\ncell_1.tif,control\n", encoding="utf-8-sig")
    assert read_conditions(str(table)) == {"cell_1.tif": "control"}
    table.write_text("image;group\ncell_1.tif;control\n")
    with pytest.raises(CellForceError, match="columns file and condition"):
        read_conditions(str(table))


def test_inputs_that_differ_only_in_their_ending_are_told_apart(folder):
    a, b, c = (folder / name for name in ("x.tif", "x.ome.tif", "y.tif"))
    assert duplicate_stems([a, b, c]) == {a, b}


def test_names_that_are_not_unicode_are_found(config, folder):
    raw = os.fsencode(folder) + b"/cell_\xff.tif"
    os.link(folder / "cell_1.tif", raw)
    assert os.fsencode(find_inputs(config())[-1]) == raw


def test_numbered_files_are_images_in_the_folder_itself_and_frames_below_it(config, folder, movie, tmp_path):
    for n in (1, 2, 3):
        movie(tmp_path / "numbers" / f"{n:03d}.tif", seed=n)
        movie(tmp_path / "numbers" / "day 1" / f"{n:03d}.tif", seed=n)
        movie(tmp_path / "times" / f"t{n:03d}.tif", seed=n)
    numbers, times = (config(folder=str(tmp_path / name), recursive=True) for name in ("numbers", "times"))
    assert names(numbers) == ["001.tif", "002.tif", "003.tif", "day 1"]
    assert names(times) == ["times"]


def test_an_ome_zarr_is_one_input_and_its_chunks_are_none(config, tmp_path):
    (tmp_path / "in" / "cell.ome.zarr" / "0").mkdir(parents=True)
    (tmp_path / "in" / "cell.ome.zarr" / "0" / "chunk.tif").write_bytes(b"")
    assert names(config(folder=str(tmp_path / "in"), recursive=True)) == ["cell.ome.zarr"]
