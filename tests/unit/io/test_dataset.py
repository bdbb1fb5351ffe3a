"""The authors' folders of frames: x first in the file, y first here; sorted by number; nothing escapes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_cellforce import io
from napari_cellforce.errors import CellForceError

SIDE = 12


def frame(number: int, n_channels: int = 8, u: float = 1.0) -> np.ndarray:
    """A cell pulling 100 Pa along x and 7 Pa along y; zyxin tells the frame's number."""
    data = np.zeros((n_channels, SIDE, SIDE), np.float64)
    data[0], data[1] = 3 * u, 5 * u
    data[2], data[3] = 100, 7
    data[4, 2:6, 3:10] = 1
    data[6] = number
    data[7:] = -number
    return data


def a_cell(folder: Path, numbers: tuple[int, ...] = (0, 2, 10), **options: float) -> Path:
    folder.mkdir(parents=True)
    for number in numbers:
        np.save(folder / f"frame_{number}.npy", frame(number, **options))
    return folder


def test_the_files_x_comes_second_here(tmp_path):
    cell = io.read_cell(a_cell(tmp_path / "cell_1"), 0.17)
    assert cell.traction.data.shape == (3, 2, SIDE, SIDE)
    assert float(cell.traction.data[0, 0, 0, 0]) == 7
    assert float(cell.traction.data[0, 1, 0, 0]) == 100
    assert (cell.traction.quantity, cell.traction.unit) == ("traction", "Pa")


def test_frames_are_sorted_as_numbers(tmp_path):
    cell = io.read_cell(a_cell(tmp_path / "cell_1", (10, 9, 100, 2)), 0.17)
    assert cell.frame_numbers == (2, 9, 10, 100)
    np.testing.assert_array_equal(cell.image.data[:, 0, 0, 0], [2, 9, 10, 100])


def test_mask_and_proteins(tmp_path):
    cell = io.read_cell(a_cell(tmp_path / "cell_1"), 0.17)
    assert cell.image.channel_names == ("zyxin", "other")
    np.testing.assert_array_equal(cell.image.frame(2)[:, 0, 0], [10, -10])
    np.testing.assert_array_equal(cell.mask.frame(1), frame(0)[4] != 0)
    assert cell.mask.data.dtype == bool


def test_seven_channels_have_one_protein(tmp_path):
    cell = io.read_cell(a_cell(tmp_path / "cell_1", n_channels=7), 0.17)
    assert cell.image.channel_names == ("zyxin",)


def test_the_unit_of_displacements_is_an_assumption_and_told(tmp_path):
    folder = a_cell(tmp_path / "cell_1")
    micron = io.read_cell(folder, 0.5)
    pixel = io.read_cell(folder, 0.5, displacement_unit="pixel")
    assert micron.displacement is not None
    assert pixel.displacement is not None
    np.testing.assert_array_equal(micron.displacement.data[0, :, 0, 0], [5, 3])
    np.testing.assert_array_equal(pixel.displacement.data[0, :, 0, 0], [2.5, 1.5])
    assert micron.image.notes == ("the unit of the displacements is not documented: taken as µm",)


def test_displacements_that_are_all_zero_were_not_stored(tmp_path):
    cell = io.read_cell(a_cell(tmp_path / "cell_1", u=0), 0.17)
    assert cell.displacement is None
    assert cell.image.notes == ()


def test_a_pixel_size_is_asked_for(tmp_path):
    folder = a_cell(tmp_path / "cell_1")
    with pytest.raises(CellForceError, match=r"0\.17 µm") as caught:
        io.read_cell(folder)
    assert caught.value.topic == "pixel size"
    image = io.read(folder)
    assert image.pixel_size is None
    assert image.data.shape == (3, 2, SIDE, SIDE)


def test_one_frame_is_a_short_movie(tmp_path):
    path = a_cell(tmp_path / "cell_1") / "frame_2.npy"
    cell = io.read_cell(path, 0.17)
    assert cell.frame_numbers == (2,)
    assert io.read(path).name == "frame_2"


def test_only_the_plane_asked_for_is_read(tmp_path):
    """Overwriting all but one frame on disk after opening does not hurt that one."""
    folder = a_cell(tmp_path / "cell_1")
    cell = io.read_cell(folder, 0.17)
    for number in (0, 2):
        (folder / f"frame_{number}.npy").write_bytes(b"gone")
    np.testing.assert_array_equal(cell.image.frame(2)[0], np.full((SIDE, SIDE), 10))
    with pytest.raises(CellForceError, match="not an array of numbers"):
        cell.image.frame(0)


def test_cells_are_listed_by_number_or_by_the_index(tmp_path):
    for name in ("cell_10", "cell_2", "cell_1"):
        a_cell(tmp_path / name)
    (tmp_path / "empty").mkdir()
    assert [cell.name for cell in io.list_cells(tmp_path)] == ["cell_1", "cell_2", "cell_10"]
    (tmp_path / "dataset.csv").write_text(
        "folder,filename,frame\ncell_10,frame_0.npy,0\ncell_2,frame_0.npy,0\n"
    )
    assert [cell.name for cell in io.list_cells(tmp_path)] == ["cell_10", "cell_2"]


