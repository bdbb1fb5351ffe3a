"""Images in, tractions and tables out: ``cellforce predict``."""

from __future__ import annotations

import dataclasses
import sys
from functools import partial
from io import BytesIO, TextIOWrapper

import numpy as np
import pandas as pd
import pytest
import tifffile
import torch

from napari_cellforce import io
from napari_cellforce.fields import Mask, X, Y
from napari_cellforce.models import checkpoint
from napari_cellforce.models.convnext import CellConfig
from napari_cellforce.models.device import use_threads
from napari_cellforce.models.gfnn import GFNN, GFNNConfig
from napari_cellforce.models.record import ModelRecord
from napari_cellforce.models.unet import UNet, UNetConfig
from napari_cellforce.results import column_names
from napari_cellforce.zoo import DEFAULT_MODEL

FILTER = ("--model", "adhesion-filter")


def results(folder, stem="cell 7"):
    return io.read_field(folder / f"{stem}_traction.ome.tif"), pd.read_csv(folder / f"{stem}_summary.csv")


def test_the_results_lie_beside_the_image(cellforce, movie):
    answer = cellforce("predict", movie, *FILTER)
    assert (answer.code, answer.errors) == (0, [])
    written = [movie.with_name("cell 7_traction.ome.tif"), movie.with_name("cell 7_summary.csv")]
    assert answer.output.splitlines() == [str(path) for path in written]
    field, table = results(movie.parent)
    assert field.data.shape == (3, 2, 64, 64)
    assert field.unit == "normalised"
    assert field.provenance.model == "adhesion-filter"
    assert field.provenance.input_file == str(movie)
    assert list(table.columns) == column_names("normalised")
    assert table["mean traction [normalised]"].tolist() == pytest.approx([1, 1, 1], rel=1e-4)
    assert table["time [min]"].tolist() == [0, 1, 2]


def test_arrows_point_inward(cellforce, movie):
    cellforce("predict", movie, *FILTER)
    field, _ = results(movie.parent)
    first = np.asarray(field.data[0])
    assert first[Y, 8:20, 28:36].mean() > 0, "above the middle it pulls down"
    assert first[X, 28:36, 8:20].mean() > 0, "left of the middle it pulls right"
    assert first[Y, 44:56, 28:36].mean() < 0
    assert first[X, 28:36, 44:56].mean() < 0


def test_other_programs_read_the_pixel_size(cellforce, movie):
    cellforce("predict", movie, *FILTER)
    with tifffile.TiffFile(movie.with_name("cell 7_traction.ome.tif")) as tiff:
        assert tiff.series[0].axes == "TCYX"
        assert 'PhysicalSizeX="0.68"' in tiff.ome_metadata
        assert "traction_y [normalised]" in tiff.ome_metadata


def test_results_in_pa_go_where_they_are_wanted(cellforce, movie, tmp_path):
    out = tmp_path / "results" / "today"
    assert cellforce("predict", movie, *FILTER, "--calibration", "267", "--out", out).code == 0
    field, table = results(out)
    assert field.unit == "Pa"
    assert list(table.columns) == column_names("Pa")
    assert table["mean traction [Pa]"].tolist() == pytest.approx([267] * 3, rel=1e-4)


def test_without_a_model_the_default_predicts(cellforce, movie):
    assert cellforce("predict", movie).code == 0
    assert results(movie.parent)[0].provenance.model == DEFAULT_MODEL


@pytest.mark.parametrize("which", ["zyxin", "ZYXIN", "0"])
def test_a_channel_by_name_or_number(cellforce, movie, which):
    assert cellforce("predict", movie, *FILTER, "--channel", which).code == 0
    assert results(movie.parent)[0].provenance.settings["channels"] == ["zyxin"]


def test_a_mask_file_of_several_cells(cellforce, movie, tmp_path):
    labels = np.zeros((64, 64), np.uint8)
    labels[5:32, 5:59], labels[32:59, 5:59] = 1, 2
    tifffile.imwrite(tmp_path / "cells.tif", labels)
    assert cellforce("predict", movie, *FILTER, "--mask", tmp_path / "cells.tif", "--label", "2").code == 0
    field, table = results(movie.parent, "cell 7_label2")
    np.testing.assert_array_equal(field.mask[1], labels == 2)
    assert not np.asarray(field.data)[:, :, labels != 2].any()
    assert table["area [µm²]"][0] == pytest.approx((labels == 2).sum() * 0.68**2)


