"""The error class shown to users: the value found, the rule it violates, and the remedy."""

from __future__ import annotations

from enum import StrEnum

from napari_cellforce.text import with_period


class Topic(StrEnum):
    """What the user corrects: the setting, input or part of the data that an error is about.

    The command line adds the option, a panel the name of its row (`napari_cellforce.cli.hints`,
    `napari_cellforce.widgets.base.hints`); errors themselves contain neither.
    """

    ADHESIONS = "adhesions"
    AXES = "axes"
    BACKEND = "backend"
    BEADS = "beads"
    CALIBRATION = "calibration"
    CELLS = "cells"
    CHANNEL = "channel"
    CLUSTER = "cluster"
    CONDITIONS = "conditions"
    DECAY_LENGTHS = "decay lengths"
    DEVICE = "device"
    DISPLACEMENT = "displacement"
    DRIFT = "drift"
    FOLDER = "folder"
    FRAMES = "frames"
    GEL = "gel"
    IMAGE = "image"
    INPUT = "input"
    MASK = "mask"
    MEMORY = "memory"
    MODEL = "model"
    NAME = "name"
    OUTLINE = "outline"
    OUTPUT = "output"
    OVERLAP = "overlap"
    PARTS = "parts"
    PATTERN = "pattern"
    PIXEL_SIZE = "pixel size"
    POSITION = "position"
    PROTEINS = "proteins"
    READING = "reading"
    """Nothing to correct: the data are still being read."""
    REFERENCE = "reference"
    REGIONS = "regions"
    REGULARISATION = "regularisation"
    RUN = "training run"
    SAMPLES = "samples"
    SCAN = "scan"
    SCHEDULER = "scheduler"
    SENSITIVITY = "sensitivity"
    SETTINGS = "settings"
    SHEET = "sheet"
    SPACING = "spacing"
    SPLIT = "split"
    TRAINED_LAYERS = "trained layers"
    TRAINING_DATA = "training data"
    UNIT = "unit"
    WINDOW = "window"
    WORKERS = "workers"
    Z = "z"

    @classmethod
    def of_setting(cls, name: str) -> Topic:
        """Return the topic of the setting of that name in a dataclass; `SETTINGS` if it has none."""
        topic = name.replace("_", " ")
        return cls(topic) if topic in cls._value2member_map_ else cls.SETTINGS


class CellForceError(ValueError):
    """An error that the user can cause and correct.

    The GUI shows it as a notification, the command line as one line with exit code 2.

    Parameters
    ----------
    value : str
        What was found, naming the file, layer or number: ``"pixel size of cell.tif is 0 µm"``.
    rule : str
        What is needed instead: ``"it must be positive"``.
    remedy : str
        What the user can do: ``"Type it in."``. The command line adds the name of its option, a panel that
        of its row.
    topic : Topic, optional
        What is to be corrected, so that a panel can name the row and the command line the option.
    """

    def __init__(self, value: str, rule: str, remedy: str, *, topic: Topic | None = None) -> None:
        self.value = value
        self.rule = rule
        self.remedy = remedy
        self.topic = topic
        super().__init__(value, rule, remedy)

    def __str__(self) -> str:
        return " ".join(with_period(part) for part in (f"{self.value}: {self.rule}", self.remedy) if part)

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (self.value, self.rule, self.remedy, self.topic)


class CellForceWarning(UserWarning):
    """A result or setting that may be intended but should be checked; the computation continues."""


def _rebuild(value: str, rule: str, remedy: str, topic: Topic | None) -> CellForceError:
    return CellForceError(value, rule, remedy, topic=topic)
