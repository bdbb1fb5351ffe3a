"""One default of each setting: in the library, on the command line and in a fresh panel; rows reach the job."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest
import typer
from napari.components import ViewerModel
from pytestqt.qtbot import QtBot
from qtpy.QtCore import QCoreApplication, QEvent
from qtpy.QtWidgets import QCheckBox, QComboBox, QWidget
from typer.testing import CliRunner

from napari_cellforce.batch import BatchConfig
from napari_cellforce.cli.app import app
from napari_cellforce.cli.options import Given
from napari_cellforce.compare import CompareConfig
from napari_cellforce.config_io import settings_of
from napari_cellforce.evaluate import EvaluateConfig
from napari_cellforce.explain import ExplainConfig
from napari_cellforce.fields import Substrate
from napari_cellforce.io.measured import MeasuredLayout
from napari_cellforce.predict import PredictConfig
from napari_cellforce.scan import ScanConfig
from napari_cellforce.scan.drawing import Drawing
from napari_cellforce.simulate import SimulateConfig
from napari_cellforce.tfm import FolderConfig, TfmConfig
from napari_cellforce.watch import WatchConfig
from napari_cellforce.widgets.base.number_box import NumberBox
from napari_cellforce.widgets.base.panel import Panel
from napari_cellforce.widgets.base.preferences import Memory, Preferences
from napari_cellforce.widgets.base.setting_rows import SettingRows
from napari_cellforce.widgets.batch.folder_section import BatchFolderSection
from napari_cellforce.widgets.batch.panel import BatchPanel
from napari_cellforce.widgets.batch.watch_section import WatchSection, watch_config
from napari_cellforce.widgets.compare.field_choice import FieldChoice
from napari_cellforce.widgets.explain.panel import ExplainPanel
from napari_cellforce.widgets.predict.panel import PredictPanel
from napari_cellforce.widgets.synthetic.scan_section import ScanSection
from napari_cellforce.widgets.tfm.folder_section import TfmFolder
from napari_cellforce.widgets.tfm.settings_section import TfmSettingsSection
from napari_cellforce.zoo import DEFAULT_MODEL

LIBRARY = {
    "predict": PredictConfig(),
    "batch": BatchConfig("in", "out", (DEFAULT_MODEL,)),
    "watch": WatchConfig("in", "out"),
    "explain": ExplainConfig(),
    "tfm": TfmConfig(Substrate(5000)),
    "tfm folder": FolderConfig("in", "out", TfmConfig(Substrate(5000))),
    "compare": CompareConfig(),
    "measured fields": MeasuredLayout(),
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
"""Settings without a default."""

BY_LAYER = ("channels",)
"""Settings that a panel takes from the layers of the viewer."""