def test_a_mask_for_every_frame(cellforce, movie, tmp_path):
    masks = np.zeros((3, 64, 64), bool)
    for t in range(3):
        masks[t, 4 + t : 60, 4:60] = True
    mask = io.write_mask(tmp_path / "masks.ome.tif", Mask(masks))
    assert cellforce("predict", movie, *FILTER, "--mask", mask).code == 0
    np.testing.assert_array_equal(results(movie.parent)[0].mask, masks)


def test_a_wider_outline(cellforce, movie):
    def area(*options):
        cellforce("predict", movie, *FILTER, *options)
        return results(movie.parent)[1]["area [µm²]"][0]

    assert area("--sensitivity", "2") > area() > area("--sensitivity", "0.5")


def test_a_pixel_size_that_is_typed_in_wins(cellforce, movie):
    assert cellforce("predict", movie, *FILTER, "--pixel-size", "0.5").code == 0
    field, _ = results(movie.parent)
    assert field.pixel_size.micron == pytest.approx(0.5)
    assert field.provenance.settings["pixel_size_source"] == "typed"


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("micron", ["0.1", "4"])
def test_one_that_is_far_off_is_doubted_in_one_line_and_used(cellforce, movie, micron):
    answer = cellforce("predict", movie, *FILTER, "--pixel-size", micron)
    assert answer.code == 0
    (line,) = answer.errors
    assert line.startswith(f"Warning: The pixel size is {micron} µm, the model's 0.68 µm")


@pytest.mark.parametrize(("z", "words"), [("max", "3 planes"), ("1", "plane 1")])
def test_a_plane_or_the_projection_of_a_stack(cellforce, movie, make_movie, z, words):
    planes = np.stack([make_movie(1).data[0, 0], make_movie(1).data[0, 0] * 2, make_movie(1).data[0, 0]])
    path = movie.with_name("stack.ome.tif")
    tifffile.imwrite(path, planes, metadata={"axes": "ZYX", "PhysicalSizeX": 0.68, "PhysicalSizeY": 0.68})
    answer = cellforce("predict", path, *FILTER, "--z", z)
    assert answer.code == 0
    assert words in answer.output, "what was done to the planes is told"
    assert results(movie.parent, "stack")[0].data.shape == (1, 2, 64, 64)


def test_a_folder_of_the_authors_frames(cellforce, make_movie, tmp_path):
    cell = tmp_path / "cell_3"
    cell.mkdir()
    for t, frame in enumerate(make_movie().data):
        np.save(cell / f"frame_{t}.npy", np.concatenate([np.zeros((6, 64, 64)), frame[:1]]))
    answer = cellforce("predict", cell, *FILTER, "--pixel-size", "0.68", "--out", tmp_path)
    assert (answer.code, answer.errors) == (0, [])
    assert len(results(tmp_path, "cell_3")[1]) == 3


def test_images_that_are_normalised_already(cellforce, movie):
    """The filter divides by its own mean: only the settings tell the difference."""
    assert cellforce("predict", movie, *FILTER, "--already-normalised").code == 0
    assert results(movie.parent)[0].provenance.settings["already_normalised"] is True


def test_a_network_from_a_file(cellforce, movie, tmp_path):
    torch.manual_seed(1)
    network = GFNN(GFNNConfig(width=2, expansion=2, size=64, padding=64))
    record = ModelRecord("draft", "gfnn", grid=64, training_data="none: random")
    weights = checkpoint.save(tmp_path / "draft.safetensors", network, record)
    answer = cellforce("predict", movie, "--model", weights, "--device", "cpu")
    assert (answer.code, answer.errors) == (0, [])
    assert results(movie.parent)[0].provenance.model_sha256


def test_what_computes_is_chosen_and_written_down(cellforce, movie, request):
    request.addfinalizer(partial(use_threads, torch.get_num_threads()))
    chosen = ("--backend", "eager", "--threads", "1")
    assert cellforce("predict", movie, "--model", "unet-sim", "--device", "cpu", *chosen).code == 0
    assert torch.get_num_threads() == 1
    assert results(movie.parent)[0].provenance.settings["backend"] == f"eager {torch.__version__}"


def test_uncertainty_from_samples(cellforce, movie, tmp_path):
    torch.manual_seed(1)
    cells = CellConfig(dropout=0.2)
    config = UNetConfig(
        levels=1, encoder_blocks=1, skip_blocks=1, decoder_blocks=1, encoder_cell=cells, decoder_cell=cells
    )
    weights = checkpoint.save(tmp_path / "draft.safetensors", UNet(config), ModelRecord("draft", "unet"))
    answer = cellforce("predict", movie, "--model", weights, "--samples", "3", "--device", "cpu")
    assert answer.code == 0
    assert answer.output.splitlines()[2] == str(movie.with_name("cell 7_uncertainty.ome.tif"))
    assert np.asarray(io.read(movie.with_name("cell 7_uncertainty.ome.tif")).data).any()
    assert results(movie.parent)[0].provenance.settings["samples"] == 3


