"""Execution of a task: the steps of one input, in whatever process this runs."""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import json
import shutil
import traceback
from collections.abc import Generator, Iterator
from pathlib import Path

import numpy as np

from napari_cellforce import files, zoo
from napari_cellforce.batch.completion import (
    COMPARISON,
    CompletionRecord,
    part_key,
    predict_key,
)
from napari_cellforce.batch.config import COMPARE, PREDICT, BatchConfig, absolute
from napari_cellforce.batch.input_state import (
    PREDICTING,
    Step,
    StepEvent,
    Task,
    chunk_ranges,
    needs_chunks,
)
from napari_cellforce.batch.open_input import (
    MeasuredPrediction,
    failure_reason,
    open_input,
    with_baselines,
)
from napari_cellforce.batch.planned_input import PlannedInput
from napari_cellforce.compare import ComparePaths, compare_to_files
from napari_cellforce.errors import CellForceError, Topic
from napari_cellforce.explain import ExplainConfig, explain
from napari_cellforce.fields import FrameResult, Mask, Progress
from napari_cellforce.io import read, read_field, write_mask
from napari_cellforce.io.measured import read_measured
from napari_cellforce.models.record import Predictor
from napari_cellforce.predict import OutputPaths, Prediction, concatenate_fields, predict_to_files
from napari_cellforce.preprocess.normalise import Baselines
from napari_cellforce.report import draw_overview
from napari_cellforce.resume import file_sizes, write_record

_CELL_FILE = "cell.json"


def run_task(task: Task, config: BatchConfig, predictor: Predictor | None = None) -> Generator[StepEvent]:
    """Execute the steps of a task; an error becomes an event, not an exception.

    Parameters
    ----------
    task : Task
    config : BatchConfig
    predictor : Predictor, optional
        By default the one that this process has loaded, or loads now.

    Yields
    ------
    StepEvent
        ``"running"`` as a step goes on, then ``"done"`` or ``"failed"``. After a failed step of the
        prediction there are no further ones; explanations and the comparison do not need each other.
    """
    runner = TaskRunner(task.row, config, predictor)
    for step in task.steps:
        try:
            with contextlib.closing(runner.run_step(step)) as records:
                for record in records:
                    yield StepEvent(step, "running", record.what, record.done, record.total)
        except Exception as error:  # of any kind: one bad file never stops the others
            details = "" if isinstance(error, CellForceError) else traceback.format_exc()
            yield StepEvent(step, "failed", reason=failure_reason(error), details=details)
            if step.part == PREDICT:
                return
        else:
            yield StepEvent(step, "done")