def test_a_data_set_of_one_cell_stands_for_it_and_of_several_one_is_asked_for(tmp_path):
    a_cell(tmp_path / "cell_1")
    assert io.read(tmp_path).n_frames == io.read(tmp_path / "cell_1").n_frames
    a_cell(tmp_path / "cell_2")
    with pytest.raises(CellForceError, match="contains 2 cells: cell_1, cell_2"):
        io.read(tmp_path)


def test_a_folder_of_frames_is_its_own_cell(tmp_path):
    folder = a_cell(tmp_path / "cell_1")
    assert io.list_cells(folder) == [folder]


def test_the_index_chooses_the_frames(tmp_path):
    folder = a_cell(tmp_path / "cell_1")
    rows = "folder,filename,frame\ncell_1,frame_10.npy,10\ncell_1,frame_2.npy,2\n"
    (tmp_path / "dataset.csv").write_text(rows)
    assert io.read_cell(folder, 0.17).frame_numbers == (2, 10)


@pytest.mark.parametrize("row", ["../secret,frame_0.npy,0", "cell_1,../../secret/frame_0.npy,0"])
def test_an_index_cannot_lead_out_of_its_folder(tmp_path, row):
    a_cell(tmp_path / "secret")
    root = a_cell(tmp_path / "data" / "cell_1").parent
    (root / "dataset.csv").write_text(f"folder,filename,frame\n{row}\n")
    with pytest.raises(CellForceError, match="leads out of"):
        [io.read_cell(cell, 0.17) for cell in io.list_cells(root)]


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ("folder,filename,frame\ncell_9,frame_0.npy,0\n", "lists cell_9, which does not exist"),
        ("folder,filename,frame\ncell_1,frame_77.npy,77\n", "lists cell_1/frame_77.npy, which is missing"),
        ("path,frame\ncell_1/frame_0.npy,0\n", "has the columns path, frame"),
        ("folder;filename\ncell_1;frame_0.npy\n", "has the columns folder;filename.* with commas"),
        ("folder,filename\ncell_1,frame_0.npy\ncell_1\n", "row 3 of .* names no file"),
        ("folder,filename\nZelle_ä,frame_0.npy\n", "cannot be read .* in UTF-8"),
    ],
)
def test_an_index_that_is_wrong_is_told(tmp_path, index, message):
    a_cell(tmp_path / "cell_1")
    (tmp_path / "dataset.csv").write_text(index, encoding="latin-1")
    with pytest.raises(CellForceError, match=message):
        [io.read_cell(cell, 0.17) for cell in io.list_cells(tmp_path)]


class Trap:
    """Unpickling this would run code."""

    def __reduce__(self):
        return pytest.fail, ("a file was unpickled",)


@pytest.mark.parametrize(
    ("make", "value", "rule"),
    [
        (lambda path: np.save(path, np.array([Trap()])), "not an array of numbers", "a .npy with numbers"),
        (lambda path: path.write_text("0 1 2"), "not an array of numbers", "a .npy with numbers"),
        (lambda path: path.touch(), "is empty", "contain an image"),
        (
            lambda path: np.save(path, np.zeros((5, 4, 4))),
            "has the shape (5, 4, 4)",
            "(7 or 8, height, width)",
        ),
        (lambda path: np.save(path, np.array(["a"])), "values are of type <U1", "a .npy with numbers"),
    ],
    ids=["pickle", "text", "empty", "five channels", "strings"],
)
def test_bad_frames_are_told_in_words(tmp_path, make, value, rule):
    path = tmp_path / "frame_1.npy"
    make(path)
    assert io.detect_kind(path) is None
    with pytest.raises(CellForceError) as caught:
        io.read(path)
    assert "frame_1.npy" in caught.value.value
    assert value in caught.value.value
    assert rule in caught.value.rule
    assert caught.value.remedy


def test_frames_cut_off_or_of_another_size_are_told_at_opening(tmp_path):
    folder = a_cell(tmp_path / "cell_1")
    np.save(folder / "frame_3.npy", np.zeros((8, 5, 5)))
    with pytest.raises(CellForceError, match=r"frame_3\.npy has the shape \(8, 5, 5\)"):
        io.read_cell(folder, 0.17)
    path = folder / "frame_3.npy"
    path.write_bytes((folder / "frame_2.npy").read_bytes()[:-100])
    with pytest.raises(CellForceError, match=r"frame_3\.npy is not an array of numbers"):
        io.read_cell(folder, 0.17)


def test_a_real_cell_pulls_inwards(shared_data):
    """Were x and y swapped or flipped, the traction would not point to the cell's middle."""
    folder = shared_data / "real" / "paper_format"
    (path,) = io.list_cells(folder)
    cell = io.read_cell(path, 0.44)
    assert cell.frame_numbers == (5,)
    assert cell.displacement is None
    traction, mask = np.asarray(cell.traction.data[0]), cell.mask.frame(0)
    places = np.stack(np.nonzero(mask)).astype(float)
    towards_middle = (places.mean(axis=1, keepdims=True) - places) * traction[:, mask]
    lengths = np.hypot(*traction[:, mask]) * np.hypot(*(places - places.mean(axis=1, keepdims=True)))
    assert towards_middle.sum() > 0.5 * lengths.sum()
