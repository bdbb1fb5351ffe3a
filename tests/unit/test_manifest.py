"""What the manifest says is there, is there; and the Preferences page offers only what works."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import torch
from napari.settings import get_plugin_settings
from napari.utils.colormaps import ensure_colormap
from npe2 import PluginManifest
from npe2.manifest.utils import import_python_name

from napari_cellforce import hooks
from napari_cellforce.io.tiff import SUFFIXES
from napari_cellforce.layers import ArrowStyle
from napari_cellforce.widgets.base.preferences import PLUGIN, Preferences

ROOT = Path(__file__).resolve().parents[2]
IN_PACKAGE = Path(str(files("napari_cellforce") / "napari.yaml"))


@pytest.fixture(scope="module")
def manifest() -> PluginManifest:
    return PluginManifest.from_file(IN_PACKAGE)


@pytest.fixture
def page(plugin_settings, npe2pm, manifest) -> Any:
    """The plugin's page in napari's Preferences, freshly installed."""
    npe2pm.register(manifest)
    return get_plugin_settings(PLUGIN)


def test_the_manifest_at_the_top_is_the_one_in_the_package():
    """As a link; as the text of the link, where git has no links; or as a copy, in the source archive."""
    top = ROOT / "napari.yaml"
    text = top.read_text(encoding="utf-8")
    if "\n" not in text.strip():
        top = ROOT / text.strip()
    assert top.read_text(encoding="utf-8") == IN_PACKAGE.read_text(encoding="utf-8")


def test_every_command_leads_to_something_that_can_be_called(manifest):
    assert manifest.name == hooks.PLUGIN == PLUGIN
    for command in manifest.contributions.commands:
        assert callable(import_python_name(command.python_name)), command.id


def test_every_contribution_names_a_command(manifest):
    contributions = manifest.contributions
    commands = {command.id for command in contributions.commands}
    items = [item for menu in contributions.menus.values() for item in menu]
    named = [*contributions.readers, *contributions.writers, *contributions.widgets, *items]
    used = {item.command for item in named if getattr(item, "command", None)}
    used |= {sample.command for sample in contributions.sample_data}
    assert used == commands, "no command is missing, and none is of no use"


def test_files_of_every_kind_that_can_be_read_are_offered_to_the_reader(manifest):
    patterns = {pattern for reader in manifest.contributions.readers for pattern in reader.filename_patterns}
    assert {f"*{suffix}" for suffix in (*SUFFIXES, ".npy")} <= patterns


def test_the_writer_takes_what_a_prediction_consists_of(manifest):
    (writer,) = manifest.contributions.writers
    ranges = {
        str(constraint.layer_type.value): constraint.bounds for constraint in writer.layer_type_constraints()
    }
    assert {"image", "vectors", "labels"} <= set(ranges)
    assert all(low == 0 for low, _ in ranges.values()), "any of them may be selected alone"


def test_without_a_choice_the_preferences_are_those_of_the_package(page):
    assert Preferences.load() == Preferences()


def test_what_is_chosen_on_the_page_is_what_the_panels_get(page, tmp_path):
    page.models.device = "cpu"
    page.models.folder = str(tmp_path)
    page.arrows.length, page.arrows.width, page.arrows.colormap = 2.5, 0.3, "turbo"
    assert Preferences.load() == Preferences(
        "cpu", str(tmp_path), ArrowStyle(length=2.5, width=0.3, colormap="turbo")
    )


def test_where_napari_does_not_know_the_plugin_there_are_defaults(plugin_settings):
    assert Preferences.load() == Preferences()


def test_every_colormap_on_offer_exists_in_napari(page):
    for name in choices(page.arrows, "colormap"):
        assert ensure_colormap(name).name == name


def test_every_device_on_offer_is_one_that_torch_knows(page):
    for name in choices(page.models, "device"):
        assert name == "auto" or torch.device(name)


def choices(section: Any, key: str) -> list[str]:
    return type(section).model_json_schema()["properties"][key]["enum"]
