"""A long input is predicted in parts, each whole or not at all, which are joined at the end."""

from __future__ import annotations

import csv
import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

from napari_cellforce import files
from napari_cellforce.fields import FrameResult, Mask
from napari_cellforce.io import read, write_mask
from napari_cellforce.predict import OutputPaths, Prediction, Progress, join_fields, predict_to_files
from napari_cellforce.preprocess.normalise import Baselines

PART_FRAMES = 50
"""Frames in a part: what is lost at most when the computer fails."""

PREDICTING = "Predicting"
"""What `Progress` says after a frame was predicted."""

_CELL = "cell.json"


def ranges(n_frames: int) -> tuple[range, ...]:
    """Return the frames of each part."""
    starts = range(0, n_frames, PART_FRAMES)
    return tuple(range(start, min(start + PART_FRAMES, n_frames)) for start in starts)


def predict_part(
    job: Prediction, folder: Path, frames: range, baselines: Baselines | None
) -> Iterator[Progress]:
    """Predict a part of a job into `folder`, unless it lies there complete.

    Yields
    ------
    Progress
        After every frame, counted within the part.
    """
    paths = _paths(folder, frames)
    if _is_complete(paths, frames):
        return
    for record in predict_to_files(job, paths, frames, baselines):
        if isinstance(record, FrameResult):
            yield Progress(PREDICTING, record.frame + 1 - frames.start, len(frames))


def _is_complete(paths: OutputPaths, frames: range) -> bool:
    """Tell whether a part is there; its table is written after its tractions."""
    if not (paths.summary.is_file() and paths.traction.is_file()):
        return False
    with paths.summary.open(encoding="utf-8", newline="") as file:
        return sum(1 for _ in csv.reader(file)) - 1 == len(frames)


def keep_cell(folder: Path, baselines: Baselines | None, found: Mask | None) -> None:
    """Keep what was measured of a cell, so that every part knows it, whoever predicts it.

    Parameters
    ----------
    folder : Path
    baselines : Baselines or None
    found : Mask or None
        The outlines, if they were found; those from a file need not be kept.
    """
    if found is not None:
        write_mask(folder / "cell.tif", found)
    entries = {
        "baselines": None if baselines is None else dataclasses.asdict(baselines),
        "found": None if found is None else found.source,
    }
    files.write_text(folder / _CELL, json.dumps(entries))


def kept_cell(folder: Path) -> tuple[Baselines | None, Mask | None] | None:
    """Return what `keep_cell` kept; None if it kept nothing."""
    if not (folder / _CELL).is_file():
        return None
    entries = json.loads((folder / _CELL).read_text(encoding="utf-8"))
    means = entries["baselines"]
    baselines = None if means is None else Baselines(tuple(means["inside"]), tuple(means["outside"]))
    if entries["found"] is None:
        return baselines, None
    return baselines, Mask(read(folder / "cell.tif").data[:, 0] != 0, entries["found"])


def join(folder: Path, parts: tuple[range, ...], final: OutputPaths) -> None:
    """Join the parts in `folder` to the result, or move it there if it is one."""
    paths = [_paths(folder, frames) for frames in parts]
    final.traction.parent.mkdir(parents=True, exist_ok=True)
    if len(paths) > 1:
        join_fields(paths, final, like=paths[0])
        _join_tables([part.summary for part in paths], final.summary)
        return
    with files.disk_errors(final.traction):
        paths[0].summary.replace(final.summary)  # first: without it the part counts as not predicted
        paths[0].traction.replace(final.traction)
        if paths[0].uncertainty.is_file():
            paths[0].uncertainty.replace(final.uncertainty)


def _paths(folder: Path, frames: range) -> OutputPaths:
    return OutputPaths.of(folder, f"{frames.start:06d}")


def _join_tables(paths: list[Path], final: Path) -> None:
    texts = [path.read_text(encoding="utf-8").splitlines(keepends=True) for path in paths]
    files.write_text(final, "".join([texts[0][0], *(line for text in texts for line in text[1:])]))