class TaskRunner:
    """Executes steps of one input, which is opened when needed and kept open from step to step."""

    def __init__(self, row: PlannedInput, config: BatchConfig, predictor: Predictor | None) -> None:
        self._row, self._config, self._predictor = row, config, predictor
        self._out = absolute(config.out)
        self._work_dir = row.work_dir(self._out)
        self._opened: MeasuredPrediction | None = None

    def run_step(self, step: Step) -> Generator[Progress]:
        """Execute a step."""
        if step.part != PREDICT:
            yield from self._run_dependent(step.part)
        elif step.stage == "measure":
            self._remove_record(PREDICT)
            yield from self._open_job()
        elif step.stage == "frames":
            job = yield from self._open_job()
            yield from predict_chunk(job, self._work_dir, step.frames or range(0), job.baselines)
        else:
            yield from self._join()

    def _open_job(self) -> Generator[Progress, None, MeasuredPrediction]:
        """Return the job of the prediction; its baselines are measured here, unless another process has."""
        if self._opened is None:
            saved = load_cell(self._work_dir)
            baselines, outline = saved or (None, None)
            job = open_input(self._row, self._config, self._predictor, outline)
            if saved is None:
                baselines = yield from job.measure_baselines()
            if saved is None and needs_chunks(self._row):
                save_cell(self._work_dir, baselines, job.mask if self._row.mask is None else None)
            self._opened = with_baselines(job, baselines)
        return self._opened

    def _join(self) -> Generator[Progress]:
        """Join the chunks, draw the result and mark it as complete."""
        row, out = self._row, self._out
        job = yield from self._open_job()
        row.outputs.uncertainty.unlink(missing_ok=True)  # other settings may have written one
        join_chunks(self._work_dir, chunk_ranges(row.frames), row.outputs)
        _draw(job, row)
        self._refuse_changed(job)
        record = CompletionRecord(
            name=row.name,
            model=row.model,
            part=PREDICT,
            key=row.key,
            outputs=file_sizes(out, (path.relative_to(out).as_posix() for path in row.predict_files)),
            frames=job.stack.n_frames,
            shape=job.stack.shape,
            channels=tuple(job.stack.channel_names[c] for c in job.channels),
            pixel_size=job.pixel_size.micron,
            baselines=job.baselines,
            notes=row.notes,
        )
        record.write(out)
        self._opened = None  # its outlines may be read from the work folder
        shutil.rmtree(self._work_dir, ignore_errors=True)

    def _refuse_changed(self, job: Prediction) -> None:
        row = self._row
        if predict_key(row.path, row.mask, self._config, job.predictor.record) != row.key:
            raise CellForceError(
                f"{row.name} or its mask was changed while it was read",
                "the result may be of neither version",
                "Run the batch again when the file is complete.",
                topic=Topic.INPUT,
            )

    def _run_dependent(self, part: str) -> Generator[Progress]:
        """Execute a part that needs the prediction; its files appear only when all are complete."""
        row, out = self._row, self._out
        former = self._remove_record(part)
        job = yield from self._open_predicted()
        key = part_key(part, row.key, self._config, job.predictor.record, row.measured)
        draft = self._work_dir / part
        try:
            yield from self._compare(draft) if part == COMPARE else self._explain(part, job, draft)
            folder = row.compared if part == COMPARE else row.explained
            with files.disk_errors(folder):
                names = [path.relative_to(out).as_posix() for path in _moved(draft, folder)]
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        for name in {*(former.outputs if former else ())} - set(names):
            files.inside(out, name).unlink(missing_ok=True)
        CompletionRecord(row.name, row.model, part, key, file_sizes(out, names)).write(out)

    def _open_predicted(self) -> Generator[Progress, None, MeasuredPrediction]:
        """Return the job after its prediction, with the outlines and baselines it had."""
        if self._opened is None:
            record = CompletionRecord.read(self._out, self._row.name, self._row.model, PREDICT)
            mask = read_field(self._row.outputs.traction).mask
            outline = None if self._row.mask is not None or mask is None else Mask(mask, "automatic")
            job = open_input(self._row, self._config, self._predictor, outline)
            baselines = (yield from job.measure_baselines()) if record is None else record.baselines
            self._opened = with_baselines(job, baselines)
        return self._opened

    def _explain(self, part: str, job: MeasuredPrediction, folder: Path) -> Generator[Progress]:
        module = None
        if part == "greens":
            models = self._config.run.model_folder or None
            module = zoo.load_weights(self._row.given_model, folder=models).module
        named = dataclasses.replace(
            job, stack=dataclasses.replace(job.stack, name=self._row.target.name)
        )  # a name of suitable length
        for record in explain(named, ExplainConfig((part,)), folder, module):
            if isinstance(record, Progress):
                yield record

    def _compare(self, folder: Path) -> Generator[Progress]:
        predicted = read_field(self._row.outputs.traction)
        measured = read_measured(self._row.measured or "", self._config.measured)
        mask = None if predicted.mask is None else np.asarray(predicted.mask)
        for record in compare_to_files(predicted, measured, ComparePaths.of(folder), mask, COMPARISON):
            if isinstance(record, Progress):
                yield record

    def _remove_record(self, part: str) -> CompletionRecord | None:
        """Remove and return the record of a part that is about to be computed again."""
        record = CompletionRecord.read(self._out, self._row.name, self._row.model, part)
        if record is not None:
            record.remove(self._out)
        return record


