"""``cellforce simulate``: what it prints, how it ends, and that bad arguments are one line."""

from __future__ import annotations

import pytest

from napari_cellforce import io

SMALL = ("--side", "64", "--pixel-size", "2.72", "--workers", "1")


def test_cells_are_simulated_and_counted(cellforce, tmp_path):
    answer = cellforce("simulate", "--cells", 2, "--frames", 2, "--seed", 4, "--out", tmp_path / "s", *SMALL)
    assert answer.code == 0
    assert "2 made" in answer.output
    assert [len(io.read_cell(cell).frame_numbers) for cell in io.list_cells(tmp_path / "s")] == [2, 2]
    again = cellforce("simulate", "--cells", 3, "--frames", 2, "--seed", 4, "--out", tmp_path / "s", *SMALL)
    assert "2 kept, 1 made" in again.output


def test_cells_that_cannot_be_made_are_named_and_the_exit_code_says_so(cellforce, tmp_path):
    """In a field of view of 88 µm some cells find room and some do not; in one of 11 µm none does."""
    few = ("simulate", "--cells", 6, "--workers", 1, "--side", 64)
    some = cellforce(*few, "--pixel-size", 1.36, "--out", tmp_path / "some")
    assert some.code == 3
    told = [line for line in some.errors if "cannot be made: the outline" in line]
    assert 0 < len(told) < 6
    assert len(io.list_cells(tmp_path / "some")) == 6 - len(told)
    none = cellforce(*few, "--pixel-size", 0.17, "--out", tmp_path / "none")
    assert none.code == 2
    assert not (tmp_path / "none" / "dataset.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--cells", 0), "cells is 0"),
        (("--frames", -3), "frames is -3"),
        (("--pixel-size", 0), "pixel"),
        (("--mechanics", "glue"), "one of mixed, sheet, fibres"),
        (("--workers", 0), "0 processes"),
    ],
)
def test_arguments_that_make_no_sense_are_told_in_one_line(cellforce, tmp_path, arguments, told):
    answer = cellforce("simulate", "--out", tmp_path / "s", *arguments)
    assert answer.code == 2
    assert [line for line in answer.errors if told in line]
    assert not (tmp_path / "s").exists()


def test_a_file_is_no_output_folder(cellforce, tmp_path):
    (tmp_path / "s").write_text("mine")
    answer = cellforce("simulate", "--out", tmp_path / "s")
    assert answer.code == 2
    assert any("a file of that name exists" in line for line in answer.errors)
    assert (tmp_path / "s").read_text() == "mine"
