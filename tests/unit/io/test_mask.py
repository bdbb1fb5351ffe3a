"""Masks fit their image or are refused in words."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_cellforce import io
from napari_cellforce.errors import CellForceError, CellForceWarning
from napari_cellforce.fields import ImageStack

SHAPE = (6, 9)


def save(path: Path, values: np.ndarray, **options: object) -> Path:
    if path.suffix == ".npy":
        np.save(path, values)
    else:
        tifffile.imwrite(path, values, **options)
    return path


def two_cells(n_frames: int | None = None) -> np.ndarray:
    """Cell 1 left, cell 2 right."""
    labels = np.zeros(SHAPE, np.uint8)
    labels[1:4, 1:3], labels[2:5, 6:9] = 1, 2
    return labels if n_frames is None else np.stack([labels] * n_frames)


@pytest.mark.parametrize("name", ["mask.tif", "mask.npy"])
@pytest.mark.parametrize("n_frames", [None, 1, 3, 5])
def test_all_but_zero_is_cell(tmp_path, name, n_frames):
    """Three uint8 frames written carelessly are marked as a colour image, and are frames all the same."""
    path = save(tmp_path / name, two_cells(n_frames))
    mask = io.read_mask(path, shape=SHAPE, frames=n_frames or 5)
    assert mask.data.shape == (n_frames or 1, *SHAPE)
    np.testing.assert_array_equal(mask.frame(0), two_cells() > 0)
    assert mask.source == str(path)


def test_a_label_image_of_an_ome_zarr_is_a_mask(tmp_path):
    cells = ImageStack(two_cells()[None, None], ("cells",))
    path = io.write_stack(tmp_path / "cells.ome.zarr", cells)
    mask = io.read_mask(path, shape=SHAPE, frames=4, label=2)
    np.testing.assert_array_equal(mask.frame(3), two_cells() == 2)


def test_one_label_is_one_cell(tmp_path):
    path = save(tmp_path / "labels.tif", two_cells())
    np.testing.assert_array_equal(
        io.read_mask(path, shape=SHAPE, frames=4, label=2).frame(3), two_cells() == 2
    )


def test_planes_of_a_segmentation_are_frames(tmp_path):
    """Segmentation programs often save time as Z."""
    path = save(tmp_path / "labels.tif", two_cells(4), imagej=True, metadata={"axes": "ZYX"})
    assert io.read_mask(path, shape=SHAPE, frames=4).data.shape == (4, *SHAPE)


def test_nan_is_outside(tmp_path):
    values = np.full(SHAPE, np.nan)
    values[2, 3] = 1
    assert io.read_mask(save(tmp_path / "m.npy", values), shape=SHAPE, frames=1).data.sum() == 1


@pytest.mark.parametrize(
    ("values", "label", "words"),
    [
        (two_cells().T, None, ["9 x 6", "6 x 9"]),
        (two_cells(3), None, ["3 frames", "has 4"]),
        (np.stack([two_cells(4)] * 2), None, ["2 x 4 x 6 x 9", "6 x 9"]),
        (np.stack([two_cells()] * 3, axis=-1), None, ["a colour (RGB) image", "8-bit"]),
        (np.zeros(SHAPE, np.uint8), None, ["is 0 everywhere", "mark the cell"]),
        (two_cells(), 7, ["no pixel of value 7", "one of its values: 1, 2."]),
        (np.zeros(SHAPE, np.uint8), 7, ["is 0 everywhere", "mark the cell"]),
    ],
    ids=["turned", "frames missing", "too many axes", "colour", "empty", "no such label", "no label at all"],
)
@pytest.mark.parametrize("name", ["mask.tif", "mask.npy"])
def test_a_mask_that_does_not_fit_is_told(tmp_path, name, values, label, words):
    path = save(tmp_path / name, values)
    with pytest.raises(CellForceError) as caught:
        io.read_mask(path, shape=SHAPE, frames=4, label=label)
    assert caught.value.topic == "mask"
    for word in [name, *words]:
        assert word in str(caught.value)


def test_a_missing_mask_is_told(tmp_path):
    with pytest.raises(CellForceError, match="was not found"):
        io.read_mask(tmp_path / "mask.tif", shape=SHAPE, frames=1)


def test_frames_without_a_mark_take_the_nearest_for_who_needs_one_in_each(tmp_path):
    cells = two_cells(4)
    cells[1:3] = 0
    path = save(tmp_path / "m.npy", cells > 0)
    assert not io.read_mask(path, shape=SHAPE, frames=4).frame(1).any(), "as it was drawn"
    cells[3] = np.roll(cells[0], 1, axis=0)
    path = save(tmp_path / "m.npy", cells > 0)
    with pytest.warns(CellForceWarning, match=r"marks the cell in 2 of 4 frames"):
        mask = io.read_mask(path, shape=SHAPE, frames=4, every_frame=True)
    for t, shown in enumerate([0, 0, 3, 3]):
        np.testing.assert_array_equal(mask.frame(t), cells[shown] > 0)


def test_several_labels_are_one_cell_only_with_a_warning(tmp_path):
    path = save(tmp_path / "m.tif", two_cells())
    with pytest.warns(CellForceWarning, match=r"labels 1, 2: all .* Choose one label"):
        io.read_mask(path, shape=SHAPE, frames=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        io.read_mask(path, shape=SHAPE, frames=1, label=2)
        io.read_mask(save(tmp_path / "b.tif", two_cells() > 1), shape=SHAPE, frames=1)
        blurred = np.linspace(0, 255, 54).reshape(SHAPE).astype(np.uint8)
        io.read_mask(save(tmp_path / "c.tif", blurred), shape=SHAPE, frames=1)
