"""Rules of the plan of the house that import-linter cannot see."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import napari_cellforce
from napari_cellforce.models import registry

PACKAGE = Path(napari_cellforce.__file__).parent
FILES = {str(path.relative_to(PACKAGE)): path for path in sorted(PACKAGE.rglob("*.py"))}
LONGEST_FILE, LONGEST_FUNCTION = 400, 40
NETWORKS = {"AdhesionUNet", "GFNN", "PhysicalBottleneck", "UNet"}
"""Classes that only ``models/`` may ask for."""


_ASKS = re.compile(r"^id$|\bdims\.set_current_step$")
"""Functions that ask for the address of a layer, or count frames in steps of the world."""


def function_lengths(source: str) -> dict[str, int]:
    """Lines of the body of each function, without its docstring."""
    lengths = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            lengths[node.name] = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
    return lengths


def reads_of_layers(source: str) -> list[str]:
    """Places where a file asks a layer or the viewer where it lies, or which it is by its address."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            owner = ast.unparse(node.value)
            is_layer = "layer" in owner or "image" in owner
            placing = is_layer and node.attr in ("scale", "translate", "affine", "rotate", "shear")
            if placing or (owner.endswith("dims") and node.attr == "current_step"):
                found.append(ast.unparse(node))
        elif isinstance(node, ast.Call) and re.search(
            r"^id$|\bdims\.set_current_step$", ast.unparse(node.func)
        ):
            found.append(ast.unparse(node))
    return found


def kind_comparisons(source: str) -> list[str]:
    """Places where a file tells kinds of networks apart by class or by name."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "isinstance":
            names = {name.id for name in ast.walk(node.args[1]) if isinstance(name, ast.Name)}
            if names & NETWORKS:
                found.append(ast.unparse(node))
        elif isinstance(node, ast.Compare):
            constants = {part.value for part in ast.walk(node) if isinstance(part, ast.Constant)}
            of_kind = any(ast.unparse(side).endswith("kind") for side in (node.left, *node.comparators))
            if of_kind and constants & set(registry.REGISTRY):
                found.append(ast.unparse(node))
    return found


@pytest.mark.parametrize("path", FILES.values(), ids=list(FILES))
def test_files_and_functions_are_short(path):
    source = path.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= LONGEST_FILE
    assert {name: n for name, n in function_lengths(source).items() if n > LONGEST_FUNCTION} == {}


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("widgets")])
def test_panels_ask_the_viewer_package_where_layers_lie(name):
    assert reads_of_layers(FILES[name].read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("name", [name for name in FILES if not name.startswith("models")])
def test_only_models_tell_kinds_of_networks_apart(name):
    assert kind_comparisons(FILES[name].read_text(encoding="utf-8")) == []


def test_the_checks_find_what_they_are_for():
    source = "a = layer.scale; b = self._viewer.dims.current_step[0]; c = id(layer); painter.translate(1, 2)"
    source += "; self._viewer.dims.set_current_step(0, 1)"
    assert sorted(reads_of_layers(source)) == [
        "id(layer)",
        "layer.scale",
        "self._viewer.dims.current_step",
        "self._viewer.dims.set_current_step(0, 1)",
    ]
    source = "isinstance(module, GFNN); record.kind == 'unet'; isinstance(a, str); b == 'Pa'"
    assert kind_comparisons(source) == ["isinstance(module, GFNN)", "record.kind == 'unet'"]
    assert function_lengths("def f():\n    '''Doc.'''\n    a = 1\n    return a\n") == {"f": 2}
