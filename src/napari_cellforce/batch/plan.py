"""Making the plan: every input is inspected and checked before anything is computed."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from napari_cellforce.batch.completion import CompletionRecord, part_key, predict_key
from napari_cellforce.batch.config import COMPARE, PREDICT, BatchConfig, absolute
from napari_cellforce.batch.input_files import (
    beside,
    condition_of,
    duplicate_stems,
    find_inputs,
    read_conditions,
)
from napari_cellforce.batch.jobqueue_config import read_jobqueue_config
from napari_cellforce.batch.open_input import failure_reason, open_input
from napari_cellforce.batch.planned_input import Plan, PlannedInput, target_of
from napari_cellforce.errors import CellForceError, CellForceWarning, Topic
from napari_cellforce.io.paths import existing_path
from napari_cellforce.io.sniff import detect_kind
from napari_cellforce.models.record import ModelRecord, Predictor


def make_plan(config: BatchConfig, predictors: Sequence[Predictor]) -> Plan:
    """Inspect all inputs and return the plan; see `plan_rows`."""
    records = tuple(predictor.record for predictor in predictors)
    return Plan(config, records, tuple(plan_rows(config, predictors)))


def plan_rows(config: BatchConfig, predictors: Sequence[Predictor]) -> Iterator[PlannedInput]:
    """Inspect one input after the other, without predicting anything.

    Parameters
    ----------
    config : BatchConfig
    predictors : sequence of Predictor
        Predictors of ``config.models``, in that order.

    Yields
    ------
    PlannedInput
        One per input and model; its ``problem`` says what cannot be done and why.

    Raises
    ------
    CellForceError
        If the folder, the pattern, the table of conditions or the cluster file cannot be used at all.
    """
    if config.cluster:
        read_jobqueue_config(config.cluster)
    conditions = read_conditions(config.conditions)
    paths = find_inputs(config)
    ambiguous = duplicate_stems(paths)
    for path in paths:
        for given, predictor in zip(config.models, predictors, strict=True):
            row = _blank(path, config, conditions, path in ambiguous, given, predictor.record)
            yield refresh_row(row, config, predictor)


def _blank(
    path: Path,
    config: BatchConfig,
    conditions: dict[str, str],
    is_ambiguous: bool,
    given: str,
    record: ModelRecord,
) -> PlannedInput:
    """Return a row that knows no more than where its files are."""
    root = absolute(config.folder)
    relative = path.relative_to(root) if path != root else Path(root.name)
    name = os.fsencode(relative.as_posix()).decode("utf-8", "backslashreplace")
    return PlannedInput(
        path=path,
        name=name,
        title=name if len(config.models) == 1 else f"{name} ({record.name})",
        target=target_of(absolute(config.out), record.name, relative, whole_name=is_ambiguous),
        given_model=given,
        model=record.name,
        kind=detect_kind(path) or "",
        condition=condition_of(path, root, conditions),
        mask=beside(path, config.mask_pattern),
        measured=beside(path, config.compare),
        parts=config.parts_for(record),
    )


def refresh_row(row: PlannedInput, config: BatchConfig, predictor: Predictor) -> PlannedInput:
    """Return a row in its present state: what its input is, which parts are complete or blocked."""
    row = replace(row, key="", finished=(), blockers=())
    try:
        return _inspect(row, config, predictor)
    except Exception as error:  # whatever one file makes a library raise, the others go on
        return replace(row, blockers=((PREDICT, failure_reason(error)),))


def _inspect(row: PlannedInput, config: BatchConfig, predictor: Predictor) -> PlannedInput:
    """Complete a row from its completion record if there is a valid one, else by opening the input."""
    _refuse_missing_mask(row)
    existing_path(row.path)
    out, record = absolute(config.out), predictor.record
    key = predict_key(row.path, row.mask, config, record)
    row = replace(row, key=key, blockers=tuple(_blockers(row)))
    records = {part: CompletionRecord.read(out, row.name, row.model, part) for part in row.parts}
    finished = tuple(
        part
        for part, done in records.items()
        if done is not None
        and part not in row.blocked
        and done.is_valid(out, part_key(part, key, config, record, row.measured))
    )
    row = replace(row, finished=finished)
    done = records[PREDICT]
    if row.predicted and done is not None:
        properties = ("frames", "shape", "channels", "pixel_size", "notes")
        return replace(row, **{name: getattr(done, name) for name in properties})
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", CellForceWarning)
        job = open_input(row, config, predictor)
    cautions = tuple(str(w.message) for w in caught if issubclass(w.category, CellForceWarning))
    return replace(
        row,
        frames=job.stack.n_frames,
        shape=job.stack.shape,
        channels=tuple(job.stack.channel_names[c] for c in job.channels),
        pixel_size=job.pixel_size.micron,
        notes=(*job.stack.notes, *cautions),
    )


def _blockers(row: PlannedInput) -> Iterator[tuple[str, str]]:
    """Yield reasons against parts other than the prediction."""
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
            topic=Topic.MASK,
        )
