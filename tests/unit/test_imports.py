"""napari asks every plugin for its hooks at start: that must cost nothing."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import napari_cellforce

HEAVY = ("torch", "scipy", "skimage", "pandas", "dask", "zarr", "qtpy", "PyQt6", "superqt", "napari")


PACKAGE = Path(napari_cellforce.__file__).parent
LAZY = [
    f"napari_cellforce.{path.parent.name}"
    for path in sorted(PACKAGE.glob("*/__init__.py"))
    if "lazy_names(" in path.read_text(encoding="utf-8")
]
"""Packages whose names are loaded when they are first used."""


def loaded_by(statement: str) -> list[str]:
    """Which of the heavy libraries a fresh interpreter has loaded after a statement."""
    code = f"{statement}\nimport sys; print(*(name for name in {HEAVY!r} if name in sys.modules))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return answer.stdout.split()


@pytest.mark.parametrize(
    "module", ["napari_cellforce", "napari_cellforce.hooks", "napari_cellforce.cli", *LAZY]
)
def test_importing_loads_nothing_heavy(module):
    assert loaded_by(f"import {module}") == []


def test_all_jobs_are_loaded_when_they_are_used():
    jobs = ("batch", "compare", "evaluate", "explain", "predict", "scan", "simulate", "tfm", "train", "watch")
    assert {f"napari_cellforce.{job}" for job in jobs} <= set(LAZY)


@pytest.mark.parametrize("name", LAZY)
def test_every_name_of_a_package_is_found_and_is_not_hidden_by_a_module(name):
    package = importlib.import_module(name)
    modules = {module.name for module in pkgutil.iter_modules(package.__path__)}
    assert modules.isdisjoint(package.__all__)
    assert all(getattr(package, exported) is not None for exported in package.__all__)
    with pytest.raises(AttributeError, match="nonsense"):
        package.nonsense  # noqa: B018


def test_looking_at_a_file_that_is_not_ours_loads_neither_torch_nor_scipy_nor_qt(tmp_path):
    picture = tmp_path / "holiday.jpg"
    picture.write_bytes(b"\xff\xd8")
    statement = f"from napari_cellforce.hooks import get_reader; assert get_reader({str(picture)!r}) is None"
    assert not {"torch", "scipy", "qtpy", "napari"}.intersection(loaded_by(statement))


def test_the_check_itself_sees_what_is_loaded():
    assert loaded_by("import scipy") == ["scipy"]
