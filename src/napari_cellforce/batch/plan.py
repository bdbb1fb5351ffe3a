"""The plan: what will be predicted, with what, and what stands against it, before anything is done."""

from __future__ import annotations

import hashlib
import os
import shutil
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from napari_cellforce.batch.config import BatchConfig, absolute
from napari_cellforce.batch.folder import (
    VENDOR_SUFFIXES,
    condition_of,
    find_inputs,
    mask_of,
    read_conditions,
    twins,
)
from napari_cellforce.batch.receipt import Receipt, key
from napari_cellforce.errors import CellForceError, CellForceWarning
from napari_cellforce.io import read, read_mask
from napari_cellforce.io.kinds import kind
from napari_cellforce.io.paths import existing_path, stem
from napari_cellforce.models.record import ModelRecord, Predictor
from napari_cellforce.predict import OutputPaths, Prediction, prepare

_LONGEST_STEM = 200
"""Bytes: file systems allow 255, and our endings need some."""

_BYTES_PER_PIXEL = 8
"""Of a traction field, before compression."""


@dataclass(frozen=True)
class PlannedInput:
    """One row of the plan.

    Attributes
    ----------
    path : Path
    name : str
        Path below the input folder, with ``/``.
    target : Path
        Path of the results, without their endings.
    kind : str
        ``"image"``, ``"dataset"`` (a folder of frames), ``"vendor"``; empty for what is not known.
    condition : str
    mask : Path or None
        The mask file, if there is to be one.
    key : str
        See `napari_cellforce.batch.receipt.key`; empty if the input cannot be read.
    frames : int
    shape : tuple of 2 int
        Height and width in pixels.
    channels : tuple of str
        Those that will be read.
    pixel_size : float
        In µm; 0 if unknown.
    notes : tuple of str
        What the user should know, though it stands against nothing.
    problem : str
        Why it cannot be predicted; empty if it can.
    finished : bool
        True if its results are there already.
    """

    path: Path
    name: str
    target: Path
    kind: str = ""
    condition: str = ""
    mask: Path | None = None
    key: str = ""
    frames: int = 0
    shape: tuple[int, int] = (0, 0)
    channels: tuple[str, ...] = ()
    pixel_size: float = 0.0
    notes: tuple[str, ...] = ()
    problem: str = ""
    finished: bool = False

    @property
    def to_do(self) -> bool:
        """True if it can be predicted and has not been."""
        return not self.problem and not self.finished

    @property
    def outputs(self) -> OutputPaths:
        """Where its results go."""
        return OutputPaths.of(self.target.parent, self.target.name)

    @property
    def overview(self) -> Path:
        """Where its picture for the report goes."""
        return self.target.with_name(f"{self.target.name}_overview.png")

    @property
    def files(self) -> tuple[Path, ...]:
        """All that may be written for it; an uncertainty only where the model gives one."""
        return self.outputs.traction, self.outputs.summary, self.outputs.uncertainty, self.overview

    @property
    def pixels(self) -> int:
        """Amount of work: pixels over all frames."""
        return self.frames * self.shape[0] * self.shape[1]


@dataclass(frozen=True)
class Plan:
    """All rows, and the settings they were made from.

    Attributes
    ----------
    config : BatchConfig
    record : ModelRecord
        Of the model.
    inputs : tuple of PlannedInput
    """

    config: BatchConfig
    record: ModelRecord
    inputs: tuple[PlannedInput, ...]

    @property
    def out(self) -> Path:
        """The output folder."""
        return absolute(self.config.out)

    @property
    def to_do(self) -> tuple[PlannedInput, ...]:
        """What will be predicted."""
        return tuple(row for row in self.inputs if row.to_do)

    @property
    def problems(self) -> tuple[PlannedInput, ...]:
        """What cannot be predicted."""
        return tuple(row for row in self.inputs if row.problem)

    @property
    def doubts(self) -> tuple[str, ...]:
        """What speaks against starting, as sentences; empty if nothing does."""
        needed = _BYTES_PER_PIXEL * sum(row.pixels for row in self.to_do)
        free = shutil.disk_usage(_existing(self.out)).free
        if needed <= free:
            return ()
        return (
            f"The results may need {needed / 1e9:.2g} GB, and {free / 1e9:.2g} GB are free on that disk.",
        )


def make_plan(config: BatchConfig, predictor: Predictor) -> Plan:
    """Look at all inputs and return the plan; see `plan_rows`."""
    return Plan(config, predictor.record, tuple(plan_rows(config, predictor)))


