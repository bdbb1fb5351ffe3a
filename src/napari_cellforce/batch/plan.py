"""The plan: what will be done, with what, and what stands against it, before anything is done."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from napari_cellforce.batch.config import BatchConfig, absolute
from napari_cellforce.batch.folder import (
    beside,
    condition_of,
    find_inputs,
    read_conditions,
    twins,
)
from napari_cellforce.batch.keys import part_key, predict_key
from napari_cellforce.batch.opening import open_input, reason
from napari_cellforce.batch.receipt import Receipt
from napari_cellforce.batch.row import PlannedInput, target_of
from napari_cellforce.batch.wishes import COMPARE, PREDICT, wanted
from napari_cellforce.errors import CellForceError, CellForceWarning
from napari_cellforce.io.kinds import kind
from napari_cellforce.io.paths import existing_path
from napari_cellforce.models.record import ModelRecord, Predictor

_BYTES_PER_PIXEL = 8
"""Of a traction field, before compression."""


@dataclass(frozen=True)
class Plan:
    """All rows, and the settings they were made from.

    Attributes
    ----------
    config : BatchConfig
    records : tuple of ModelRecord
        Of the models, in the order of the settings.
    inputs : tuple of PlannedInput
        One an input and model.
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
        """Rows of which something is to be done."""
        return tuple(row for row in self.inputs if row.to_do)

    @property
    def problems(self) -> tuple[PlannedInput, ...]:
        """Rows of which something cannot be done."""
        return tuple(row for row in self.inputs if row.problem)

    @property
    def doubts(self) -> tuple[str, ...]:
        """What speaks against starting, as sentences; empty if nothing does."""
        needed = _BYTES_PER_PIXEL * sum(row.pixels for row in self.to_do if not row.predicted)
        free = shutil.disk_usage(_existing(self.out)).free
        if needed <= free:
            return ()
        return (
            f"The results may need {needed / 1e9:.2g} GB, and {free / 1e9:.2g} GB are free on that disk.",
        )


def make_plan(config: BatchConfig, predictors: Sequence[Predictor]) -> Plan:
    """Look at all inputs and return the plan; see `plan_rows`."""
    records = tuple(predictor.record for predictor in predictors)
    return Plan(config, records, tuple(plan_rows(config, predictors)))


def plan_rows(config: BatchConfig, predictors: Sequence[Predictor]) -> Iterator[PlannedInput]:
    """Look at one input after the other, without predicting anything.

    Parameters
    ----------
    config : BatchConfig
    predictors : sequence of Predictor
        Of ``config.models``, in that order.

    Yields
    ------
    PlannedInput
        For every input and model; with the reason as ``problem`` where something cannot be done.

    Raises
    ------
    CellForceError
        If the folder, the pattern or the table of conditions is of no use at all.
    """
    conditions = read_conditions(config.conditions)
    paths = find_inputs(config)
    same_name = twins(paths)
    for path in paths:
        for given, predictor in zip(config.models, predictors, strict=True):
            row = _blank(path, config, conditions, path in same_name, given, predictor.record)
            yield look(row, config, predictor)


def _blank(
    path: Path,
    config: BatchConfig,
    conditions: dict[str, str],
    has_twin: bool,
    given: str,
    record: ModelRecord,
) -> PlannedInput:
    """Return a row of which no more is known than where its files are."""
    root = absolute(config.folder)
    relative = path.relative_to(root) if path != root else Path(root.name)
    name = os.fsencode(relative.as_posix()).decode("utf-8", "backslashreplace")
    return PlannedInput(
        path=path,
        name=name,
        title=name if len(config.models) == 1 else f"{name} ({record.name})",
        target=target_of(absolute(config.out), record.name, relative, whole_name=has_twin),
        given_model=given,
        model=record.name,
        kind=kind(path) or "",
        condition=condition_of(path, root, conditions),
        mask=beside(path, config.mask_pattern),
        measured=beside(path, config.compare),
        parts=wanted(config, record),
    )


def look(row: PlannedInput, config: BatchConfig, predictor: Predictor) -> PlannedInput:
    """Return a row as it stands now: what its input is, what is finished, what is in the way."""
    row = replace(row, key="", finished=(), hindrances=())
    try:
        return _looked_at(row, config, predictor)
    except Exception as error:  # whatever one file makes a library raise, the others go on
        return replace(row, hindrances=((PREDICT, reason(error)),))


def _looked_at(row: PlannedInput, config: BatchConfig, predictor: Predictor) -> PlannedInput:
    """Complete a row from its receipt if it is finished, else by opening the input."""
    _refuse_missing_mask(row)
    existing_path(row.path)
    out, record = absolute(config.out), predictor.record
    key = predict_key(row.path, row.mask, config, record)
    row = replace(row, key=key, hindrances=tuple(_hindrances(row)))
    receipts = {part: Receipt.read(out, row.name, row.model, part) for part in row.parts}
    finished = tuple(
        part
        for part, receipt in receipts.items()
        if receipt is not None
        and part not in row.hindered
        and receipt.holds(out, part_key(part, key, config, record, row.measured))
    )
    row = replace(row, finished=finished)
    receipt = receipts[PREDICT]
    if row.predicted and receipt is not None:
        found = ("frames", "shape", "channels", "pixel_size", "notes")
        return replace(row, **{name: getattr(receipt, name) for name in found})
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


def _hindrances(row: PlannedInput) -> Iterator[tuple[str, str]]:
    """Yield what stands against parts other than the prediction."""
    if row.measured is not None and not row.measured.is_file():
        yield (
            COMPARE,
            f"the measured field {row.measured.name} of {row.name} was not found; it must be in "
            f"{row.measured.parent}. The prediction is made all the same.",
        )


def _refuse_missing_mask(row: PlannedInput) -> None:
    if row.mask is not None and not row.mask.is_file():
        raise CellForceError(
            f"the mask {row.mask.name} of {row.name} was not found",
            f"it must be in {row.mask.parent}",
            "Put it there, correct the mask pattern, or find the cells automatically.",
            topic="mask",
        )


def _existing(folder: Path) -> Path:
    return next(parent for parent in (folder, *folder.parents) if parent.exists())
