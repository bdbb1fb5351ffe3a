"""The folder of a data set: what it must not hold, what is written first, and how much room it needs."""

from __future__ import annotations

import dataclasses
import json
import shutil
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


def check_room(config: SimulateConfig, out: Path, cells: int) -> None:
    """Refuse to begin what cannot end: `cells` more cells must fit on the disk.

    Raises
    ------
    CellForceError
    """
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
    if any((out / RECORDS).glob("*.json")):
        unlike = _differences(read_entries(out / NOTES).get(_SETTINGS), dataclasses.asdict(config))
        found = f"{out} holds other simulated cells ({', '.join(unlike)})" if unlike else ""
    else:
        found = f"{out} holds another data set" if (out / INDEX).exists() else ""
    if found:
        raise CellForceError(
            found, "a folder holds one data set", "Choose another output folder.", topic="output"
        )


def _differences(before: Any, now: dict[str, Any]) -> list[str]:
    """Name the settings that differ; there may be more or fewer cells than before."""
    before = before if isinstance(before, dict) else {}
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