def _moved(draft: Path, folder: Path) -> Iterator[Path]:
    """Move all files of a draft to their folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(draft.iterdir()):
        yield path.replace(folder / path.name)


def _draw(job: Prediction, row: PlannedInput) -> None:
    """Draw the first frame from the written files."""
    field = read_field(row.outputs.traction)
    mask = np.asarray(field.mask[0])
    channels = job.channels[:1]
    draw_overview(
        row.overview,
        job.stack.frame(0, channels)[0] if channels else mask.astype(np.float32),
        np.asarray(field.data[0]),
        mask,
        pixel_size=job.pixel_size,
        unit=job.unit,
        protein=job.stack.channel_names[channels[0]] if channels else "mask",
    )


def predict_chunk(
    job: Prediction, folder: Path, frames: range, baselines: Baselines | None
) -> Iterator[Progress]:
    """Predict a chunk of a job into `folder`, unless it is there complete.

    Yields
    ------
    Progress
        After every frame, counted within the chunk.
    """
    paths = _chunk_paths(folder, frames)
    if _is_complete(paths, frames):
        return
    for record in predict_to_files(job, paths, frames, baselines):
        if isinstance(record, FrameResult):
            yield Progress(PREDICTING, record.frame + 1 - frames.start, len(frames))


def _is_complete(paths: OutputPaths, frames: range) -> bool:
    """Return whether a chunk is there; its table is written after its tractions."""
    if not (paths.summary.is_file() and paths.traction.is_file()):
        return False
    with paths.summary.open(encoding="utf-8", newline="") as file:
        return sum(1 for _ in csv.reader(file)) - 1 == len(frames)


def save_cell(folder: Path, baselines: Baselines | None, outline: Mask | None) -> None:
    """Write the baselines and outlines of a cell, so that all chunks use the same ones.

    Parameters
    ----------
    folder : Path
    baselines : Baselines or None
    outline : Mask or None
        The outlines, if they were found automatically; those from a mask file are not written.
    """
    if outline is not None:
        write_mask(folder / "cell.tif", outline)
    entries = {
        "baselines": None if baselines is None else dataclasses.asdict(baselines),
        "found": None if outline is None else outline.source,
    }
    write_record(folder / _CELL_FILE, entries)


def load_cell(folder: Path) -> tuple[Baselines | None, Mask | None] | None:
    """Return what `save_cell` wrote; None if there is nothing."""
    if not (folder / _CELL_FILE).is_file():
        return None
    entries = json.loads((folder / _CELL_FILE).read_text(encoding="utf-8"))
    means = entries["baselines"]
    baselines = None if means is None else Baselines(tuple(means["inside"]), tuple(means["outside"]))
    if entries["found"] is None:
        return baselines, None
    return baselines, Mask(read(folder / "cell.tif").data[:, 0] != 0, entries["found"])


def join_chunks(folder: Path, chunks: tuple[range, ...], final: OutputPaths) -> None:
    """Join the chunks in `folder` to the result, or move it there if it is one."""
    paths = [_chunk_paths(folder, frames) for frames in chunks]
    final.traction.parent.mkdir(parents=True, exist_ok=True)
    if len(paths) > 1:
        concatenate_fields(paths, final, like=paths[0])
        _join_tables([chunk.summary for chunk in paths], final.summary)
        return
    with files.disk_errors(final.traction):
        paths[0].summary.replace(final.summary)  # first: without it the chunk counts as not predicted
        paths[0].traction.replace(final.traction)
        if paths[0].uncertainty.is_file():
            paths[0].uncertainty.replace(final.uncertainty)


def _chunk_paths(folder: Path, frames: range) -> OutputPaths:
    return OutputPaths.of(folder, f"{frames.start:06d}")


def _join_tables(paths: list[Path], final: Path) -> None:
    texts = [path.read_text(encoding="utf-8").splitlines(keepends=True) for path in paths]
    files.write_text(final, "".join([texts[0][0], *(line for text in texts for line in text[1:])]))
