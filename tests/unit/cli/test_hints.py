"""Errors are free of command-line words below `cli/`; the command line and the panels add their own."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

import napari_cellforce
from napari_cellforce.batch import BatchConfig
from napari_cellforce.cli.app import app
from napari_cellforce.cli.hints import OPTIONS, with_option
from napari_cellforce.config_io import settings_of
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.tfm.config import TfmConfig
from napari_cellforce.widgets.base.hints import ROWS

SOURCES = Path(napari_cellforce.__file__).parent
COMMAND_WORDS = re.compile(r"(^|[\s(`])--[a-z]|\bcellforce [a-z]+")
TABLES = {SOURCES / "cli" / "hints.py", SOURCES / "widgets" / "base" / "hints.py", SOURCES / "errors.py"}


def modules(*left_out: str) -> Iterator[Path]:
    for path in SOURCES.rglob("*.py"):
        if path.relative_to(SOURCES).parts[0] not in left_out and path not in TABLES:
            yield path


def sentences(path: Path) -> Iterator[str]:
    """Texts of several words that are neither docstrings nor the help or the options of a setting."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    metadata = [
        node for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg in ("help", "option")
    ]
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    docs |= {id(part) for node in metadata for part in ast.walk(node)}
    for node in ast.walk(tree):
        text = getattr(node, "value", None)
        if isinstance(node, ast.Constant) and isinstance(text, str) and id(node) not in docs and " " in text:
            yield text


def commands() -> Iterator[typer.core.TyperCommand]:
    group = typer.main.get_command(app)
    context = group.make_context("cellforce", ["info"])
    for name in group.commands:
        yield group.resolve_command(context, [name])[1]


def test_no_sentence_below_the_command_line_contains_its_words():
    found = [(p.name, s) for p in modules("cli") for s in sentences(p) if COMMAND_WORDS.search(s)]
    assert not found


@pytest.mark.parametrize("table", [OPTIONS, ROWS], ids=["options", "rows"])
def test_every_topic_has_an_option_and_a_row_or_is_listed_as_having_none(table):
    assert set(table) == set(Topic)


def test_every_topic_is_used():
    text = "".join(path.read_text(encoding="utf-8") for path in modules())
    assert [topic.name for topic in Topic if not re.search(rf"Topic\.{topic.name}\b", text)] == []


def test_every_option_of_the_table_is_one_of_a_command():
    known = {option for command in commands() for parameter in command.params for option in parameter.opts}
    assert {option for options in OPTIONS.values() for option in options} <= known


def test_every_row_of_the_table_is_one_of_a_panel():
    text = "".join(path.read_text(encoding="utf-8") for path in modules() if "widgets" in path.parts)
    derived = {entry.setting.label for cls in (BatchConfig, TfmConfig) for entry in settings_of(cls)}
    rows = {row for rows in ROWS.values() for row in rows}
    assert [row for row in rows - derived if f'"{row}"' not in text] == []


def test_an_error_names_the_options_that_the_command_has():
    error = CellForceError("the pixel size is unknown", "it is needed", "Type it in.", topic=Topic.PIXEL_SIZE)
    assert with_option(error, {"--pixel-size"}).endswith("Type it in. Option: --pixel-size.")
    assert with_option(error, {"--out"}) == str(error)
    stiffness = CellForceError("the stiffness is 0", "it is positive", "Correct it.", topic=Topic.GEL)
    assert with_option(stiffness, {"--young", "--poisson"}).endswith("Options: --young, --poisson.")
