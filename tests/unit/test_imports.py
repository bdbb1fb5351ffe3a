"""napari asks every plugin for its hooks at start: that must cost nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("torch", "scipy", "skimage", "pandas", "dask", "zarr", "qtpy", "PyQt6", "superqt", "napari")


def loaded_by(statement: str) -> list[str]:
    """Which of the heavy libraries a fresh interpreter has loaded after a statement."""
    code = f"{statement}\nimport sys; print(*(name for name in {HEAVY!r} if name in sys.modules))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return answer.stdout.split()


@pytest.mark.parametrize("module", ["napari_cellforce", "napari_cellforce.hooks", "napari_cellforce.cli"])
def test_importing_loads_nothing_heavy(module):
    assert loaded_by(f"import {module}") == []


def test_looking_at_a_file_that_is_not_ours_loads_neither_torch_nor_scipy_nor_qt(tmp_path):
    picture = tmp_path / "holiday.jpg"
    picture.write_bytes(b"\xff\xd8")
    statement = f"from napari_cellforce.hooks import get_reader; assert get_reader({str(picture)!r}) is None"
    assert not {"torch", "scipy", "qtpy", "napari"}.intersection(loaded_by(statement))


def test_the_check_itself_sees_what_is_loaded():
    assert loaded_by("import scipy") == ["scipy"]
