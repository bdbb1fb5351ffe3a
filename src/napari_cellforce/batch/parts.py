"""A long input is predicted in parts, each whole or not at all, which are joined at the end."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from napari_cellforce import files
from napari_cellforce.fields import FrameResult, ScalarField
from napari_cellforce.io import FieldWriter, ScalarWriter, read, read_field
from napari_cellforce.predict import OutputPaths, Prediction, Progress, predict_to_files

PART_FRAMES = 50
"""Frames in a part: what is lost at most when the computer fails."""


PREDICTING = "Predicting"
"""What `Progress` says after a frame was predicted."""


def predict_in_parts(job: Prediction, folder: Path, final: OutputPaths) -> Iterator[Progress]:
    """Predict a job into `folder`, part by part, and then move or join the parts to `final`.

    Parts that are complete are not predicted again.

    Yields
    ------
    Progress
        One before every frame that is measured, and one after every frame that is predicted.
    """
    parts = _parts(job.stack.n_frames, folder)
    missing = [(frames, paths) for frames, paths in parts if _n_rows(paths.summary) != len(frames)]
    baselines = (yield from job.measure()) if missing else None
    for frames, paths in missing:
        for record in predict_to_files(job, paths, frames, baselines):
            if isinstance(record, FrameResult):
                yield Progress(PREDICTING, record.frame + 1, job.stack.n_frames)
    _join([paths for _, paths in parts], final)


def _parts(n_frames: int, folder: Path) -> list[tuple[range, OutputPaths]]:
    starts = range(0, n_frames, PART_FRAMES)
    return [
        (range(start, min(start + PART_FRAMES, n_frames)), OutputPaths.of(folder, f"{start:06d}"))
        for start in starts
    ]


def _n_rows(table: Path) -> int:
    """Return the number of rows of a table, 0 if it is not there. It is written after its tractions."""
    if not table.is_file():
        return 0
    with table.open(encoding="utf-8", newline="") as file:
        return sum(1 for _ in csv.reader(file)) - 1


def _join(parts: list[OutputPaths], final: OutputPaths) -> None:
    final.traction.parent.mkdir(parents=True, exist_ok=True)
    if len(parts) > 1:
        _join_fields([part.traction for part in parts], final.traction)
        if parts[0].uncertainty.is_file():
            _join_uncertainties(parts, final.uncertainty)
        _join_tables([part.summary for part in parts], final.summary)
        return
    with files.disk_errors(final.traction):
        parts[0].traction.replace(final.traction)
        if parts[0].uncertainty.is_file():
            parts[0].uncertainty.replace(final.uncertainty)
        parts[0].summary.replace(final.summary)


def _join_fields(paths: list[Path], final: Path) -> None:
    """Copy the tractions of all parts into one file, a frame at a time."""
    fields = [read_field(path) for path in paths]
    first = fields[0]
    with FieldWriter(
        final,
        quantity=first.quantity,
        unit=first.unit,
        pixel_size=first.pixel_size,
        shape=first.data.shape[2:],
        frame_interval=first.frame_interval,
        name=first.name,
        provenance=first.provenance,
        n_frames=sum(len(field.frames) for field in fields),
    ) as writer:
        for field in fields:
            for i, frame in enumerate(field.frames):
                writer.append(frame, np.asarray(field.data[i]), np.asarray(field.mask[i]))


def _join_uncertainties(parts: list[OutputPaths], final: Path) -> None:
    """Copy the uncertainties of all parts into one file, a frame at a time."""
    field = read_field(parts[0].traction)
    stacks = [read(part.uncertainty) for part in parts]
    shape = (sum(stack.n_frames for stack in stacks), *stacks[0].shape)
    none_yet = np.broadcast_to(np.float32(0), shape)
    like = ScalarField(
        none_yet, "uncertainty", field.unit, field.pixel_size, field.frame_interval, field.provenance
    )
    with ScalarWriter(final, like) as writer:
        for stack in stacks:
            for t in range(stack.n_frames):
                writer.append(stack.frame(t)[0])


def _join_tables(paths: list[Path], final: Path) -> None:
    texts = [path.read_text(encoding="utf-8").splitlines(keepends=True) for path in paths]
    files.write_text(final, "".join([texts[0][0], *(line for text in texts for line in text[1:])]))