def test_several_images_of_which_one_is_bad(cellforce, movie, make_movie, tmp_path):
    second = io.write_stack(tmp_path / "cell 8.ome.tif", dataclasses.replace(make_movie(1), name="cell 8"))
    broken = tmp_path / "broken.tif"
    broken.write_text("buy milk")
    answer = cellforce("predict", movie, broken, second, *FILTER)
    assert answer.code == 3, "some failed"
    (line,) = answer.errors
    assert "broken.tif is not a TIFF file" in line
    assert len(results(tmp_path)[1]) == 3
    assert len(results(tmp_path, "cell 8")[1]) == 1
    assert cellforce("predict", broken, broken.with_name("gone.tif"), *FILTER).code == 2, "all failed"


def test_names_are_printed_as_they_are(cellforce, movie, monkeypatch):
    """Neither what looks like a style nor what a terminal does not know is lost, or stops the work."""
    named = movie.rename(movie.with_name("[red] :cat: cellule à 4 µm.ome.tif"))
    answer = cellforce("predict", named, *FILTER)
    assert answer.output.splitlines()[0] == str(named).replace(".ome.tif", "_traction.ome.tif")
    shown = BytesIO()
    monkeypatch.setattr(sys, "stdout", TextIOWrapper(shown, "ascii", write_through=True))
    assert cellforce("predict", named, *FILTER).code == 0
    assert rb"[red] :cat: cellule \xe0 4 \xb5m_traction.ome.tif" in shown.getvalue()


def test_of_several_images_the_one_at_fault_is_named(cellforce, movie, tmp_path):
    plain = tmp_path / "plain.tif"
    tifffile.imwrite(plain, tifffile.imread(movie)[0, 0])
    (line,) = cellforce("predict", movie, plain, *FILTER).errors
    assert line.startswith("Error: plain.tif: The image has no pixel size")


def test_predicting_again_replaces(cellforce, movie):
    cellforce("predict", movie, *FILTER)
    cellforce("predict", movie, *FILTER, "--calibration", "100")
    assert results(movie.parent)[0].unit == "Pa"
    assert sorted(path.name for path in movie.parent.iterdir()) == [
        "cell 7.ome.tif",
        "cell 7_summary.csv",
        "cell 7_traction.ome.tif",
    ]


def test_an_ome_zarr_as_input_and_as_output(cellforce, movie, tmp_path):
    image = io.write_stack(tmp_path / "a.zarr", io.read(movie))
    assert cellforce("predict", image, *FILTER, "--zarr").code == 0
    assert cellforce("predict", movie, *FILTER).code == 0
    from_zarr, from_tiff = io.read_field(tmp_path / "a_traction.ome.zarr"), results(movie.parent)[0]
    np.testing.assert_array_equal(from_zarr.data, from_tiff.data)
    np.testing.assert_array_equal(from_zarr.mask, from_tiff.mask)


def test_one_of_several_images_in_a_file_is_named_by_its_number(cellforce, movie, tmp_path):
    stack = io.read(movie)
    with tifffile.TiffWriter(tmp_path / "two.ome.tif", ome=True) as tiff:
        size = {"PhysicalSizeX": stack.pixel_size.x, "PhysicalSizeY": stack.pixel_size.y}
        for frames in (stack.data[:2, 0], stack.data[1:, 0]):
            tiff.write(np.asarray(frames), photometric="minisblack", metadata={"axes": "TYX", **size})
    answer = cellforce("predict", tmp_path / "two.ome.tif", *FILTER)
    assert answer.code == 2
    assert "contains 2 images: 0 (Image0), 1 (Image1)" in answer.errors[-1]
    both = [tmp_path / "two.ome.tif" / which for which in "01"]
    assert cellforce("predict", *both, *FILTER).code == 0
    assert results(tmp_path, "two_1")[0].frames == (0, 1)


def test_a_folder_of_single_frames(cellforce, movie, tmp_path):
    stack = io.read(movie)
    for t in range(3):
        one = dataclasses.replace(stack, data=stack.data[t : t + 1])
        io.write_stack(tmp_path / "run" / f"t{t}.tif", one)
    assert cellforce("predict", tmp_path / "run", *FILTER).code == 0
    assert cellforce("predict", movie, *FILTER).code == 0
    np.testing.assert_array_equal(results(tmp_path, "run")[0].data, results(movie.parent)[0].data)
