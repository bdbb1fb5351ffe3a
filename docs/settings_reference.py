"""Writes the tables of the page Settings from the dataclasses of settings (a hook of MkDocs).

Nothing of the tables stands in the page: name, default, range and help are those of the code, and an option
is shown only if the command has it.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Iterator
from typing import Any

import typer

from napari_cellforce.cli.app import app
from napari_cellforce.cli.options import complete
from napari_cellforce.config_io import SettingEntry, options_of, settings_of
from napari_cellforce.config_io.metadata import allowed

PAGE = "settings.md"

JOBS = {
    "predict": ("napari_cellforce.predict:PredictConfig", "Prediction"),
    "batch": ("napari_cellforce.batch:BatchConfig", "Folders"),
    "watch": ("napari_cellforce.watch:WatchConfig", "Running acquisitions"),
    "explain": ("napari_cellforce.explain:ExplainConfig", "Explanations"),
    "tfm": ("napari_cellforce.tfm:TfmConfig", "Traction force microscopy"),
    "compare": ("napari_cellforce.compare:CompareConfig", "Comparison"),
    "evaluate": ("napari_cellforce.evaluate:EvaluateConfig", "Evaluation"),
    "train": ("napari_cellforce.train:TrainConfig", "Training"),
    "simulate": ("napari_cellforce.simulate:SimulateConfig", "Simulated data sets"),
    "scan": ("napari_cellforce.scan:ScanConfig", "Scans of drawn cells"),
}
"""Command -> dataclass of its settings, heading."""


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Append the tables to the page Settings."""
    return markdown if page.file.src_uri != PAGE else "\n".join([markdown, *_sections()])


def _sections() -> Iterator[str]:
    for command, (source, heading) in JOBS.items():
        module, name = source.split(":")
        cls = getattr(importlib.import_module(module), name)
        names = {option.entry.path: option.name for option in options_of(cls)}
        known = command_options(command)
        yield f"\n## {heading}\n\n[`{name}`](api.md), `cellforce {command}`\n"
        yield "| setting | default | allowed | option | |\n| --- | --- | --- | --- | --- |"
        for entry in settings_of(cls):
            option = names.get(entry.path, "").split(" ")[0]
            shown = f"`{option}`" if option in known else ""
            columns = (f"`{entry.path}`", _default(entry), allowed(entry.type, entry.setting), shown)
            yield f"| {' | '.join(map(_cell, (*columns, entry.setting.help)))} |"


def command_options(command: str) -> set[str]:
    """Return all options of a command, those of its subcommands included."""
    known: set[str] = set()
    waiting = [typer.main.get_command(app).commands[command]]  # type: ignore[attr-defined]
    while waiting:
        current = complete(waiting.pop())
        waiting.extend(getattr(current, "commands", {}).values())
        known.update(option for parameter in current.params for option in parameter.opts)
    return known


def _default(entry: SettingEntry) -> str:
    if entry.default is dataclasses.MISSING:
        return "required"
    if entry.default is None:
        return entry.setting.empty or "none"
    if isinstance(entry.default, tuple):
        return ", ".join(map(str, entry.default)) or "none"
    if isinstance(entry.default, bool):
        return "true" if entry.default else "false"
    text = f"{entry.default:g}" if isinstance(entry.default, float) else str(entry.default)
    return f"{text} {entry.setting.unit}".strip() or "empty"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
