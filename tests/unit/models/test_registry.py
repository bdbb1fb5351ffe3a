"""Kinds of models: what the registry says of them is true, and nothing else in the code names one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import napari_cellforce
from napari_cellforce.errors import CellForceError
from napari_cellforce.models import registry
from napari_cellforce.models.base import Network
from napari_cellforce.models.consensus import DISAGREEMENT
from napari_cellforce.models.gfnn import GFNNConfig

ROOT = Path(napari_cellforce.__file__).parent
OF_KINDS = {
    "models/registry.py", "models/unet.py", "models/adhesion_unet.py", "models/gfnn.py",
    "models/bottleneck", "models/consensus.py", "models/filters.py", "models/sheet_filter.py",
    "models/symbolic",
}  # fmt: skip
"""Modules of kinds, which may name them."""
PREDICTORS = {"NetworkPredictor", "BottleneckPredictor", "FormulaPredictor", "Consensus"}
WORDS = {"formula", "adhesion-filter", "sheet-filter"}
"""Names of kinds that are also names of other things: a part of an explanation, models in the zoo."""

NETWORKS = [kind.name for kind in registry.networks()]


@pytest.mark.parametrize("name", NETWORKS)
def test_what_is_said_of_a_kind_is_what_its_network_does(name):
    kind = registry.get_network(name)
    network = kind.network()
    assert issubclass(network, Network)
    assert bool(network.backend_part) == kind.capabilities.backends
    assert bool(network.potentials) == kind.capabilities.greens_functions
    module = kind.build_for(kind.default_inputs(("zyxin", "actin")), 0.68, {})
    assert module.config.in_channels == 2 + kind.needs_mask
    assert module.head_parameters()
    assert {id(p) for p in module.head_parameters()} <= {id(p) for p in module.parameters()}


def test_every_kind_has_words_for_lists():
    for name, kind in registry.REGISTRY.items():
        assert (kind.name, kind.title, kind.purpose) == (name, kind.title.strip(), kind.purpose.strip())
        assert kind.title, name
        assert kind.purpose.endswith("."), name
    assert DISAGREEMENT in registry.get("consensus").inner_fields


@pytest.mark.parametrize("name", NETWORKS)
def test_a_mask_alone_suits_a_kind_or_is_refused_in_words(name):
    kind = registry.get_network(name)
    if kind.needs_protein:
        with pytest.raises(CellForceError, match=r"the inputs are mask.*Add one to the inputs: zyxin, mask"):
            kind.build_for(("mask",), 0.68, {})
    else:
        assert kind.build_for(("mask",), 0.68, {}).config.in_channels == 1


@pytest.mark.parametrize("name", [name for name in NETWORKS if registry.get_network(name).needs_mask])
def test_a_missing_mask_is_asked_for(name):
    for inputs, remedy in ((("zyxin",), "Add mask"), (("mask", "zyxin"), "Put mask last: zyxin, mask")):
        with pytest.raises(CellForceError, match=remedy):
            registry.get_network(name).build_for(inputs, 0.68, {})


def test_a_mask_that_only_some_networks_of_a_kind_need_is_asked_for_too():
    with pytest.raises(CellForceError, match="Add mask to the inputs: zyxin, mask"):
        registry.get_network("gfnn").build_for(("zyxin",), 0.68, {"balance": "projected"})
    assert GFNNConfig(balance="none").balance == "none"


def test_the_pixel_size_of_the_mesh_is_that_of_the_model():
    kind = registry.get_network("physical-bottleneck")
    assert kind.build_for(("zyxin", "mask"), 0.9, {}).config.pixel_size == 0.9
    with pytest.raises(CellForceError, match=r"architecture.pixel_size is 0.5.*make it 0.9"):
        kind.build_for(("zyxin", "mask"), 0.9, {"pixel_size": 0.5})


def test_a_kind_that_is_not_known_is_refused_with_those_that_are():
    for ask in (registry.get, registry.get_network):
        with pytest.raises(CellForceError, match=r"'nerf'.*known are adhesion-unet, unet"):
            ask("nerf")
    with pytest.raises(CellForceError, match="kind of network is 'consensus'"):
        registry.get_network("consensus")
    assert registry.title("nerf") == "nerf"


def test_nothing_else_in_the_code_names_a_kind():
    classes = PREDICTORS | {kind.network().__name__ for kind in registry.networks()}
    named = [
        f"{path.relative_to(ROOT)}:{line}: {what}"
        for path in sorted(ROOT.rglob("*.py"))
        if not any(path.relative_to(ROOT).as_posix().startswith(module) for module in OF_KINDS)
        for line, what in namings(ast.parse(path.read_text(encoding="utf-8")), classes)
    ]
    assert named == []


def namings(tree: ast.AST, classes: set[str]) -> Iterator[tuple[int, str]]:
    """Line and text of every name of a kind as a constant, and every test for a class of one."""
    kinds = set(registry.REGISTRY) - WORDS
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and node.value in kinds:
            yield node.lineno, repr(node.value)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("isinstance", "issubclass"):
            if classes & {name.id for name in ast.walk(node.args[1]) if isinstance(name, ast.Name)}:
                yield node.lineno, ast.unparse(node)
        elif isinstance(node, ast.Compare) and "kind" in ast.unparse(node.left):
            constants = {c.value for c in ast.walk(node) if isinstance(c, ast.Constant)}
            if constants & WORDS:
                yield node.lineno, ast.unparse(node)


def test_such_namings_are_found():
    source = """
a = "gfnn"
b = isinstance(module, (GFNN, int))
c = record.kind == "formula"
d = part == "formula"
"""
    assert [line for line, _ in namings(ast.parse(source), {"GFNN"})] == [2, 3, 4]
