"""The authors' layout as written: x first, numbers in the tables that can be worked out by hand."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from napari_cellforce import io
from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import PixelSize
from napari_cellforce.io.dataset.metadata import METADATA_FILE
from napari_cellforce.io.dataset.writing import CellTables, frame_name, write_frame, write_tables

MASK = np.zeros((10, 10), bool)
MASK[2:7, 2:6] = True


def lopsided(y: float, x: float) -> np.ndarray:
    """A field with different y and x components, on the mask only."""
    return np.stack([y * MASK, x * MASK]).astype(np.float32)


def a_frame(folder: Path) -> Path:
    u, traction, proteins = lopsided(1, 2), lopsided(3, 4), lopsided(5, 6)
    return write_frame(folder / "frame_0.npy", u, traction, MASK, proteins)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_frame_has_x_first_and_comes_back_y_first(tmp_path):
    proteins = np.stack([np.full((10, 10), 7), np.full((10, 10), 11)]).astype(np.uint16)
    path = write_frame(tmp_path / "cell" / "frame_0.npy", lopsided(1, 2), lopsided(30, 40), MASK, proteins)
    frame = np.load(path)
    assert frame.dtype == np.float32
    assert frame[:, 3, 3].tolist() == [2, 1, 40, 30, 1, 1, 7, 11]
    cell = io.read_cell(path, 0.5)
    np.testing.assert_array_equal(cell.traction.data[0], lopsided(30, 40))
    np.testing.assert_array_equal(cell.displacement.data[0], lopsided(1, 2))


@pytest.fixture
def tables(tmp_path) -> Path:
    """Two cells of one data set and one of another; |F| is 50 Pa (100 Pa) in a fifth of the frame."""
    zyxin, actin = np.where(MASK, 30.0, 10.0), np.where(MASK, 9.0, 4.0)
    proteins = np.stack([[zyxin, actin], [zyxin + 2, actin]])
    weak = np.stack([lopsided(30, 40)] * 2)
    cells = [
        CellTables.of(name, proteins, factor * weak, MASK)
        for name, factor in (("a_cell_0", 1), ("a_cell_1", 2), ("b_cell_0", 2))
    ]
    write_tables(tmp_path, cells)
    return tmp_path


def test_the_index_names_every_frame(tables):
    listed = rows(tables / "dataset.csv")
    assert listed[1] == {"folder": "a_cell_0", "filename": "frame_1.npy", "frame": "1"}
    assert [row["folder"] for row in listed[::2]] == ["a_cell_0", "a_cell_1", "b_cell_0"]
    assert frame_name(12) == "frame_12.npy"


def test_proteins_are_averaged_inside_and_outside_over_the_frames(tables):
    assert rows(tables / "cell_mean_baselines.csv")[0] == {
        "cell": "a_cell_0",
        "zyxin_lifetime_mean_outside": "11.0",
        "zyxin_lifetime_mean_inside": "31.0",
        "actin_lifetime_mean_outside": "4.0",
        "actin_lifetime_mean_inside": "9.0",
    }


def test_tractions_are_averaged_over_the_whole_frame(tables):
    first, second, _ = rows(tables / "cell_force_baselines.csv")
    assert [float(value) for value in list(first.values())[1:]] == pytest.approx([10, 50, 50])
    assert [float(value) for value in list(second.values())[1:]] == pytest.approx([20, 100, 100])
    assert list(first) == ["cell", "F_lifetime_mean_avg", "F_lifetime_max_avg", "F_lifetime_99pct_avg"]


def test_cells_of_a_data_set_share_their_mean(tables):
    means = rows(tables / "cell_force_baselines_bydataset.csv")
    assert [row["dataset"] for row in means] == ["a", "a", "b"]
    assert [float(row["F_lifetime_mean_avg"]) for row in means] == pytest.approx([15, 15, 20])
    assert [float(row["F_lifetime_max_avg"]) for row in means] == pytest.approx([75, 75, 100])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"pixel_size [µm]": 0}',
        '{"pixel_size [µm]": "big"}',
        '{"pixel_size [µm]": 1, "proteins": 3}',
    ],
)
def test_broken_notes_are_told(tmp_path, text):
    (tmp_path / METADATA_FILE).write_text(text, encoding="utf-8")
    path = a_frame(tmp_path / "cell")
    with pytest.raises(CellForceError, match=rf"{METADATA_FILE} cannot be read"):
        io.read_cell(path.parent)


def test_an_unknown_pixel_size_gives_way_to_the_notes_and_a_known_one_does_not(tmp_path):
    (tmp_path / METADATA_FILE).write_text('{"pixel_size [µm]": 0.25}', encoding="utf-8")
    path = a_frame(tmp_path / "cell")
    assert io.read_cell(path, PixelSize.unknown()).traction.pixel_size.micron == 0.25
    assert io.read_cell(path.parent).image.pixel_size.micron == 0.25
    assert io.read_cell(path, 0.5).traction.pixel_size.micron == 0.5
