"""Which option of the command line corrects what an error is about."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from napari_cellforce.errors import CellForceError, Topic

OPTIONS: Mapping[Topic, tuple[str, ...]] = {
    Topic.ADHESIONS: (),
    Topic.AXES: (),
    Topic.BACKEND: ("--backend",),
    Topic.BEADS: (),
    Topic.CALIBRATION: ("--calibration",),
    Topic.CELLS: ("--data",),
    Topic.CHANNEL: ("--channel",),
    Topic.CLUSTER: ("--cluster",),
    Topic.CONDITIONS: ("--conditions",),
    Topic.DECAY_LENGTHS: ("--lengths",),
    Topic.DEVICE: ("--device",),
    Topic.DISPLACEMENT: (),
    Topic.DRIFT: ("--drift",),
    Topic.FOLDER: (),
    Topic.FRAMES: ("--frame", "--frames", "--interval"),
    Topic.GEL: ("--young", "--poisson", "--thickness"),
    Topic.IMAGE: (),
    Topic.INPUT: (),
    Topic.MASK: ("--mask", "--mask-pattern"),
    Topic.MEMORY: (),
    Topic.MODEL: ("--model",),
    Topic.NAME: ("--name",),
    Topic.OUTLINE: (),
    Topic.OUTPUT: ("--out",),
    Topic.OVERLAP: ("--overlap",),
    Topic.PARTS: ("--parts", "--explain"),
    Topic.PATTERN: ("--pattern", "--recursive"),
    Topic.PIXEL_SIZE: ("--pixel-size",),
    Topic.POSITION: ("--at",),
    Topic.PROTEINS: (),
    Topic.READING: (),
    Topic.REFERENCE: (),
    Topic.REGIONS: (),
    Topic.REGULARISATION: ("--criterion", "--regularisation"),
    Topic.RUN: ("--out", "--resume"),
    Topic.SAMPLES: ("--samples",),
    Topic.SCAN: (),
    Topic.SCHEDULER: ("--scheduler",),
    Topic.SENSITIVITY: ("--sensitivity",),
    Topic.SETTINGS: (),
    Topic.SHEET: (),
    Topic.SPACING: ("--spacing", "--measured-spacing"),
    Topic.SPLIT: ("--fold", "--where", "--window"),
    Topic.TRAINED_LAYERS: ("--only",),
    Topic.TRAINING_DATA: ("--data",),
    Topic.UNIT: ("--unit", "--measured-unit"),
    Topic.WINDOW: ("--window",),
    Topic.WORKERS: ("--workers",),
    Topic.Z: ("--z",),
}
"""Options by topic; empty for topics that no option corrects. Shown are those that the command has."""

_running: set[str] = set()
"""Options of the command that is run."""


def remember_options(command: Any) -> None:
    """Take the options of a command as those that errors may name."""
    _running.clear()
    _running.update(option for parameter in command.params for option in parameter.opts)


def with_option(error: CellForceError, available: Collection[str] | None = None) -> str:
    """Return an error with the options that correct it, if the command has any.

    Parameters
    ----------
    error : CellForceError
    available : collection of str, optional
        Options of the command; by default of the one that is run.
    """
    known = _running if available is None else available
    listed = [o for o in OPTIONS.get(error.topic, ()) if o in known] if error.topic else []
    text = str(error)
    if not listed or any(option in text for option in listed):
        return text
    return f"{text} {'Option' if len(listed) == 1 else 'Options'}: {', '.join(listed)}."
