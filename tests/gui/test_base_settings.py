"""One default of each setting: in the library, on the command line and in a fresh panel."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest
import typer
from napari.components import ViewerModel
from qtpy.QtCore import QCoreApplication, QEvent
from typer.testing import CliRunner

from napari_cellforce.batch import BatchConfig
from napari_cellforce.cli.app import app
from napari_cellforce.cli.options import Given
from napari_cellforce.compare import CompareConfig
from napari_cellforce.config_io import settings_of
from napari_cellforce.evaluate import EvaluateConfig
from napari_cellforce.explain import ExplainConfig
from napari_cellforce.fields import Substrate
from napari_cellforce.predict import PredictConfig
from napari_cellforce.scan import Drawing, ScanConfig
from napari_cellforce.simulate import SimulateConfig
from napari_cellforce.tfm import TfmConfig
from napari_cellforce.watch import WatchConfig
from napari_cellforce.widgets.base.panel import Panel
from napari_cellforce.widgets.base.preferences import Memory, Preferences
from napari_cellforce.widgets.batch.folder_section import BatchFolderSection
from napari_cellforce.widgets.batch.panel import BatchPanel
from napari_cellforce.widgets.compare.panel import ComparePanel
from napari_cellforce.widgets.explain.panel import ExplainPanel
from napari_cellforce.widgets.predict.panel import PredictPanel
from napari_cellforce.widgets.synthetic.panel import SyntheticPanel
from napari_cellforce.widgets.tfm.panel import TfmPanel
from napari_cellforce.zoo import DEFAULT_MODEL

GEL = Substrate(5000)

LIBRARY = {
    "predict": PredictConfig(),
    "batch": BatchConfig("in", "out", (DEFAULT_MODEL,)),
    "watch": WatchConfig("in", "out"),
    "explain": ExplainConfig(),
    "tfm": TfmConfig(GEL),
    "compare": CompareConfig(),
    "evaluate": EvaluateConfig(("cells",)),
    "scan": ScanConfig(),
    "simulate": SimulateConfig(),
}
"""Settings of every job, with all defaults."""

COMMANDS = {
    "predict": ("a.tif",),
    "batch": ("in", "--out", "out", "--model", DEFAULT_MODEL),
    "watch": ("in", "--out", "out"),
    "explain": ("a.tif",),
    "tfm": ("a.tif", "b.tif", "--young", "5000"),
    "compare": ("a.tif", "b.tif"),
    "evaluate": ("--data", "cells"),
    "scan": ("area",),
    "simulate": ("--out", "out"),
}
"""Commands that leave out whatever can be left out."""

PLACES = ("folder", "out")
"""Settings without a default: what is given, as an absolute path."""

BY_LAYER = ("channels", "predict.channels")
"""Settings that a panel takes from the layers of the viewer."""


def differences(settings: Any, library: Any, leave_out: tuple[str, ...] = ()) -> dict[str, tuple[Any, Any]]:
    """Values that are not those of the library, by the path of the setting."""
    pairs = {
        entry.path: (attrgetter(entry.path)(settings), attrgetter(entry.path)(library))
        for entry in settings_of(type(library))
        if entry.path not in leave_out
    }
    return {path: pair for path, pair in pairs.items() if pair[0] != pair[1]}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_without_options_has_the_defaults_of_the_library(command, monkeypatch, tmp_path):
    built: list[Any] = []
    build = Given.build

    def stop(given: Given, *args: Any, **values: Any) -> Any:
        built.append(build(given, *args, **values))
        if type(built[-1]) is type(LIBRARY[command]):
            raise typer.Exit
        return built[-1]

    monkeypatch.setattr(Given, "build", stop)
    monkeypatch.chdir(tmp_path)
    for name in ("a.tif", "b.tif"):
        Path(name).touch()
    CliRunner().invoke(app, [command, *COMMANDS[command]])
    assert type(built[-1]) is type(LIBRARY[command])
    assert differences(built[-1], LIBRARY[command], PLACES) == {}


@pytest.fixture
def opened(tmp_path) -> Iterator[Any]:
    """Opens a panel as it is on a new computer."""
    panels: list[Panel] = []

    def make(cls: type[Panel]) -> Any:
        memory = Memory(tmp_path / "panels.json")
        panels.append(cls(ViewerModel(), memory=memory, preferences=Preferences()))
        return panels[-1]

    yield make
    for panel in panels:
        panel.dispose()
        panel.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.DeferredDelete)


def test_a_fresh_panel_has_the_defaults_of_the_library(opened):
    assert differences(opened(PredictPanel).config(), LIBRARY["predict"], BY_LAYER) == {}
    assert differences(opened(ExplainPanel).config(), LIBRARY["explain"], BY_LAYER) == {}
    assert differences(opened(ComparePanel).choice.config, LIBRARY["compare"]) == {}
    scan = opened(SyntheticPanel).scan_section.config(Drawing())
    assert differences(scan, LIBRARY["scan"]) == {}


def test_a_fresh_panel_has_the_defaults_once_its_folder_or_gel_is_given(opened):
    batch = opened(BatchPanel)
    batch.findChild(BatchFolderSection).set_folder("in")
    expected = dataclasses.replace(LIBRARY["batch"], out=str(Path("in") / "cellforce-results"))
    assert differences(batch.config(), expected) == {}
    tfm = opened(TfmPanel)
    tfm.settings.young.setValue(5)
    assert differences(tfm.settings.config(), LIBRARY["tfm"]) == {}


def test_the_check_finds_another_default():
    other = TfmConfig(Substrate(5000, 0.3))
    assert differences(other, LIBRARY["tfm"]) == {"substrate.poisson": (0.3, GEL.poisson)}
