"""Which row of a panel corrects what an error is about."""

from __future__ import annotations

from collections.abc import Mapping

from qtpy.QtWidgets import QLabel, QWidget

from napari_cellforce.errors import CellForceError, Topic

ROWS: Mapping[Topic, tuple[str, ...]] = {
    Topic.ADHESIONS: (),
    Topic.AXES: (),
    Topic.BACKEND: ("Backend",),
    Topic.BEADS: (),
    Topic.CALIBRATION: ("Calibration",),
    Topic.CELLS: (),
    Topic.CHANNEL: ("Channels",),
    Topic.CLUSTER: (),
    Topic.CONDITIONS: ("Conditions",),
    Topic.DECAY_LENGTHS: (),
    Topic.DEVICE: ("Device",),
    Topic.DISPLACEMENT: (),
    Topic.DRIFT: ("Drift",),
    Topic.FOLDER: ("Folder",),
    Topic.FRAMES: (),
    Topic.GEL: ("Stiffness",),
    Topic.IMAGE: (),
    Topic.INPUT: (),
    Topic.MASK: ("Cell",),
    Topic.MEMORY: ("Frames a step",),
    Topic.MODEL: ("Model",),
    Topic.NAME: ("Name",),
    Topic.OUTLINE: (),
    Topic.OUTPUT: ("Results",),
    Topic.OVERLAP: (),
    Topic.PARTS: ("Explain",),
    Topic.PATTERN: ("Folder",),
    Topic.PIXEL_SIZE: ("Pixel size", "Pixel"),
    Topic.POSITION: (),
    Topic.PROTEINS: ("Proteins",),
    Topic.READING: (),
    Topic.REFERENCE: (),
    Topic.REGIONS: ("Numbers of",),
    Topic.REGULARISATION: ("Regularisation",),
    Topic.RUN: ("Results",),
    Topic.SAMPLES: ("Uncertainty",),
    Topic.SCAN: ("From, to",),
    Topic.SCHEDULER: (),
    Topic.SENSITIVITY: ("Outline",),
    Topic.SETTINGS: (),
    Topic.SHEET: (),
    Topic.SPACING: ("Spacing",),
    Topic.SPLIT: (),
    Topic.TRAINED_LAYERS: ("May change",),
    Topic.TRAINING_DATA: (),
    Topic.UNIT: ("Unit of vectors", "Unit"),
    Topic.WINDOW: ("Windows",),
    Topic.WORKERS: ("Processes",),
    Topic.Z: ("Z-stacks",),
}
"""Labels of rows by topic; empty for topics that no row corrects. Shown is the first that the panel has."""


def with_row(error: CellForceError, panel: QWidget) -> str:
    """Return an error with the name of the row of a panel that corrects it, if there is one."""
    names = {label.text() for label in panel.findChildren(QLabel) if label.buddy() is not None}
    row = next((row for row in ROWS.get(error.topic, ()) if row in names), "") if error.topic else ""
    text = str(error)
    return f"{text} Row: {row}." if row and row not in text else text
