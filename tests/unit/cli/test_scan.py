"""`cellforce scan`: a command that draws cells, asks, and writes what was said."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

SMALL = ("--set", "side=128", "--set", "pixel_size=0.68", "--shape", "ellipse")


def test_a_scan_prints_its_trends_and_writes_its_files(cellforce, tmp_path: Path) -> None:
    asked = ("-m", "sheet", "-m", "adhesion-filter", "--from", "800", "--to", "1600", "--steps", "2")
    answer = cellforce("scan", "area", *SMALL, *asked, "--out", tmp_path)
    assert answer.code == 0, answer.errors
    table = pd.read_csv(tmp_path / "scan_area.csv")
    assert table["model"].tolist() == ["sheet", "adhesion-filter"] * 2
    assert "total force [nN]" in answer.output
    assert (tmp_path / "scan_area.png").exists()


def test_the_saved_cell_can_be_scanned_again(cellforce, tmp_path: Path) -> None:
    steps = ("--from", "800", "--to", "1600", "--steps", "2")
    cellforce("scan", "area", *SMALL, "--set", "adhesions.length=5", *steps, "--out", tmp_path / "a")
    saved = tmp_path / "a" / "scan_area_cell.json"
    cellforce("scan", "area", "--cell", saved, *steps, "--out", tmp_path / "b")
    first, again = (pd.read_csv(tmp_path / folder / "scan_area.csv") for folder in "ab")
    pd.testing.assert_frame_equal(first, again)


def test_a_parameter_or_setting_that_does_not_exist_is_one_line(cellforce, tmp_path: Path) -> None:
    for arguments, words in (
        (("colour",), "there are area"),
        (("area", "--set", "adhesions.colour=3"), "there is no setting"),
        (("area", "--set", "adhesions.length"), "the path of a setting"),
        (("area", "--shape", "blot"), "one of"),
        (("area", "-m", "no-such-model"), "no-such-model"),
        (("area", "--cell", str(tmp_path / "none.json")), "cannot read"),
    ):
        answer = cellforce("scan", *arguments, "--out", tmp_path / "out")
        assert answer.code == 2
        assert words in " ".join(answer.errors)
        assert not (tmp_path / "out").exists()


def test_cells_that_leave_the_image_are_told_and_the_rest_is_written(cellforce, tmp_path: Path) -> None:
    answer = cellforce(
        "scan", "area", *SMALL, "--from", "900", "--to", "90000", "--steps", "2", "--out", tmp_path
    )
    assert answer.code == 0
    assert any("leaves the image" in line for line in answer.errors)
    assert len(pd.read_csv(tmp_path / "scan_area.csv")) == 1


def test_a_folder_that_cannot_be_is_refused_at_the_first_cell(cellforce, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    answer = cellforce("scan", "area", *SMALL, "--steps", "100000", "--out", tmp_path / "taken")
    assert answer.code != 0
    assert "a file of that name exists" in " ".join(answer.errors)
