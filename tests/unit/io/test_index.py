"""Indexes of measured cells: what is in the files, what is wrong with them, and splits by cell."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest

from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import ImageStack, Mask, PixelSize, VectorField
from napari_cellforce.io import cell_index as package
from napari_cellforce.io import write_field, write_mask, write_stack
from napari_cellforce.io.cell_index import (
    CellSource,
    Split,
    cells_by_pattern,
    cells_from_table,
    find_cells,
    index_cells,
    k_fold,
    open_cell,
    split_by_cell,
    split_by_column,
    write_cell_table,
)
from napari_cellforce.io.cell_index.scan import CACHE


def frame(strength: float = 100.0) -> np.ndarray:
    """A bright square cell of 16 x 16 pixels that pulls along x, in the authors' layout."""
    planes = np.zeros((7, 32, 32), np.float32)
    planes[2, 8:24, 8:24] = strength
    planes[4, 8:24, 8:24] = 1
    planes[6] = 100
    planes[6, 8:24, 8:24] = 300
    return planes


def write_cells(root: Path, **cells: list[np.ndarray]) -> Path:
    for cell, frames in cells.items():
        (root / cell).mkdir(parents=True)
        for number, planes in enumerate(frames):
            np.save(root / cell / f"frame_{number}.npy", planes)
    return root


@pytest.fixture
def two(tmp_path: Path) -> Path:
    return write_cells(tmp_path / "data", a=[frame(100), frame(200)], b=[frame(300)])


def one_file_each(root: Path, cell: str, pixel_size: float = 0.5) -> None:
    """Write a cell of two frames as image, mask and traction."""
    size = PixelSize.square(pixel_size)
    planes = np.stack([frame(100), frame(200)])
    write_stack(root / f"{cell}_zyxin.tif", ImageStack(planes[:, 6:], ("zyxin",), size))
    write_mask(root / f"{cell}_mask.tif", Mask(planes[:1, 4] > 0))
    write_field(root / f"{cell}_force.tif", VectorField(planes[:, [3, 2]], "traction", "Pa", size))


def test_a_data_set_is_told_frame_by_frame(two):
    found = index_cells(find_cells(two, 0.17))
    assert found.cells == ("a", "b")
    assert [row.mean_traction for row in found.rows] == pytest.approx([100, 200, 300])
    assert found.baselines("a").inside == pytest.approx((300,))
    assert found.baselines("a").outside == pytest.approx((100,))
    assert found.mean_traction == pytest.approx(200)
    table = found.table()
    assert list(table["mean |F| [Pa]"]) == pytest.approx([100, 200, 300])
    numbers = found.statistics(bins=2)
    assert (numbers["cells"], numbers["frames"]) == (2, 3)
    assert sum(numbers["histogram of mean |F|"]["frames"]) == 3


def broken(**change: object) -> np.ndarray:
    planes = frame()
    for plane, value in change.items():
        planes[int(plane[1:])] = value
    return planes


@pytest.mark.parametrize(
    ("planes", "problem"),
    [
        (broken(c4=0), "mask is empty"),
        (broken(c4=1), "covers the whole image"),
        (broken(c2=0), "no traction was measured"),
        (broken(c2=np.nan), "NaN"),
        (broken(c6=np.nan), "image has NaN"),
        (broken(c6=5), "not brighter inside"),
    ],
)
def test_a_frame_that_cannot_be_used_says_why_and_the_others_go_on(tmp_path, planes, problem):
    found = index_cells(find_cells(write_cells(tmp_path / "d", good=[frame()], bad=[planes]), 0.17))
    bad = next(row for row in found.rows if row.cell == "bad")
    assert problem in bad.problems[0]
    assert found.cells == ("good",)


def test_a_data_set_without_any_use_names_the_first_problem(tmp_path):
    found = index_cells(find_cells(write_cells(tmp_path / "d", bad=[broken(c2=0)]), 0.17))
    with pytest.raises(CellForceError, match="no traction was measured"):
        found.require_usable()


def test_a_cut_file_is_a_problem_of_its_cell_alone(two):
    path = two / "b" / "frame_0.npy"
    path.write_bytes(path.read_bytes()[:2000])
    found = index_cells(find_cells(two, 0.17))
    assert found.cells == ("a",)
    assert "frame_0.npy" in next(row for row in found.rows if row.cell == "b").problems[0]


