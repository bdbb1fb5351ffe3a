"""Tests of panels are found by the name of the panel, and use it as other code would."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import napari_cellforce.widgets

GUI = Path(__file__).resolve().parents[1] / "gui"
FOLDERS = {path.parent.name for path in Path(napari_cellforce.widgets.__file__).parent.glob("*/__init__.py")}
OTHER_LIBRARIES = {"_worker_set", "_qt_window", "_clear_plugin_settings_cache"}
"""Attributes of napari and superqt for which there is no public one."""
FILES = sorted(GUI.glob("test_*.py"))


def private_attributes(source: str) -> list[str]:
    """Private attributes, of other objects than ``self``; private classes of a module may be replaced."""
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)]
    return [
        f"line {node.lineno}: {ast.unparse(node)}"
        for node in nodes
        if re.match("_[a-z]", node.attr)
        if not (isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"))
        if node.attr not in OTHER_LIBRARIES
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_is_named_after_its_panel(path):
    assert path.stem.split("_")[1] in FOLDERS | {"napari", "shared"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_private_attribute_of_a_panel_is_used(path):
    assert private_attributes(path.read_text(encoding="utf-8")) == []


def test_the_check_finds_what_it_is_for():
    found = private_attributes("self._a; panel._run.text; x.__name__; module._Class; a()._b")
    assert sorted(found) == ["line 1: a()._b", "line 1: panel._run"]