def plan_rows(config: BatchConfig, predictor: Predictor) -> Iterator[PlannedInput]:
    """Look at one input after the other, without predicting anything.

    Yields
    ------
    PlannedInput
        With the reason as ``problem`` where an input cannot be predicted.

    Raises
    ------
    CellForceError
        If the folder, the pattern or the table of conditions is of no use at all.
    """
    conditions = read_conditions(config.conditions)
    paths = find_inputs(config)
    same_name = twins(paths)
    for path in paths:
        yield _planned(path, config, predictor, conditions, path in same_name)


def open_input(row: PlannedInput, config: BatchConfig, predictor: Predictor) -> Prediction:
    """Open an input and its mask and return its job; see `napari_cellforce.predict.prepare` for errors."""
    stack = read(row.path, z=config.z)
    mask = None
    if row.mask is not None:
        mask = read_mask(row.mask, shape=stack.shape, frames=stack.n_frames, label=config.label)
    return prepare(stack, predictor, mask, config.size, config.predict)


def reason(error: Exception) -> str:
    """Return why an input failed, in words."""
    if isinstance(error, CellForceError):
        return str(error)
    if isinstance(error, FileNotFoundError):
        return f"{error.filename or 'The file'} is no longer there."
    return f"Unexpected error, please report it: {type(error).__name__}: {error}"


def _planned(
    path: Path, config: BatchConfig, predictor: Predictor, conditions: dict[str, str], has_twin: bool
) -> PlannedInput:
    root, out = absolute(config.folder), absolute(config.out)
    relative = path.relative_to(root) if path != root else Path(root.name)
    row = PlannedInput(
        path,
        os.fsencode(relative.as_posix()).decode("utf-8", "backslashreplace"),
        out / relative.parent / _short(path.name if has_twin else stem(path)),
        "vendor" if path.suffix.lower() in VENDOR_SUFFIXES else kind(path) or "",
        condition_of(path, root, conditions),
        mask_of(path, config.mask_pattern),
    )
    try:
        return _looked_at(row, config, predictor)
    except Exception as error:  # whatever one file makes a library raise, the others go on
        return replace(row, problem=reason(error))


def _looked_at(row: PlannedInput, config: BatchConfig, predictor: Predictor) -> PlannedInput:
    """Complete a row from its receipt if it is finished, else by opening the input."""
    _refuse_vendor(row.path)
    _refuse_missing_mask(row)
    existing_path(row.path)
    row = replace(row, key=key(row.path, row.mask, config, predictor.record))
    receipt = Receipt.read(absolute(config.out), row.name)
    if receipt is not None and receipt.holds(absolute(config.out), row.key):
        found = ("frames", "shape", "channels", "pixel_size", "notes")
        return replace(row, finished=True, **{name: getattr(receipt, name) for name in found})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", CellForceWarning)
        job = open_input(row, config, predictor)
    doubts = tuple(str(w.message) for w in caught if issubclass(w.category, CellForceWarning))
    return replace(
        row,
        frames=job.stack.n_frames,
        shape=job.stack.shape,
        channels=tuple(job.stack.channel_names[c] for c in job.channels),
        pixel_size=job.pixel_size.micron,
        notes=(*job.stack.notes, *doubts),
    )


def _refuse_vendor(path: Path) -> None:
    if path.suffix.lower() in VENDOR_SUFFIXES:
        raise CellForceError(
            f"{path.name} is in a microscope maker's own format",
            "images are read as TIFF or OME-TIFF",
            "Export it as OME-TIFF (Fiji: Plugins > Bio-Formats > Bio-Formats Exporter).",
            topic="input",
        )


def _refuse_missing_mask(row: PlannedInput) -> None:
    if row.mask is not None and not row.mask.is_file():
        raise CellForceError(
            f"the mask {row.mask.name} of {row.name} was not found",
            f"it must be in {row.mask.parent}",
            "Put it there, correct the mask pattern, or find the cells automatically.",
            topic="mask",
        )


def _short(name: str) -> str:
    """Return a name that leaves room for endings; a shortened one stays unique by its hash."""
    coded = os.fsencode(name)
    if len(coded) <= _LONGEST_STEM:
        return name
    return coded[: _LONGEST_STEM - 9].decode(errors="ignore") + "~" + hashlib.sha256(coded).hexdigest()[:8]


def _existing(folder: Path) -> Path:
    return next(parent for parent in (folder, *folder.parents) if parent.exists())