def test_measuring_happens_once_until_a_file_changes(two, monkeypatch):
    first = index_cells(find_cells(two, 0.17))
    assert (two / CACHE).is_file()
    opened: list[str] = []
    real = package.scan.open_cell
    monkeypatch.setattr(package.scan, "open_cell", lambda source: opened.append(source.cell) or real(source))
    assert index_cells(find_cells(two, 0.17)) == first
    assert opened == []
    time.sleep(0.01)
    np.save(two / "b" / "frame_0.npy", frame(500))
    assert index_cells(find_cells(two, 0.17)).rows[-1].mean_traction == pytest.approx(500)
    assert opened == ["b"]


def test_a_damaged_cache_is_as_good_as_none(two):
    (two / CACHE).write_text("{]")
    assert index_cells(find_cells(two, 0.17)).cells == ("a", "b")


def test_a_cache_of_another_version_is_as_good_as_none(two):
    found = index_cells(find_cells(two, 0.17))
    kept = json.loads((two / CACHE).read_text())
    for entry in kept.values():
        entry["rows"] = [{"cell": "a", "brightness": 1}]
    (two / CACHE).write_text(json.dumps(kept))
    assert index_cells(find_cells(two, 0.17)) == found


def test_where_data_cannot_be_written_the_users_cache_is_used(two, tmp_path, monkeypatch):
    place = tmp_path / "cache" / "index.json"
    places = Path("/proc/nowhere/x.json"), place
    monkeypatch.setattr("napari_cellforce.io.cell_index.scan._places", lambda _: places)
    index_cells(find_cells(two, 0.17))
    assert "a" in json.loads(place.read_text())


def test_image_mask_and_traction_can_be_files_of_their_own(tmp_path):
    for cell in ("left", "right"):
        one_file_each(tmp_path, cell)
    cells = cells_by_pattern(tmp_path, "{cell}_zyxin.tif", "{cell}_mask.tif", "{cell}_force.tif")
    found = index_cells(cells)
    assert [cell.cell for cell in cells] == ["left", "right"]
    assert [row.mean_traction for row in found.rows] == pytest.approx([100, 200, 100, 200])
    assert {row.pixel_size for row in found.rows} == {0.5}
    opened = open_cell(cells[0])
    assert opened.traction.data[0][1].max() == pytest.approx(100)  # x is component 1
    assert np.asarray(opened.traction.data[0][0]).max() == 0


