"""The plan of a batch, a row for each pair of input and model, and the paths of their results."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from napari_cellforce.batch.config import PREDICT, BatchConfig, absolute
from napari_cellforce.io.paths import split, stem
from napari_cellforce.models.record import ModelRecord
from napari_cellforce.predict import OutputPaths
from napari_cellforce.resume import STATE_DIR, short_name

_LONGEST_STEM = 200
"""In bytes: file systems allow 255, and our suffixes need some."""

_BYTES_PER_PIXEL = 8
"""Size of a traction field before compression."""


@dataclass(frozen=True)
class PlannedInput:
    """One row of the plan: an input and a model.

    Attributes
    ----------
    path : Path
    name : str
        Path relative to the input folder, with ``/``.
    title : str
        Name shown for the row: the input, and the model where there are several.
    target : Path
        Path of the results, without suffixes.
    given_model, model : str
        The model as named in the settings, and its own name.
    kind : str
        ``"image"`` or ``"dataset"`` (a folder of frames in the authors' layout); empty if unknown.
    condition : str
    mask, measured : Path or None
        The mask file and the measured field, if there should be any.
    parts : tuple of str
        Parts of the work: ``"predict"``, parts of an explanation, ``"compare"``.
    finished : tuple of str
        Parts that are complete.
    blockers : tuple of (str, str)
        Parts that cannot be done, and why; if ``"predict"`` is among them, none can.
    key : str
        See `napari_cellforce.batch.completion.predict_key`; empty if the input cannot be read.
    frames : int
    shape : tuple of 2 int
        Height and width in pixels.
    channels : tuple of str
        Names of the channels that are used.
    pixel_size : float
        Side of a pixel in µm; 0 if unknown.
    notes : tuple of str
        Remarks for the user that block nothing.
    """

    path: Path
    name: str
    title: str
    target: Path
    given_model: str
    model: str
    kind: str = ""
    condition: str = ""
    mask: Path | None = None
    measured: Path | None = None
    parts: tuple[str, ...] = (PREDICT,)
    finished: tuple[str, ...] = ()
    blockers: tuple[tuple[str, str], ...] = ()
    key: str = ""
    frames: int = 0
    shape: tuple[int, int] = (0, 0)
    channels: tuple[str, ...] = ()
    pixel_size: float = 0.0
    notes: tuple[str, ...] = ()

    @property
    def blocked(self) -> Mapping[str, str]:
        """The reasons by part that cannot be done."""
        return dict(self.blockers)

    @property
    def problem(self) -> str:
        """Why some part cannot be done; empty if all can."""
        return describe_failures(self.blocked)

    @property
    def predicted(self) -> bool:
        """True if the prediction is complete."""
        return PREDICT in self.finished

    @property
    def missing(self) -> tuple[str, ...]:
        """Parts that can be done and are not complete, in their order."""
        if PREDICT in self.blocked:
            return ()
        return tuple(p for p in self.parts if p not in self.finished and p not in self.blocked)

    @property
    def to_do(self) -> bool:
        """True if there is something to do."""
        return bool(self.missing)

    @property
    def complete(self) -> bool:
        """True if all parts are complete."""
        return set(self.finished) >= set(self.parts)

    @property
    def outputs(self) -> OutputPaths:
        """Where its prediction goes."""
        return OutputPaths.of(self.target.parent, self.target.name)

    @property
    def overview(self) -> Path:
        """Where its picture for the report goes."""
        return self.beside("_overview.png")

    @property
    def explained(self) -> Path:
        """Folder of its explanation."""
        return self.beside("_explain")

    @property
    def compared(self) -> Path:
        """Folder of its comparison with a measured field."""
        return self.beside("_compare")

    @property
    def predict_files(self) -> tuple[Path, ...]:
        """Files of the prediction; an uncertainty is written only if the model gives one."""
        return self.outputs.traction, self.outputs.summary, self.outputs.uncertainty, self.overview

    @property
    def pixels(self) -> int:
        """Pixels over all frames."""
        return self.frames * self.shape[0] * self.shape[1]

    def beside(self, ending: str) -> Path:
        """Return the path of a result."""
        return self.target.with_name(self.target.name + ending)

    def work_dir(self, out: Path) -> Path:
        """Return the folder of unfinished work; it differs for other settings."""
        return out / STATE_DIR / "parts" / short_name(f"{self.name}\n{self.key}", 32)


@dataclass(frozen=True)
class Plan:
    """All rows and the settings they were made from.

    Attributes
    ----------
    config : BatchConfig
    records : tuple of ModelRecord
        Records of the models, in the order of the settings.
    inputs : tuple of PlannedInput
        One row per input and model.
    """

    config: BatchConfig
    records: tuple[ModelRecord, ...]
    inputs: tuple[PlannedInput, ...]

    @property
    def out(self) -> Path:
        """The output folder."""
        return absolute(self.config.out)

    @property
    def to_do(self) -> tuple[PlannedInput, ...]:
        """Rows with parts to do."""
        return tuple(row for row in self.inputs if row.to_do)

    @property
    def problems(self) -> tuple[PlannedInput, ...]:
        """Rows with parts that cannot be done."""
        return tuple(row for row in self.inputs if row.problem)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences that warn before the start; empty if all is well."""
        needed = _BYTES_PER_PIXEL * sum(row.pixels for row in self.to_do if not row.predicted)
        free = shutil.disk_usage(_existing(self.out)).free
        if needed <= free:
            return ()
        return (
            f"The results may need {needed / 1e9:.2g} GB, and {free / 1e9:.2g} GB are free on that disk.",
        )


def describe_failures(reasons: Mapping[str, str]) -> str:
    """Return the reasons by part as one text; a failed prediction needs no other reason."""
    if PREDICT in reasons:
        return reasons[PREDICT]
    return " ".join(f"{part}: {why}" for part, why in reasons.items())


def target_of(out: Path, model: str, relative: Path, *, whole_name: bool) -> Path:
    """Return the path of an input's results without suffixes: a folder per model with the inputs' folders.

    Parameters
    ----------
    out : Path
    model : str
    relative : Path
        Path of the input relative to the input folder.
    whole_name : bool
        Whether to keep the suffix, because another input differs in nothing else.
    """
    container, _ = split(relative)
    name = relative.relative_to(container.parent).as_posix() if whole_name else stem(relative)
    return out / _flat(model) / container.parent / _flat(name)


def _flat(name: str) -> str:
    """Return a name, which may come from a foreign weights file, as one visible component of a path."""
    flat = name.replace("/", "_").replace("\\", "_")
    return _short("_" + flat if flat.startswith(".") or not flat else flat)


def _short(name: str) -> str:
    """Return a name that leaves room for endings; a shortened one stays unique by its hash."""
    coded = os.fsencode(name)
    if len(coded) <= _LONGEST_STEM:
        return name
    return coded[: _LONGEST_STEM - 9].decode(errors="ignore") + "~" + hashlib.sha256(coded).hexdigest()[:8]


def _existing(folder: Path) -> Path:
    return next(parent for parent in (folder, *folder.parents) if parent.exists())
