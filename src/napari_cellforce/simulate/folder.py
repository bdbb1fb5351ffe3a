"""The folder of a data set: what it must not hold, what is written first, and how much room it needs."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from napari_cellforce import __version__, files
from napari_cellforce.errors import CellForceError
from napari_cellforce.fields import PixelSize
from napari_cellforce.io.dataset.index import INDEX
from napari_cellforce.io.dataset.notes import NOTES, DatasetNotes, read_entries
from napari_cellforce.io.dataset.writing import CHANNELS
from napari_cellforce.simulate.cell import RECORDS
from napari_cellforce.simulate.config import SimulateConfig

_SETTINGS = "settings"
_BYTES_PER_PIXEL = 45
"""Of a frame: eight channels of 4 bytes in the ``.npy``; two of 2, two of 4 and a mask in the OME-TIFFs."""
_BYTES_PER_PIXEL_MEASURED = 8


def prepare(config: SimulateConfig, out: Path) -> None:
    """Make the folder ready: write the notes, drop what a killed run left half written.

    Raises
    ------
    CellForceError
        If the folder holds something else, or cannot be written.
    """
    _refuse_other_data(config, out)
    files.write_text(out / NOTES, json.dumps(_notes(config), indent=1, ensure_ascii=False) + "\n")
    for left_over in out.glob("*/.*.partial"):
        left_over.unlink()


def check_room(config: SimulateConfig, out: Path) -> None:
    """Refuse to begin what cannot end: the cells that are not there yet must fit on the disk.

    Raises
    ------
    CellForceError
    """
    cells = config.cells - sum(1 for _ in _records(out))
    per_pixel = _BYTES_PER_PIXEL + config.measured * _BYTES_PER_PIXEL_MEASURED
    needed = per_pixel * config.side**2 * config.frames * cells
    free = shutil.disk_usage(out).free
    if needed > free:
        raise CellForceError(
            f"{cells} cells need up to {needed / 1e9:.3g} GB, and the disk of {out} has {free / 1e9:.3g} GB",
            "they must fit",
            "Free some space, choose another output folder, or make fewer or smaller cells.",
            topic="output",
        )


def _refuse_other_data(config: SimulateConfig, out: Path) -> None:
    found = _other_data(config, out)
    if found:
        raise CellForceError(
            f"{out} holds {found}",
            "a folder holds one data set",
            "Choose another output folder.",
            topic="output",
        )


def _other_data(config: SimulateConfig, out: Path) -> str:
    """Say what the folder holds that does not belong to this data set; empty if there is nothing."""
    if not any(_records(out)):
        return "another data set" if (out / INDEX).exists() else ""
    if not (out / NOTES).exists():
        return f"simulated cells, and {NOTES}, which tells their settings, is missing"
    unlike = _differences(read_entries(out / NOTES).get(_SETTINGS), dataclasses.asdict(config))
    return f"other simulated cells ({', '.join(unlike)})" if unlike else ""


def _records(out: Path) -> Iterator[Path]:
    return (out / RECORDS).glob("*.json")


def _differences(before: Any, now: dict[str, Any]) -> list[str]:
    """Name the settings that differ; there may be more or fewer cells than before.

    A setting that was not written is one that there was not: it has its default.
    """
    before = dataclasses.asdict(SimulateConfig()) | before if isinstance(before, dict) else {}
    return [
        f"{name.replace('_', ' ')} {before.get(name)} instead of {value}"
        for name, value in now.items()
        if name != "cells" and before.get(name) != value
    ]


def _notes(config: SimulateConfig) -> dict[str, Any]:
    population = config.population()
    one = population.recipes[0].config
    first, second = (look.name for look in one.proteins)
    notes = DatasetNotes(PixelSize.square(config.pixel_size), one.frame_interval, (first, second))
    return {
        "made by": f"napari-cellforce {__version__}",
        **notes.entries(),
        "channels": CHANNELS,
        "displacement and traction": "as measured by an instrument" if config.measured else "exact",
        _SETTINGS: dataclasses.asdict(config),
        "population": json.loads(population.to_json()),
    }