def test_a_table_names_files_pixel_sizes_and_what_else_is_known(tmp_path):
    one_file_each(tmp_path, "a")
    one_file_each(tmp_path, "b", 0.25)
    (tmp_path / "cells.csv").write_text(
        "cell,image,mask,traction,pixel_size [µm],drug\n"
        "a,a_zyxin.tif,a_mask.tif,a_force.tif,,none\n"
        "b,b_zyxin.tif,b_mask.tif,b_force.tif,0.25,blebbistatin\n",
        encoding="utf-8",
    )
    cells = find_cells(tmp_path / "cells.csv")
    found = index_cells(cells)
    assert "pixel sizes differ" in found.notes[0]
    split = split_by_column(cells, "drug", ["blebbistatin"])
    assert (split.train, split.validation) == (("a",), ("b",))
    with pytest.raises(CellForceError, match=r"it has blebbistatin, none"):
        split_by_column(cells, "drug", ["nocodazole"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("cell,image,mask\na,b,c\n", "lacks the column traction"),
        ("cell,image,mask,traction\n", "no rows"),
        ("cell,image,mask,traction\na,a_zyxin.tif,,a_force.tif\n", "lacks a file of a"),
        ("cell,image,mask,traction\na,../x.tif,a_mask.tif,a_force.tif\n", "leads out of"),
        (
            "cell,image,mask,traction,pixel_size [µm]\na,a_zyxin.tif,a_mask.tif,a_force.tif,small\n",
            "the pixel size of a is 'small'",
        ),
        ("cell,image,mask,traction\n" + 2 * "a,a_zyxin.tif,a_mask.tif,a_force.tif\n", "lists a twice"),
        ("cell,image,mask,traction\na,a_zyxin.tif\n", "lacks a file of a"),
        ("cell;image;mask;traction\n", "no rows"),
        ("cell;image\na;a_zyxin.tif\n", "lacks the column cell.*with commas"),
        ("cell,image,mask,traction\n\udce4,a,b,c\n", "cannot be read .*in UTF-8"),
    ],
)
def test_a_table_that_is_wrong_is_refused_in_words(tmp_path, text, said):
    one_file_each(tmp_path, "a")
    path = tmp_path / "cells.csv"
    path.write_text(text, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(CellForceError, match=said):
        cells_from_table(path)


def test_a_file_that_is_missing_is_a_problem_of_its_cell_alone(tmp_path):
    for cell in "ab":
        one_file_each(tmp_path, cell)
    (tmp_path / "b_mask.tif").unlink()
    patterns = {"image": "{cell}_zyxin.tif", "mask": "{cell}_mask.tif", "traction": "{cell}_force.tif"}
    (tmp_path / "cells.csv").write_text(
        "cell,image,mask,traction\n"
        + "".join(f"{cell},{cell}_zyxin.tif,{cell}_mask.tif,{cell}_force.tif\n" for cell in "ab")
    )
    for cells in (find_cells(tmp_path, patterns=patterns), find_cells(tmp_path / "cells.csv")):
        found = index_cells(cells)
        assert found.cells == ("a",)
        assert "b_mask.tif was not found" in found.rows[-1].problems[0]


@pytest.mark.parametrize("patterns", [{"image": "{cell}.tif"}, {"colour": "{cell}.tif"}])
def test_patterns_must_be_complete(tmp_path, patterns):
    with pytest.raises(CellForceError, match="pattern"):
        find_cells(tmp_path, patterns=patterns)


def test_files_that_were_picked_are_written_as_a_table(tmp_path):
    one_file_each(tmp_path, "a")
    files = [tmp_path / f"a_{part}.tif" for part in ("zyxin", "mask", "force")]
    picked = CellSource("a", *files, pixel_size=0.25)
    table = write_cell_table(tmp_path / "picked.csv", [picked])
    assert find_cells(table) == [picked]
    with pytest.raises(CellForceError, match="leads out of"):
        write_cell_table(tmp_path / "elsewhere" / "picked.csv", [picked])


def test_no_file_of_that_pattern_is_told(tmp_path):
    with pytest.raises(CellForceError, match="no file"):
        cells_by_pattern(tmp_path, "{cell}.tif", "{cell}_m.tif", "{cell}_f.tif")
    with pytest.raises(CellForceError, match="cell"):
        cells_by_pattern(tmp_path, "image.tif", "m.tif", "f.tif")
    with pytest.raises(CellForceError, match=r"must not contain the folder"):
        cells_by_pattern(tmp_path, f"{tmp_path}/{{cell}}.tif", "m.tif", "f.tif")


def test_a_pattern_is_taken_as_it_is_written(tmp_path):
    """Brackets and stars, which mean something to a shell, are part of a name; the cell's may come twice."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"[zyxin] {name}.tif").touch()
    (tmp_path / "a" / "[zyxin] b.tif").touch()
    found = cells_by_pattern(tmp_path, "{cell}/[zyxin] {cell}.tif", "{cell}/m.tif", "{cell}/f.tif")
    assert [cell.cell for cell in found] == ["a", "b"]


def test_fields_of_another_size_do_not_fit(tmp_path):
    one_file_each(tmp_path, "a")
    small = VectorField(np.ones((2, 2, 8, 8), np.float32), "traction", "Pa", PixelSize.square(0.5))
    write_field(tmp_path / "a_force.tif", small)
    source = CellSource("a", *(tmp_path / f"a_{part}.tif" for part in ("zyxin", "mask", "force")))
    with pytest.raises(CellForceError, match="8 x 8"):
        open_cell(source)


CELLS = [f"cell_{i}" for i in range(10)]


def test_a_split_keeps_whole_cells_aside_and_is_written_down(tmp_path):
    split = split_by_cell(CELLS, 0.3, seed=1)
    assert len(split.validation) == 3
    assert sorted(split.train + split.validation) == CELLS
    assert split_by_cell(CELLS[::-1], 0.3, seed=1).validation == split.validation
    assert split_by_cell(CELLS, 0.3, seed=2) != split
    split.write(tmp_path / "split.json")
    assert Split.read(tmp_path / "split.json") == split


def test_a_stretch_of_time_is_validated_with_in_other_cells_only(tmp_path):
    split = Split(("a",), ("b",), window=(30, 60))
    assert [split.uses("b", t) for t in (29, 30, 60, 61)] == [False, True, True, False]
    assert [split.uses("a", t) for t in (29, 30, 60, 61)] == [True, False, False, True]
    split.write(tmp_path / "split.json")
    assert Split.read(tmp_path / "split.json") == split


def test_every_fold_leaves_other_cells_out():
    asides = [k_fold(CELLS, 3, fold).validation for fold in range(3)]
    assert sorted(cell for aside in asides for cell in aside) == CELLS


def test_a_cell_is_never_on_both_sides():
    with pytest.raises(ValueError, match="both sets"):
        Split(("a", "b"), ("b",))


@pytest.mark.parametrize("cells", [[], ["only"]])
def test_too_few_cells_cannot_be_split(cells):
    with pytest.raises(CellForceError, match="at least 2"):
        split_by_cell(cells)
